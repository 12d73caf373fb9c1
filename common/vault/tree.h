#ifndef LONGHAUL_COMMON_VAULT_TREE_H
#define LONGHAUL_COMMON_VAULT_TREE_H

/* An ordered map as a content-defined Merkle tree: what a catalog is made of. Keys and values are bytes; nodes are
 * chunks. Where nodes end follows from the entries alone, so equal content has an equal root. proto/FORMAT.md,
 * "Tree". One thread. */

#include "common/vault/catalog.h"
#include "common/vault/tree_node.h"

struct vault_writer;

/* A position in a tree. Zero it before tree_cursor_open(); clear it afterwards. */
struct tree_cursor {
    struct vault_reader *reader;
    struct tree_root root;
    struct tree_node *path[TREE_HEIGHT_MAX]; /* path[0] is the leaf */
    size_t at[TREE_HEIGHT_MAX];
    uint64_t nodes_read;
    bool valid; /* stands on an entry */
};

void tree_cursor_open(struct tree_cursor *cursor, struct vault_reader *reader, const struct tree_root *root);
void tree_cursor_clear(struct tree_cursor *cursor);

/* To the first entry whose key is not less than key. 0 with cursor->valid telling whether there is one. */
int tree_cursor_seek(struct tree_cursor *cursor, struct tree_bytes key, struct error *err);
/* To the entry with this many entries before it. */
int tree_cursor_seek_rank(struct tree_cursor *cursor, uint64_t rank, struct error *err);
int tree_cursor_next(struct tree_cursor *cursor, struct error *err);
/* The entry it stands on; borrowed until it moves. */
const struct tree_entry *tree_cursor_entry(const struct tree_cursor *cursor);

/* How many entries have keys less than key. */
int tree_rank(struct tree_cursor *cursor, struct tree_bytes key, uint64_t *rank, struct error *err);

/* Changes in key order, each key once. 1: *change is filled (borrowed until the next call), 0: no more, -1. */
struct tree_change {
    struct tree_bytes key, value;
    bool remove;
};
typedef int tree_next_fn(void *ctx, struct tree_change *change, struct error *err);
/* Told for each change that has an effect; before or after is NULL. */
typedef int tree_changed_fn(void *ctx, struct tree_bytes key, const struct tree_bytes *before,
                            const struct tree_bytes *after, struct error *err);

struct tree_apply {
    struct vault_reader *reader;
    struct vault_writer *writer;
    struct tree_root base;
    tree_next_fn *next;
    void *next_ctx;
    tree_changed_fn *changed; /* may be NULL */
    void *changed_ctx;
};

int tree_apply(const struct tree_apply *apply, struct tree_root *root, struct error *err);

/* Entries that differ, in key order; equal subtrees are not read. */
int tree_diff(struct vault_reader *reader, const struct tree_root *before, const struct tree_root *after,
              tree_changed_fn *found, void *ctx, struct error *err);

/* Reads and decodes a node of this level. Asks ahead for the places of its children. */
struct tree_node *tree_load(struct vault_reader *reader, const struct chunk_id *id, int level, struct error *err);

#endif
