#ifndef LONGHAUL_TRANSPORTER_RESTORE_OPEN_FORMAT_H
#define LONGHAUL_TRANSPORTER_RESTORE_OPEN_FORMAT_H

/* Items as files that other programs read: what a contact, an event or a task is stands in its metadata, so its file is
 * made from that and from its content. Messages and files are their own format. Pure; any thread. */

#include "common/vault/catalog.h"
#include "transporter/restore/safe_name.h"

struct buffer;
struct error;

/* Whether items of this kind have to be converted. */
bool open_format_converts(enum catalog_kind kind);

/* The whole file. record has its metadata inline; content: its bytes, len 0: none. ERROR_FORMAT: its metadata is
 * malformed. */
int open_format_write(const struct catalog_item *record, const uint8_t *content, size_t len, struct buffer *out,
                      struct error *err);

/* What the item's file is called, and when it was last changed (ms). */
void open_format_name(const struct catalog_item *record, char name[SAFE_NAME_MAX + 1]);
int64_t open_format_time(const struct catalog_item *record);

#endif
