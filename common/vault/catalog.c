#include "common/vault/catalog.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/catalog_internal.h"
#include "common/vault/catalog_item.h"

#include <stdlib.h>
#include <string.h>

struct catalog *
catalog_open(struct vault_reader *reader, const struct catalog_root *root)
{
    struct catalog *catalog = MEMORY_NEW(struct catalog);
    tree_cursor_open(&catalog->items, reader, &root->items);
    tree_cursor_open(&catalog->children, reader, &root->children);
    return catalog;
}

void
catalog_close(struct catalog *catalog)
{
    if (catalog == NULL)
        return;
    tree_cursor_clear(&catalog->items);
    tree_cursor_clear(&catalog->children);
    free(catalog);
}

void
catalog_close_p(struct catalog **catalog)
{
    catalog_close(*catalog);
    *catalog = NULL;
}

uint64_t
catalog_count(const struct catalog_root *root)
{
    return root->items.count;
}

int
catalog_get(struct catalog *catalog, struct catalog_key key, struct catalog_item *item, struct error *err)
{
    struct tree_bytes wanted = { key.bytes, key.len };
    if (tree_cursor_seek(&catalog->items, wanted, err) != 0)
        return -1;
    const struct tree_entry *entry = tree_cursor_entry(&catalog->items);
    if (entry == NULL || tree_bytes_compare(entry->key, wanted) != 0)
        return FAIL(err, ERROR_NOT_FOUND, 0, "the catalog has no such item");
    return catalog_item_decode(entry->key, entry->value, item, err);
}

int
catalog_walk(struct catalog *catalog, struct catalog_key after, catalog_item_fn *found, void *ctx, struct error *err)
{
    struct tree_cursor *cursor = &catalog->items;
    uint8_t behind[CATALOG_KEY_MAX + 1] = { 0 };
    struct catalog_item item;
    if (after.len > CATALOG_KEY_MAX)
        return FAIL(err, ERROR_USAGE, 0, "an item's key is too long");
    if (after.len > 0)
        memcpy(behind, after.bytes, after.len);
    behind[after.len] = 0;
    struct tree_bytes start = { behind, after.len == 0 ? 0 : after.len + 1 };
    if (tree_cursor_seek(cursor, start, err) != 0)
        return -1;
    for (const struct tree_entry *entry; (entry = tree_cursor_entry(cursor)) != NULL;) {
        if (catalog_item_decode(entry->key, entry->value, &item, err) != 0)
            return -1;
        int told = found(ctx, &item, err);
        if (told != 0)
            return told < 0 ? -1 : 0;
        if (tree_cursor_next(cursor, err) != 0)
            return -1;
    }
    return 0;
}

/* The first and the last + 1 of a folder's children, as ranks in the children tree. */
static int
child_ranks(struct tree_cursor *cursor, struct catalog_key parent, uint64_t *first, uint64_t *end, struct error *err)
{
    uint8_t hash[CATALOG_PARENT_LEN];
    catalog_item_parent_hash(parent, hash);
    struct tree_bytes bound = { hash, sizeof(hash) };
    if (tree_rank(cursor, bound, first, err) != 0)
        return -1;
    size_t at = sizeof(hash);
    while (at > 0 && ++hash[at - 1] == 0)
        at--;
    if (at == 0) {
        *end = cursor->root.count;
        return 0;
    }
    return tree_rank(cursor, bound, end, err);
}

int
catalog_list(struct catalog *catalog, struct catalog_key parent, struct catalog_slice slice, catalog_item_fn *found,
             void *ctx, uint64_t *total, struct error *err)
{
    struct tree_cursor *cursor = &catalog->children;
    struct catalog_item item;
    uint64_t first, end, limit = slice.limit;
    if (child_ranks(cursor, parent, &first, &end, err) != 0)
        return -1;
    uint64_t count = end - first;
    if (total != NULL)
        *total = count;
    if (slice.offset >= count || limit == 0)
        return 0;
    if (limit > count - slice.offset)
        limit = count - slice.offset;
    if (tree_cursor_seek_rank(cursor, first + slice.offset, err) != 0)
        return -1;
    for (const struct tree_entry *entry; limit > 0 && (entry = tree_cursor_entry(cursor)) != NULL; limit--) {
        if (catalog_item_child_decode(entry->key, entry->value, &item, err) != 0)
            return -1;
        item.parent = parent;
        int told = found(ctx, &item, err);
        if (told != 0)
            return told < 0 ? -1 : 0;
        if (limit > 1 && tree_cursor_next(cursor, err) != 0)
            return -1;
    }
    return 0;
}

struct diff {
    catalog_diff_fn *found;
    void *ctx;
};

static int
on_tree_changed(void *ctx, struct tree_bytes key, const struct tree_bytes *before, const struct tree_bytes *after,
                struct error *err)
{
    const struct diff *diff = ctx;
    struct catalog_item old, new;
    if ((before != NULL && catalog_item_decode(key, *before, &old, err) != 0) ||
        (after != NULL && catalog_item_decode(key, *after, &new, err) != 0))
        return -1;
    return diff->found(diff->ctx, before == NULL ? NULL : &old, after == NULL ? NULL : &new, err);
}

int
catalog_diff(struct vault_reader *reader, const struct catalog_root *before, const struct catalog_root *after,
             catalog_diff_fn *found, void *ctx, struct error *err)
{
    struct diff diff = { found, ctx };
    return tree_diff(reader, &before->items, &after->items, on_tree_changed, &diff, err);
}
