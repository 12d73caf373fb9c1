#ifndef LONGHAUL_COMMON_VAULT_TREE_CHANGES_H
#define LONGHAUL_COMMON_VAULT_TREE_CHANGES_H

/* Changes put in any order and given back in key order, the last one of each key. Bounded memory: what does not fit is
 * sorted into encrypted files without a name. One thread. */

#include "common/vault/tree.h"

struct clock;
struct tree_changes;

/* The ceiling on memory holds for the changes themselves; every file adds up to 64 KiB when it is read. There are at
 * most seven for each power of eight by which the changes exceed it. */
struct tree_changes *tree_changes_new(const struct clock *clock, size_t memory_bytes, const char *temp_dir);
void tree_changes_free(struct tree_changes *changes);

/* value NULL: the key is removed. */
int tree_changes_put(struct tree_changes *changes, struct tree_bytes key, const struct tree_bytes *value,
                     struct error *err);
/* The latest change of a key: 1 with *change borrowed until the next call, 0 when there is none, -1. */
int tree_changes_get(struct tree_changes *changes, struct tree_bytes key, struct tree_change *change,
                     struct error *err);
/* Starts giving back; nothing may be put any more. */
int tree_changes_rewind(struct tree_changes *changes, struct error *err);
/* A tree_next_fn. */
int tree_changes_next(void *changes, struct tree_change *change, struct error *err);

#endif
