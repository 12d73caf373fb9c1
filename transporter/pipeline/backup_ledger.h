#ifndef LONGHAUL_TRANSPORTER_PIPELINE_BACKUP_LEDGER_H
#define LONGHAUL_TRANSPORTER_PIPELINE_BACKUP_LEDGER_H

/* The state of one object as a backup run brings it up to date: the catalog's changes and the fate of every item that
 * could not be stored. Any thread; one change at a time. */

#include "common/vault/catalog_edit.h"
#include "transporter/source/source.h"

struct backup_ledger;
struct task_result;
struct vault;
struct vault_writer;

struct backup_ledger_options {
    struct vault *vault; /* vault and writer are borrowed for life */
    struct vault_writer *writer;
    const struct catalog_root *base; /* of the previous point; NULL: none */
    const char *scratch;             /* folder for temporary files; borrowed for life */
};

/* What the catalog has of an item, copied. */
struct backup_ledger_record {
    struct catalog_key_buffer parent;
    struct content_ref content;
    uint64_t tag; /* known_items_tag() */
    bool gap;     /* its content could not be read */
};

struct backup_ledger *backup_ledger_new(const struct backup_ledger_options *options, struct error *err);
void backup_ledger_free(struct backup_ledger *ledger);
void backup_ledger_free_p(struct backup_ledger **ledger);

/* Adds or replaces the item. content NULL: it has none. gap: it should have, but could not be read. The parts of a
 * content that is there already are the ones it has there. */
int backup_ledger_put(struct backup_ledger *ledger, const struct source_item *item, const struct content_ref *content,
                      bool gap, struct error *err);
/* With a content that has just been stored. */
int backup_ledger_put_stored(struct backup_ledger *ledger, const struct source_item *item,
                             const struct content_ref *content, const struct content_parts *parts, struct error *err);
int backup_ledger_remove(struct backup_ledger *ledger, struct catalog_key key, struct error *err);
/* 1 and *record, 0 when there is no such item, -1. */
int backup_ledger_get(struct backup_ledger *ledger, struct catalog_key key, struct backup_ledger_record *record,
                      struct error *err);
/* 1 and a copy of the item as a source would give it, for another try; free with source_item_free_p(). */
int backup_ledger_item(struct backup_ledger *ledger, struct catalog_key key, const char *locator,
                       struct source_item **item, struct error *err);

/* Remembers that the item was skipped or failed, or stored with a note. */
int backup_ledger_outcome(struct backup_ledger *ledger, const struct source_item *item,
                          const struct source_outcome *outcome, struct error *err);
/* A line of the last point's outcomes that still holds. */
int backup_ledger_carry(struct backup_ledger *ledger, const char *line, size_t len, bool failed, const char *reason,
                        struct error *err);

/* The catalog as of the last checkpoint (or the base), for reading. */
void backup_ledger_base(struct backup_ledger *ledger, struct catalog_root *root);
/* Merges the changes so far; what was put can then be listed through the base. Nobody may put meanwhile. */
int backup_ledger_checkpoint(struct backup_ledger *ledger, struct error *err);

struct backup_ledger_totals {
    struct catalog_root root;
    struct content_ref outcomes;
    uint64_t added, changed, removed;
    int64_t bytes_grown;
    uint64_t skipped, failed;
};

/* The last checkpoint; nothing may be called after it but backup_ledger_free(). Gaps go to the result. */
int backup_ledger_finish(struct backup_ledger *ledger, struct task_result *result, struct backup_ledger_totals *totals,
                         struct error *err);

#endif
