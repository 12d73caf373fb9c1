#ifndef LONGHAUL_COMMON_VAULT_MESSAGE_PARTS_H
#define LONGHAUL_COMMON_VAULT_MESSAGE_PARTS_H

/* Which contents a message takes from elsewhere. */

#include "common/base/buffer.h"
#include "common/vault/catalog.h"

struct error;
struct vault_reader;

/* Memory for the parts of one message, at most. */
#define MESSAGE_PARTS_CEILING ((size_t)64 << 20)

/* All parts that the recipe of this message (ref->message, form chunk or list) tells, in its order, appended to *parts.
 * Reads the recipe and none of the parts; the reader is free again afterwards. ERROR_NOT_FOUND, ERROR_CORRUPT and
 * ERROR_FORMAT mean damage; after any failure *parts is as it was. */
int message_parts_read(struct vault_reader *reader, const struct content_ref *ref, struct buffer *parts,
                       struct error *err);
/* Those that an item's own list tells (item->parts is not NULL), without reading anything. ERROR_FORMAT. */
int message_parts_of_item(const struct catalog_item *item, struct buffer *parts, struct error *err);

/* The part at a position, false behind the last one. */
bool message_parts_at(const struct buffer *parts, size_t at, struct content_ref *part);

#endif
