#ifndef LONGHAUL_TESTS_M365SIM_TREE_INTERNAL_H
#define LONGHAUL_TESTS_M365SIM_TREE_INTERNAL_H

#include "common/base/buffer.h"
#include "tests/m365sim/tree.h"

#include <pthread.h>
#include <stdio.h>

struct statx;

#define TREE_CHUNK      4096u
#define TREE_OWN_PREFIX ".m365sim" /* names of our own temporary files, never shown */

struct tree {
    pthread_mutex_t mutex;
    const struct clock *clock;
    struct watcher *watcher;
    char *root, *state;
    uint64_t hash, incarnation;
    bool list_per_folder;
    tree_flags_fn *flags;
    void *flags_ctx;

    struct tree_node **chunks;
    uint32_t chunk_count, count; /* node 0 is never used */
    char *names;
    uint32_t names_len, names_capacity;
    uint32_t *key_heads, *inode_heads, *name_heads;
    uint32_t mask; /* of the three tables */
    uint32_t list_head, list_tail;
    uint64_t change;
    uint32_t epoch;

    FILE *journal;

    pthread_mutex_t dirty_mutex; /* guards the three below; taken by the watcher without the tree's mutex */
    uint32_t *dirty;
    size_t dirty_count, dirty_capacity;
    bool rescan; /* events were lost: walk everything */
    bool blind;  /* a folder could not be watched: walk everything each time */
};

uint64_t tree_mix(uint64_t a, uint64_t b);
uint64_t tree_hash_text(uint64_t seed, const char *text);

/* tree.c: nodes without journal or change numbers. */
uint32_t tree_new_node(struct tree *tree, enum tree_kind kind, uint64_t key);
uint32_t tree_intern(struct tree *tree, const char *name);
void tree_link(struct tree *tree, uint32_t index, uint32_t parent, uint32_t name);
void tree_unlink(struct tree *tree, uint32_t index);
void tree_set_inode(struct tree *tree, uint32_t index, uint64_t inode);
uint32_t tree_find_inode(struct tree *tree, uint64_t inode, uint32_t parent, const char *name);
void tree_list_append(struct tree *tree, uint32_t index);
void tree_list_remove(struct tree *tree, uint32_t index);
/* A key derived from seed that no node has. */
uint64_t tree_free_key(const struct tree *tree, uint64_t seed);

/* tree_journal.c */
int tree_journal_open(struct tree *tree, struct error *err);
void tree_journal_note(struct tree *tree, const struct tree_node *node);

/* tree_scan.c: the whole tree, or the folders noted as dirty. */
void tree_scan_all(struct tree *tree);
void tree_scan_dirty(struct tree *tree, const uint32_t *folders, size_t count);
uint64_t tree_inode_of(const struct tree *tree, const struct statx *sx);

/* Called by the watcher, any thread: the folder's content changed, or (TREE_NONE) anything may have. */
void tree_note_dirty(struct tree *tree, uint32_t folder);

#endif
