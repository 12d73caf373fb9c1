#ifndef LONGHAUL_COMMON_VAULT_CATALOG_EDIT_H
#define LONGHAUL_COMMON_VAULT_CATALOG_EDIT_H

/* Changes to a catalog, gathered in any order and merged into a new one. Work and new bytes are proportional to the
 * changes. Memory is bounded: more changes than fit are sorted into files without a name in temp_dir, encrypted with a
 * key that only this process has. One thread.
 *
 * After a full enumeration (first run, resync) begin from the empty root and put everything: what is not put is
 * gone, which is the set difference; nodes that come out as before are not stored again. */

#include "common/vault/catalog.h"

struct clock;
struct vault_writer;
struct catalog_edit;

struct catalog_edit_options { /* zeroes: the defaults */
    size_t memory_bytes;      /* changes kept in memory; 16 MiB */
    const char *temp_dir;     /* NULL: /var/tmp */
};

struct catalog_edit_counts { /* against the base, after the commit */
    uint64_t added, changed, removed;
    int64_t bytes_grown; /* sum of sizes after, minus before; folders have none */
};

/* base NULL or zeroes: start from nothing. Borrows reader and writer until the free. */
struct catalog_edit *catalog_edit_begin(struct vault_reader *reader, struct vault_writer *writer,
                                        const struct catalog_root *base, const struct catalog_edit_options *options,
                                        struct error *err);
void catalog_edit_free(struct catalog_edit *edit);
void catalog_edit_free_p(struct catalog_edit **edit);

/* Adds or replaces; copies everything. ERROR_LIMIT when a field is too long. */
int catalog_edit_put(struct catalog_edit *edit, const struct catalog_item *item, struct error *err);
/* Removing what is not there is fine. A folder's children are not touched: remove them too. */
int catalog_edit_remove(struct catalog_edit *edit, struct catalog_key key, struct error *err);
/* The item as it would be committed now; ERROR_NOT_FOUND. Pointers are valid until the next call on this edit. */
int catalog_edit_get(struct catalog_edit *edit, struct catalog_key key, struct catalog_item *item, struct error *err);

/* Merges; once per edit. The new nodes are durable and readable after vault_writer_flush() (point_commit() does it).
 * counts may be NULL. */
int catalog_edit_commit(struct catalog_edit *edit, struct catalog_root *root, struct catalog_edit_counts *counts,
                        struct error *err);

#endif
