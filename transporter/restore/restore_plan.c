#include "transporter/restore/restore_plan.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/vault_reader.h"
#include "transporter/restore/folder_tree.h"
#include "transporter/restore/restore_window.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define METADATA_CEILING ((size_t)64 << 20)
#define READER_CACHE     ((size_t)4 << 20)

/* Folders that have been announced, and with `whole` those whose content has been handed out. */
struct seen {
    bool whole;
    UT_hash_handle hh;
    size_t key_len;
    uint8_t key[];
};

struct plan {
    const struct restore_plan_options *options;
    struct vault_reader *walker; /* one reader is in use while the other answers questions */
    struct vault_reader *reader;
    struct catalog *catalog;  /* walked and listed, over walker */
    struct catalog *look_up;  /* asked meanwhile, over reader */
    struct folder_tree *tree; /* over look_up */
    struct seen *seen;
    struct restore_window *window; /* sorted over reader */
    uint64_t missing;
};

static void
item_clear(struct restore_item *item)
{
    free((void *)(uintptr_t)item->record.key.bytes);
    free((void *)(uintptr_t)item->record.parent.bytes);
    free((void *)(uintptr_t)item->record.name);
    free((void *)(uintptr_t)item->record.subject);
    free((void *)(uintptr_t)item->record.from);
    free((void *)(uintptr_t)item->record.tag);
    free((void *)(uintptr_t)item->record.metadata);
    free((void *)(uintptr_t)item->path);
}

void
restore_plan_batch_free(struct restore_batch *batch)
{
    if (batch == NULL)
        return;
    for (size_t i = 0; i < batch->count; i++)
        item_clear(&batch->items[i]);
    free(batch->items);
    free(batch);
}

static const uint8_t *
copy_bytes(const uint8_t *data, size_t len)
{
    uint8_t *copy = memory_new(len + 1);
    if (len > 0)
        memcpy(copy, data, len);
    return copy;
}

static const char *
copy_text(const char *text)
{
    return text != NULL ? memory_strdup(text) : NULL;
}

/* The record with everything it points to; metadata that is kept apart is fetched afterwards. */
static void
item_copy(struct restore_item *to, const struct catalog_item *from)
{
    to->record = *from;
    to->record.key.bytes = copy_bytes(from->key.bytes, from->key.len);
    to->record.parent.bytes = copy_bytes(from->parent.bytes, from->parent.len);
    to->record.name = copy_text(from->name);
    to->record.subject = copy_text(from->subject);
    to->record.from = copy_text(from->from);
    to->record.tag = copy_text(from->tag);
    to->record.metadata = copy_bytes(from->metadata, from->metadata_len);
}

static int
item_complete(struct plan *plan, struct restore_item *item, struct error *err)
{
    if (item->record.metadata_ref.form != CONTENT_NONE) {
        uint8_t *data = NULL;
        size_t len = 0;
        if (vault_reader_get(plan->reader, &item->record.metadata_ref, METADATA_CEILING, &data, &len, err) != 0)
            return -1;
        free((void *)(uintptr_t)item->record.metadata);
        item->record.metadata = data;
        item->record.metadata_len = len;
    }
    struct catalog_key folder = catalog_kind_contains(item->record.kind) ? item->record.key : item->record.parent;
    item->path = folder_tree_path(plan->tree, folder, err);
    return item->path != NULL ? 0 : -1;
}

static struct seen *
see(struct plan *plan, struct catalog_key key, bool *fresh)
{
    struct seen *seen = NULL;
    HASH_FIND(hh, plan->seen, key.bytes, (unsigned)key.len, seen);
    *fresh = seen == NULL;
    if (seen != NULL)
        return seen;
    seen = memory_new(sizeof(*seen) + key.len);
    seen->key_len = key.len;
    memcpy(seen->key, key.bytes, key.len);
    HASH_ADD(hh, plan->seen, key, (unsigned)key.len, seen);
    return seen;
}

static int
announce_one(struct plan *plan, struct catalog_key key, struct error *err)
{
    bool fresh;
    see(plan, key, &fresh);
    if (!fresh)
        return 0;
    struct catalog_item record;
    if (catalog_get(plan->look_up, key, &record, err) != 0)
        return -1;
    struct restore_item folder = { .path = NULL };
    item_copy(&folder, &record);
    int result = item_complete(plan, &folder, err);
    if (result == 0)
        result = plan->options->folder(plan->options->ctx, &folder, err);
    item_clear(&folder);
    return result;
}

