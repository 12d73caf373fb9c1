#include "common/vault/catalog_edit.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/catalog_item.h"
#include "common/vault/tree_changes.h"
#include "common/vault/vault_reader_internal.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_MEMORY ((size_t)16 << 20)
#define DEFAULT_TEMP   "/var/tmp"

struct catalog_edit {
    struct vault_reader *reader;
    struct vault_writer *writer;
    struct catalog_root base;
    struct tree_cursor cursor; /* on the base's items */
    struct tree_changes *items, *children;
    struct catalog_edit_counts counts;
    struct buffer value;
};

struct catalog_edit *
catalog_edit_begin(struct vault_reader *reader, struct vault_writer *writer, const struct catalog_root *base,
                   const struct catalog_edit_options *options, struct error *err)
{
    size_t memory = options == NULL || options->memory_bytes == 0 ? DEFAULT_MEMORY : options->memory_bytes;
    const char *temp = options == NULL || options->temp_dir == NULL ? DEFAULT_TEMP : options->temp_dir;
    (void)err;
    struct catalog_edit *edit = MEMORY_NEW(struct catalog_edit);
    edit->reader = reader;
    edit->writer = writer;
    if (base != NULL)
        edit->base = *base;
    tree_cursor_open(&edit->cursor, reader, &edit->base.items);
    edit->items = tree_changes_new(reader->vault->clock, memory, temp);
    edit->children = tree_changes_new(reader->vault->clock, memory, temp);
    buffer_init(&edit->value, CATALOG_VALUE_MAX);
    return edit;
}

void
catalog_edit_free(struct catalog_edit *edit)
{
    if (edit == NULL)
        return;
    tree_cursor_clear(&edit->cursor);
    tree_changes_free(edit->items);
    tree_changes_free(edit->children);
    buffer_clear(&edit->value);
    free(edit);
}

void
catalog_edit_free_p(struct catalog_edit **edit)
{
    catalog_edit_free(*edit);
    *edit = NULL;
}

int
catalog_edit_put(struct catalog_edit *edit, const struct catalog_item *item, struct error *err)
{
    if (catalog_item_check(item, err) != 0 || catalog_item_encode(item, &edit->value, err) != 0)
        return -1;
    struct tree_bytes value = { edit->value.data, edit->value.len };
    return tree_changes_put(edit->items, (struct tree_bytes){ item->key.bytes, item->key.len }, &value, err);
}

int
catalog_edit_remove(struct catalog_edit *edit, struct catalog_key key, struct error *err)
{
    return tree_changes_put(edit->items, (struct tree_bytes){ key.bytes, key.len }, NULL, err);
}

int
catalog_edit_get(struct catalog_edit *edit, struct catalog_key key, struct catalog_item *item, struct error *err)
{
    struct tree_bytes wanted = { key.bytes, key.len };
    struct tree_change change;
    int got = tree_changes_get(edit->items, wanted, &change, err);
    if (got < 0)
        return -1;
    if (got > 0 && !change.remove)
        return catalog_item_decode(change.key, change.value, item, err);
    if (got == 0 && tree_cursor_seek(&edit->cursor, wanted, err) != 0)
        return -1;
    const struct tree_entry *entry = got == 0 ? tree_cursor_entry(&edit->cursor) : NULL;
    if (entry == NULL || tree_bytes_compare(entry->key, wanted) != 0)
        return FAIL(err, ERROR_NOT_FOUND, 0, "the catalog has no such item");
    return catalog_item_decode(entry->key, entry->value, item, err);
}

static int
unlist(struct catalog_edit *edit, struct tree_bytes key, struct tree_bytes value, struct error *err)
{
    struct catalog_item item;
    struct catalog_sort sort;
    uint8_t child[CATALOG_CHILD_MAX];
    if (catalog_item_decode(key, value, &item, err) != 0 || catalog_item_stored_sort(key, value, &sort, err) != 0)
        return -1;
    if (!catalog_kind_contains(item.kind))
        edit->counts.bytes_grown -= (int64_t)item.size;
    struct tree_bytes child_key = { child, catalog_item_child_key(&item, &sort, child) };
    return tree_changes_put(edit->children, child_key, NULL, err);
}

static int
list(struct catalog_edit *edit, struct tree_bytes key, struct tree_bytes value, struct error *err)
{
    struct catalog_item item;
    struct catalog_sort sort;
    uint8_t child[CATALOG_CHILD_MAX];
    if (catalog_item_decode(key, value, &item, err) != 0 || catalog_item_stored_sort(key, value, &sort, err) != 0 ||
        catalog_item_child_encode(&item, &edit->value, err) != 0)
        return -1;
    if (!catalog_kind_contains(item.kind))
        edit->counts.bytes_grown += (int64_t)item.size;
    struct tree_bytes child_key = { child, catalog_item_child_key(&item, &sort, child) };
    struct tree_bytes child_value = { edit->value.data, edit->value.len };
    return tree_changes_put(edit->children, child_key, &child_value, err);
}

static int
on_item_changed(void *ctx, struct tree_bytes key, const struct tree_bytes *before, const struct tree_bytes *after,
                struct error *err)
{
    struct catalog_edit *edit = ctx;
    if (before == NULL)
        edit->counts.added++;
    else if (after == NULL)
        edit->counts.removed++;
    else
        edit->counts.changed++;
    if (before != NULL && unlist(edit, key, *before, err) != 0)
        return -1;
    return after == NULL ? 0 : list(edit, key, *after, err);
}

int
catalog_edit_commit(struct catalog_edit *edit, struct catalog_root *root, struct catalog_edit_counts *counts,
                    struct error *err)
{
    struct tree_apply items = {
        .reader = edit->reader,
        .writer = edit->writer,
        .base = edit->base.items,
        .next = tree_changes_next,
        .next_ctx = edit->items,
        .changed = on_item_changed,
        .changed_ctx = edit,
    };
    struct tree_apply children = {
        .reader = edit->reader,
        .writer = edit->writer,
        .base = edit->base.children,
        .next = tree_changes_next,
        .next_ctx = edit->children,
    };
    if (tree_changes_rewind(edit->items, err) != 0 || tree_apply(&items, &root->items, err) != 0 ||
        tree_changes_rewind(edit->children, err) != 0 || tree_apply(&children, &root->children, err) != 0)
        return -1;
    if (root->items.count != root->children.count)
        return FAIL(err, ERROR_CORRUPT, 0, "the catalog's two trees do not hold the same items");
    if (counts != NULL)
        *counts = edit->counts;
    return 0;
}
