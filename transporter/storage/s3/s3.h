#ifndef LONGHAUL_TRANSPORTER_STORAGE_S3_S3_H
#define LONGHAUL_TRANSPORTER_STORAGE_S3_S3_H

/* The S3 driver: Amazon S3 and what speaks like it (Ceph, MinIO, ...). Implements transporter/storage/storage.h. */

#include <jansson.h>
#include <stdbool.h>

struct clock;
struct error;
struct storage;

/* {"driver":"s3", "endpoint":"https://host[:port]", "region", "bucket", "access_key_id", "secret_access_key",
 *  optional: "prefix", "session_token", "style":"path|virtual", "lock_mode":"none|governance|compliance", "ca_pem",
 *  "versions":"latest|first" (first: read what was written first under each name, and attach without the marker; after
 *  somebody wrote over or deleted objects), "tries": how often a request is made before it counts as failed}
 * ERROR_CONFIG when that makes no sense, or lock_mode asks for what the bucket does not have. */
struct storage *s3_open(const json_t *location, const struct clock *clock, bool create, struct error *err);

#endif