/* The folder and all above it, from the top down. */
static int
announce(struct plan *plan, struct catalog_key folder, struct error *err)
{
    struct seen *known = NULL;
    HASH_FIND(hh, plan->seen, folder.bytes, (unsigned)folder.len, known);
    if (known != NULL || folder.len == 0)
        return 0;
    size_t count = 0;
    CLEANUP(memory_free_p)
    struct catalog_key_buffer *chain = memory_new(FOLDER_TREE_DEPTH_MAX * sizeof(*chain));
    if (folder_tree_chain(plan->tree, folder, chain, &count, err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (announce_one(plan, catalog_key_of(&chain[i]), err) != 0)
            return -1;
    return 0;
}

static int
add_item(struct plan *plan, const struct catalog_item *record, struct error *err)
{
    struct restore_item *item = restore_window_add(plan->window);
    item_copy(item, record);
    if (announce(plan, item->record.parent, err) != 0 || item_complete(plan, item, err) != 0)
        return -1;
    return restore_window_filled(plan->window, item->record.metadata_len + strlen(item->path), err);
}

static int
on_walked(void *ctx, const struct catalog_item *item, struct error *err)
{
    struct plan *plan = ctx;
    return catalog_kind_contains(item->kind) ? announce(plan, item->key, err) : add_item(plan, item, err);
}

static bool
is_folder(struct catalog_key key)
{
    const struct catalog_kind_facts *facts = catalog_kind_facts(key.bytes[0]);
    return facts != NULL && facts->contains;
}

static int
plan_all(struct plan *plan, struct error *err)
{
    const struct catalog_key start = { .len = 0 };
    return catalog_walk(plan->catalog, start, on_walked, plan, err);
}

static int
plan_item(struct plan *plan, struct catalog_key key, struct error *err)
{
    struct catalog_item record;
    struct error failure = ERROR_INIT;
    if (catalog_get(plan->catalog, key, &record, &failure) == 0)
        return add_item(plan, &record, err);
    if (failure.kind != ERROR_NOT_FOUND) {
        *err = failure;
        return -1;
    }
    plan->missing++;
    return 0;
}

/* Keys of a folder's children, copied: nothing else may be read while they are listed. */
struct children {
    struct catalog_key_buffer *keys;
    size_t count;
};

#define CHILDREN_PAGE 256

static int
on_child(void *ctx, const struct catalog_item *item, struct error *err)
{
    struct children *children = ctx;
    (void)err;
    struct catalog_key_buffer *key = &children->keys[children->count++];
    memcpy(key->bytes, item->key.bytes, item->key.len);
    key->len = item->key.len;
    return 0;
}

static int plan_folder(struct plan *plan, struct catalog_key key, unsigned depth, struct error *err);

static int
plan_children(struct plan *plan, struct catalog_key folder, unsigned depth, struct error *err)
{
    CLEANUP(memory_free_p) struct catalog_key_buffer *keys = memory_new(CHILDREN_PAGE * sizeof(*keys));
    uint64_t total = 1;
    for (uint64_t at = 0; at < total; at += CHILDREN_PAGE) {
        struct children children = { .keys = keys };
        const struct catalog_slice slice = { .offset = at, .limit = CHILDREN_PAGE };
        if (catalog_list(plan->catalog, folder, slice, on_child, &children, &total, err) != 0)
            return -1;
        for (size_t i = 0; i < children.count; i++) {
            struct catalog_key key = catalog_key_of(&keys[i]);
            int result = is_folder(key) ? plan_folder(plan, key, depth + 1, err) : plan_item(plan, key, err);
            if (result != 0)
                return -1;
        }
    }
    return 0;
}

static int
plan_folder(struct plan *plan, struct catalog_key key, unsigned depth, struct error *err)
{
    bool fresh;
    if (depth > FOLDER_TREE_DEPTH_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "folders lie deeper than %d in each other", FOLDER_TREE_DEPTH_MAX);
    if (announce(plan, key, err) != 0)
        return -1;
    struct seen *seen = see(plan, key, &fresh);
    if (seen->whole)
        return 0;
    seen->whole = true;
    return plan_children(plan, key, depth, err);
}

static int
plan_selected(struct plan *plan, struct error *err)
{
    const struct selection *selection = plan->options->selection;
    for (size_t i = 0; i < selection->folder_count; i++)
        if (plan_folder(plan, selection->folders[i], 0, err) != 0)
            return -1;
    for (size_t i = 0; i < selection->item_count; i++) {
        struct catalog_key key = selection->items[i];
        int result = is_folder(key) ? plan_folder(plan, key, 0, err) : plan_item(plan, key, err);
        if (result != 0)
            return -1;
    }
    return 0;
}

static void
plan_clear(struct plan *plan)
{
    struct seen *seen, *next;
    HASH_ITER (hh, plan->seen, seen, next) {
        HASH_DEL(plan->seen, seen);
        free(seen);
    }
    restore_window_free(plan->window);
    folder_tree_free(plan->tree);
    catalog_close(plan->look_up);
    catalog_close(plan->catalog);
    vault_reader_close(plan->reader);
    vault_reader_close(plan->walker);
}

static int
plan_open(struct plan *plan, struct error *err)
{
    plan->walker = vault_reader_open(plan->options->vault, READER_CACHE, err);
    plan->reader = plan->walker != NULL ? vault_reader_open(plan->options->vault, READER_CACHE, err) : NULL;
    if (plan->reader == NULL)
        return -1;
    plan->catalog = catalog_open(plan->walker, plan->options->root);
    plan->look_up = catalog_open(plan->reader, plan->options->root);
    plan->tree = folder_tree_new(plan->look_up);
    plan->window = restore_window_new(plan->reader, plan->options);
    return 0;
}

int
restore_plan_run(const struct restore_plan_options *options, uint64_t *missing, struct error *err)
{
    struct plan plan = { .options = options };
    int result = plan_open(&plan, err);
    if (result == 0)
        result = options->selection->all ? plan_all(&plan, err) : plan_selected(&plan, err);
    if (result == 0)
        result = restore_window_hand_out(plan.window, err);
    if (missing != NULL)
        *missing = plan.missing;
    plan_clear(&plan);
    return result;
}
