#ifndef LONGHAUL_TESTS_M365SIM_TREE_H
#define LONGHAUL_TESTS_M365SIM_TREE_H

/* The folders and items of one mailbox or one drive: what is on disk below a root folder, together with what
 * was made through the API. About 130 bytes per item; contents stay on disk.
 *
 * Every change gets the next number of the tree; nodes stand on change lists ordered by it. A delta token is
 * such a number: what changed since is what stands behind it.
 *
 * Keys are stable: they come from inode and birth time, survive moves, restarts and (when the replacement
 * keeps the name) replacement of a file. Lock the tree around every other call. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock;
struct error;
struct tree;
struct watcher;

#define TREE_NONE 0u /* no node */
#define TREE_ROOT 1u

enum tree_kind {
    TREE_FOLDER,
    TREE_ITEM,
    TREE_GHOST /* stands on the list of a folder that the item with this key has left */
};

enum tree_flag {
    TREE_DELETED = 1 << 0,
    TREE_STATE = 1 << 1,   /* lives in the state folder, not below the root */
    TREE_MOVED = 1 << 2,   /* the API placed or named it: the disk does not decide any more */
    TREE_OVERLAY = 1 << 3, /* has a JSON document in the state folder */
    TREE_HIDDEN = 1 << 4,
    TREE_JSON = 1 << 5, /* a message made from JSON: the document is the message */
    TREE_READ = 1 << 6,
    TREE_FLAGGED = 1 << 7,
    TREE_ANSWERED = 1 << 8,
    TREE_DRAFT = 1 << 9
};

struct tree_node {
    uint64_t key;
    uint64_t inode; /* hash of device, inode and birth time; 0 for state nodes */
    int64_t mtime_ns;
    uint64_t size;
    uint64_t change;  /* number of the last change */
    uint64_t created; /* number of the change that made it */
    uint32_t name;    /* offset into the tree's names */
    uint32_t parent;
    uint32_t child, before, after; /* first child; siblings */
    uint32_t list_before, list_after;
    uint32_t list_head, list_tail; /* of a folder: its own change list, where the tree keeps one per folder */
    uint32_t key_chain, inode_chain, name_chain;
    uint32_t epoch;
    uint32_t version, content; /* count changes of anything, and of the bytes */
    uint16_t flags;
    uint8_t kind;
    uint8_t well_known; /* index into the mailbox's table, 0: none */
};

/* The flags tree_flag that a new file on disk starts with; path is relative to the root. */
typedef unsigned tree_flags_fn(void *ctx, const char *path);

struct tree_setup {
    const char *root;     /* folder on disk */
    const char *state;    /* folder for journal and documents; made when absent */
    const char *name;     /* goes into keys, so that equal folders differ */
    bool list_per_folder; /* a mailbox; a drive has one list */
    tree_flags_fn *flags; /* may be NULL */
    void *flags_ctx;
    struct watcher *watcher; /* outlives the tree; NULL: every refresh walks the disk */
};

/* Loads the journal and scans the disk. Texts of setup are copied. */
struct tree *tree_open(const struct tree_setup *setup, const struct clock *clock, struct error *err);
void tree_free(struct tree *tree);

void tree_lock(struct tree *tree);
void tree_unlock(struct tree *tree);
/* Takes up what changed on disk since. Locked. */
void tree_refresh(struct tree *tree);

/* NULL for TREE_NONE. Valid until the next call that adds nodes. */
struct tree_node *tree_at(struct tree *tree, uint32_t index);
const char *tree_name(const struct tree *tree, const struct tree_node *node);
/* TREE_NONE when unknown; deleted nodes are found too. */
uint32_t tree_find_key(const struct tree *tree, uint64_t key);
/* Exact name first, then without case. Live nodes only. */
uint32_t tree_find_child(const struct tree *tree, uint32_t parent, const char *name);
uint32_t tree_next_child(const struct tree *tree, uint32_t parent, uint32_t previous);
uint64_t tree_hash(const struct tree *tree); /* of the tree's name */
uint64_t tree_last_change(const struct tree *tree);
/* Differs when the journal was lost: older tokens mean nothing then. */
uint64_t tree_incarnation(const struct tree *tree);
/* The first entry of the list (folder: a folder's own; TREE_NONE: the tree's) after change `since`. hint is an
 * entry that may be the last one seen, or TREE_NONE. */
uint32_t tree_list_after(const struct tree *tree, uint32_t folder, uint64_t since, uint32_t hint);
uint32_t tree_list_next(const struct tree *tree, uint32_t entry);

/* Path on disk of a node that is not TREE_STATE, or of its document or content in the state folder; the
 * caller frees them. suffix is "json", "eml" or "a1". */
char *tree_path(const struct tree *tree, uint32_t index);
char *tree_state_path(const struct tree *tree, uint64_t key, const char *suffix);
const char *tree_state_folder(const struct tree *tree);

/* Adds a state node with a fresh key. */
uint32_t tree_add(struct tree *tree, uint32_t parent, enum tree_kind kind, const char *name, unsigned flags);
/* Notes the change: new number, end of the list, journal. */
void tree_touch(struct tree *tree, uint32_t index, bool content);
/* In the model only; a drive renames on disk first. */
void tree_move(struct tree *tree, uint32_t index, uint32_t parent, const char *name, unsigned add_flags);
/* With everything below. */
void tree_delete(struct tree *tree, uint32_t index);
/* A file or folder that the API just wrote at the place of (parent, name): found, or added, or brought up to
 * date, without waiting for a scan. TREE_NONE when it is not on disk. */
uint32_t tree_adopt(struct tree *tree, uint32_t parent, const char *name);

#endif
