#ifndef LONGHAUL_COMMON_VAULT_CATALOG_H
#define LONGHAUL_COMMON_VAULT_CATALOG_H

/* The list of a recovery point's items: two ordered, content-defined Merkle trees (by key; by folder and sort order)
 * whose nodes are chunks of the vault. The same items give the same root whatever the history. Items are keyed by
 * Microsoft's stable ids, never by path, so renaming a folder touches one record. */

#include "common/vault/catalog_kind.h"
#include "common/vault/content.h"

struct error;
struct vault_reader;
struct catalog;

/* The kind as one byte, then the stable id. Shown to people as hex. */
#define CATALOG_KEY_MAX 512
struct catalog_key {
    const uint8_t *bytes;
    size_t len; /* 0: no key (the parent of top-level items) */
};

struct catalog_key_buffer {
    uint8_t bytes[CATALOG_KEY_MAX];
    size_t len;
};

/* flags; unknown bits are kept */
#define CATALOG_FLAG_READ        (1U << 0)
#define CATALOG_FLAG_FLAGGED     (1U << 1)
#define CATALOG_FLAG_DRAFT       (1U << 2)
#define CATALOG_FLAG_ATTACHMENTS (1U << 3)
#define CATALOG_FLAG_HIDDEN      (1U << 4)
#define CATALOG_FLAG_IMPORTANT   (1U << 5)
#define CATALOG_FLAG_NO_CONTENT  (1U << 6) /* content could not be read; the point's outcomes say why */
#define CATALOG_FLAG_DAMAGED     (1U << 7) /* a copy found it damaged in its source; the next copy tries again */

#define CATALOG_TEXT_MAX     4096  /* bytes of each text field */
#define CATALOG_METADATA_MAX 16384 /* inline; more goes into metadata_ref */

struct catalog_item {
    enum catalog_kind kind;
    struct catalog_key key;    /* key.bytes[0] == kind */
    struct catalog_key parent; /* of a kind that contains others */
    const char *name;          /* of kinds that are not listed by time; UTF-8; may be NULL like all texts */
    const char *subject;       /* of kinds that are */
    const char *from;          /* message: "Name <address>"; event: its organizer */
    const char *tag;           /* changeKey, or eTag and cTag: equal means unchanged */
    uint64_t size;             /* in bytes, as the source says it */
    int64_t created_ms;
    int64_t modified_ms;
    int64_t received_ms; /* message; event: its start: lists are sorted by this, newest first */
    uint32_t flags;
    struct content_ref content;
    const uint8_t *metadata; /* JSON, inline */
    size_t metadata_len;
    struct content_ref metadata_ref; /* when it is too large for inline; else CONTENT_NONE */
    const uint8_t *parts; /* of a content that is a recipe: struct content_parts' bytes; NULL: only the recipe tells */
    size_t parts_len;
};

/* Builds kind + id. ERROR_LIMIT when it is longer than CATALOG_KEY_MAX. */
int catalog_key_make(enum catalog_kind kind, const void *id, size_t id_len, struct catalog_key_buffer *out,
                     struct error *err);
struct catalog_key catalog_key_of(const struct catalog_key_buffer *key);
bool catalog_key_equal(struct catalog_key a, struct catalog_key b);

struct tree_root {
    uint8_t height; /* 0: empty; 1: the root is a leaf */
    uint64_t count; /* entries */
    struct chunk_id id;
};

struct catalog_root {
    struct tree_root items;    /* key -> item */
    struct tree_root children; /* parent, sort order, key -> what a listing shows */
};

/* Borrows the reader (one thread). A root of zeroes is the empty catalog. */
struct catalog *catalog_open(struct vault_reader *reader, const struct catalog_root *root);
void catalog_close(struct catalog *catalog);
void catalog_close_p(struct catalog **catalog);

/* item's pointers are valid until the next call on this catalog. ERROR_NOT_FOUND: no such item. */
int catalog_get(struct catalog *catalog, struct catalog_key key, struct catalog_item *item, struct error *err);

/* Return 0 to go on, 1 to stop without an error, -1 with err set. The item is borrowed for the call; no other call on
 * the same catalog may be made in it. */
typedef int catalog_item_fn(void *ctx, const struct catalog_item *item, struct error *err);

/* Every item in key order: folders, then messages, then files. after: start behind this key (len 0: at the start). */
int catalog_walk(struct catalog *catalog, struct catalog_key after, catalog_item_fn *found, void *ctx,
                 struct error *err);

/* One folder's direct children in display order (folders by name; then messages newest first, files by name): those of
 * the slice. Items carry kind, key, parent, name, subject, from, size, times and flags only. parent of len 0: the top.
 * *total (may be NULL): all children of the folder. Cost: the depth of the tree and what is listed. */
struct catalog_slice {
    uint64_t offset, limit;
};
int catalog_list(struct catalog *catalog, struct catalog_key parent, struct catalog_slice slice, catalog_item_fn *found,
                 void *ctx, uint64_t *total, struct error *err);

/* What differs, in key order; reads only nodes that differ. before or after is NULL for an added or a removed item. */
typedef int catalog_diff_fn(void *ctx, const struct catalog_item *before, const struct catalog_item *after,
                            struct error *err);
int catalog_diff(struct vault_reader *reader, const struct catalog_root *before, const struct catalog_root *after,
                 catalog_diff_fn *found, void *ctx, struct error *err);

uint64_t catalog_count(const struct catalog_root *root);

/* What people call it by: its name or its subject; may be NULL. */
const char *catalog_item_title(const struct catalog_item *item);

#endif
