#ifndef LONGHAUL_TRANSPORTER_STORAGE_AZURE_AZURE_H
#define LONGHAUL_TRANSPORTER_STORAGE_AZURE_AZURE_H

/* The Azure driver: block blobs of Azure Storage. Implements transporter/storage/storage.h. */

#include <jansson.h>
#include <stdbool.h>

struct clock;
struct error;
struct storage;

/* {"driver":"azure", "account", "container", and either "account_key" (base64) or "sas" ("?sv=…"),
 *  optional: "endpoint" (https://ACCOUNT.blob.core.windows.net; may have a path), "prefix",
 *  "lock_mode":"none|unlocked|locked" (of version-level immutability policies), "ca_pem",
 *  "versions":"latest|first" (first: read what was written first under each name, and attach without the marker; after
 *  somebody wrote over or deleted blobs), "tries": how often a request is made before it counts as failed}
 * ERROR_CONFIG when that makes no sense, or lock_mode asks for what the container does not have. */
struct storage *azure_open(const json_t *location, const struct clock *clock, bool create, struct error *err);

#endif
