#ifndef LONGHAUL_TRANSPORTER_PIPELINE_ITEM_RECORD_H
#define LONGHAUL_TRANSPORTER_PIPELINE_ITEM_RECORD_H

/* Between what a source says of an item and what the catalog keeps. Pure; any thread. */

#include "common/vault/catalog.h"
#include "transporter/source/source.h"

/* Flags of the catalog that have no name of their own there. */
#define ITEM_RECORD_PROTECTED (1U << 16)
#define ITEM_RECORD_PACKAGE   (1U << 17)
#define ITEM_RECORD_SHORTCUT  (1U << 18)
#define ITEM_RECORD_MALWARE   (1U << 19)

/* Where a record's keys and shortened texts lie. */
struct item_record_room {
    struct catalog_key_buffer key, parent;
    char name[CATALOG_TEXT_MAX + 1];
    char from[CATALOG_TEXT_MAX + 1];
};

/* Key of an id of this kind. ERROR_LIMIT when the id is too long or empty. */
int item_record_key(enum catalog_kind kind, const char *id, struct catalog_key_buffer *out, struct error *err);

/* The record without content and metadata_ref; metadata is set when it fits inline. Pointers into item and room. A
 * folder's well-known name stands in `from`. */
int item_record_make(const struct source_item *item, struct item_record_room *room, struct catalog_item *record,
                     struct error *err);

/* Back again, for a restore or another try: pointers into record and room; metadata only when it is inline. */
struct item_record_texts {
    char id[CATALOG_KEY_MAX + 1];
    char parent_id[CATALOG_KEY_MAX + 1];
};
void item_record_back(const struct catalog_item *record, struct item_record_texts *texts, struct source_item *item);

/* A copy in one heap block, as sources make them; free with source_item_free(). */
struct source_item *item_record_copy(const struct source_item *item);

#endif
