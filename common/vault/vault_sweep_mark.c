#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/reader.h"
#include "common/vault/catalog_item.h"
#include "common/vault/content_list.h"
#include "common/vault/message_parts.h"
#include "common/vault/point.h"
#include "common/vault/tree.h"
#include "common/vault/vault_reader_internal.h"
#include "common/vault/vault_sweep_internal.h"

#include <stdlib.h>
#include <string.h>

/* What a point needs: nodes of both trees, every content with its lists, every message's recipe and parts, cursor and
 * outcomes. What one point has marked as walked no other one walks again. */

static int
mark(struct vault_sweep *sweep, enum vault_mark_role role, const struct chunk_id *ids, size_t n, uint8_t *states,
     struct error *err)
{
    struct vault_backend backend = sweep->vault->backend;
    if (n == 0)
        return 0;
    const struct vault_marks marks = { ++sweep->marks, role, ids, n };
    if (backend.vtable->sweep->mark(backend.ctx, sweep->session.id, &marks, states, err) != 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (states[i] == VAULT_MARK_MISSING)
            return FAIL(err, ERROR_NOT_FOUND, 0, "a chunk it needs is not in the vault");
        if (states[i] > VAULT_MARK_MISSING)
            return FAIL(err, ERROR_FORMAT, 0, "the host answers with an unknown state of a chunk");
        sweep->progress.chunks_marked += states[i] == VAULT_MARK_FIRST;
    }
    return 0;
}

static bool
is_first(uint8_t state)
{
    return state == VAULT_MARK_FIRST || state == VAULT_MARK_NEW;
}

static int
flush_data(struct vault_sweep *sweep, struct error *err)
{
    struct sweep_batch *batch = sweep->data;
    if (mark(sweep, VAULT_MARK_DATA, batch->ids, batch->count, batch->states, err) != 0)
        return -1;
    batch->count = 0;
    return vault_sweep_check(sweep, "mark", err);
}

static int
add_data(struct vault_sweep *sweep, const struct chunk_id *id, struct error *err)
{
    if (sweep->data->count == FIND_MAX_CHUNKS && flush_data(sweep, err) != 0)
        return -1;
    sweep->data->ids[sweep->data->count++] = *id;
    return 0;
}

/* A list that is marked: what is below it. */
static int
expand_list(struct vault_sweep *sweep, const struct chunk_id *id, struct error *err)
{
    size_t len;
    const uint8_t *bytes = vault_reader_chunk(sweep->reader, id, &len, err);
    CLEANUP(memory_free_p) struct content_list_node *node = MEMORY_NEW(struct content_list_node);
    if (bytes == NULL || content_list_decode(bytes, len, node, err) != 0)
        return -1;
    for (size_t i = 0; node->level == 0 && i < node->count; i++)
        if (add_data(sweep, &node->entries[i].id, err) != 0)
            return -1;
    if (node->level == 0)
        return 0;
    CLEANUP(memory_free_p) struct chunk_id *ids = memory_new(CONTENT_LIST_ENTRIES * sizeof(*ids));
    uint8_t states[CONTENT_LIST_ENTRIES];
    for (size_t i = 0; i < node->count; i++)
        ids[i] = node->entries[i].id;
    if (mark(sweep, VAULT_MARK_STRUCTURE, ids, node->count, states, err) != 0)
        return -1;
    for (size_t i = 0; i < node->count; i++)
        if (is_first(states[i]) && expand_list(sweep, &ids[i], err) != 0)
            return -1;
    return 0;
}

static int
flush_lists(struct vault_sweep *sweep, struct error *err)
{
    struct sweep_batch *batch = sweep->lists;
    if (mark(sweep, VAULT_MARK_STRUCTURE, batch->ids, batch->count, batch->states, err) != 0)
        return -1;
    for (size_t i = 0; i < batch->count; i++)
        if (is_first(batch->states[i]) && expand_list(sweep, &batch->ids[i], err) != 0)
            return -1;
    batch->count = 0;
    return 0;
}

/* A content that is no message, or a recipe whose parts are known. */
static int
add_plain(struct vault_sweep *sweep, const struct content_ref *ref, struct error *err)
{
    switch (ref->form) {
    case CONTENT_NONE:
    case CONTENT_EMPTY:
        return 0;
    case CONTENT_CHUNK:
        return add_data(sweep, &ref->id, err);
    case CONTENT_LIST:
        if (sweep->lists->count == FIND_MAX_CHUNKS && flush_lists(sweep, err) != 0)
            return -1;
        sweep->lists->ids[sweep->lists->count++] = ref->id;
        return 0;
    }
    return FAIL(err, ERROR_FORMAT, 0, "a content of an unknown form");
}

static int
expand_recipe(struct vault_sweep *sweep, const struct content_ref *ref, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer parts = BUFFER_INIT(MESSAGE_PARTS_CEILING);
    struct content_ref part;
    if (add_plain(sweep, ref, err) != 0 || message_parts_read(sweep->reader, ref, &parts, err) != 0)
        return -1;
    for (size_t i = 0; message_parts_at(&parts, i, &part); i++)
        if (add_plain(sweep, &part, err) != 0)
            return -1;
    return 0;
}

static int
flush_recipes(struct vault_sweep *sweep, struct error *err)
{
    struct sweep_batch *batch = sweep->recipes;
    if (mark(sweep, VAULT_MARK_RECIPE, batch->ids, batch->count, batch->states, err) != 0)
        return -1;
    for (size_t i = 0; i < batch->count; i++)
        if (is_first(batch->states[i]) &&
            (vault_sweep_check(sweep, "mark", err) != 0 || expand_recipe(sweep, &sweep->recipe_refs[i], err) != 0))
            return -1;
    batch->count = 0;
    return 0;
}

static int
add_recipe(struct vault_sweep *sweep, const struct content_ref *ref, struct error *err)
{
    if (sweep->recipes->count == FIND_MAX_CHUNKS && flush_recipes(sweep, err) != 0)
        return -1;
    sweep->recipes->ids[sweep->recipes->count] = ref->id;
    sweep->recipe_refs[sweep->recipes->count++] = *ref;
    return 0;
}

static int
add_item(struct vault_sweep *sweep, const struct tree_entry *entry, struct error *err)
{
    struct catalog_item item;
    struct content_ref part;
    if (catalog_item_decode(entry->key, entry->value, &item, err) != 0 ||
        add_plain(sweep, &item.metadata_ref, err) != 0)
        return -1;
    bool stored = item.content.form == CONTENT_CHUNK || item.content.form == CONTENT_LIST;
    if (stored && item.content.message && item.parts == NULL)
        return add_recipe(sweep, &item.content, err);
    if (add_plain(sweep, &item.content, err) != 0)
        return -1;
    struct reader in = READER_INIT(item.parts, item.parts_len);
    while (item.parts != NULL && reader_left(&in) > 0)
        if (content_decode(&in, &part, err) != 0 || add_plain(sweep, &part, err) != 0)
            return -1;
    return 0;
}

/* A node that is marked: what is below it. The leaves of the children tree refer to nothing. */
static int
expand_node(struct vault_sweep *sweep, const struct chunk_id *id, int level, bool items, struct error *err)
{
    if (level == 0 && !items)
        return 0;
    CLEANUP(tree_node_free_p) struct tree_node *node = tree_load(sweep->reader, id, level, err);
    if (node == NULL)
        return -1;
    for (size_t i = 0; level == 0 && i < node->count; i++)
        if (add_item(sweep, &node->entries[i], err) != 0)
            return -1;
    if (level == 0)
        return vault_sweep_check(sweep, "mark", err);
    CLEANUP(memory_free_p) struct chunk_id *ids = memory_new(node->count * sizeof(*ids));
    CLEANUP(memory_free_p) uint8_t *states = memory_new(node->count);
    for (size_t i = 0; i < node->count; i++)
        ids[i] = node->entries[i].child;
    for (size_t at = 0; at < node->count; at += FIND_MAX_CHUNKS) {
        size_t n = node->count - at < FIND_MAX_CHUNKS ? node->count - at : FIND_MAX_CHUNKS;
        if (mark(sweep, VAULT_MARK_STRUCTURE, ids + at, n, states + at, err) != 0)
            return -1;
    }
    for (size_t i = 0; i < node->count; i++)
        if (is_first(states[i]) && expand_node(sweep, &ids[i], level - 1, items, err) != 0)
            return -1;
    return 0;
}

static int
mark_tree(struct vault_sweep *sweep, const struct tree_root *root, bool items, struct error *err)
{
    uint8_t state;
    if (root->height == 0)
        return 0;
    if (mark(sweep, VAULT_MARK_STRUCTURE, &root->id, 1, &state, err) != 0)
        return -1;
    return is_first(state) ? expand_node(sweep, &root->id, root->height - 1, items, err) : 0;
}

int
vault_sweep_mark_rest(struct vault_sweep *sweep, struct error *err)
{
    return flush_recipes(sweep, err) != 0 || flush_lists(sweep, err) != 0 ? -1 : flush_data(sweep, err);
}

int
vault_sweep_mark_point(struct vault_sweep *sweep, const char *id, bool retired, struct error *err)
{
    struct point point;
    int failed =
        retired ? point_read_retired(sweep->vault, id, &point, err) : point_read(sweep->vault, id, &point, err);
    if (failed != 0)
        return error_wrap(err, "marking what is needed; nothing was removed");
    if (mark_tree(sweep, &point.catalog.items, true, err) != 0 ||
        mark_tree(sweep, &point.catalog.children, false, err) != 0 || add_plain(sweep, &point.cursor, err) != 0 ||
        add_plain(sweep, &point.outcomes, err) != 0 || vault_sweep_mark_rest(sweep, err) != 0)
        return error_wrap(err, "marking what recovery point %s needs; nothing was removed", id);
    sweep->progress.points_done++;
    return 0;
}

int
vault_sweep_mark_live(struct vault_sweep *sweep, bool without_expired, struct error *err)
{
    CLEANUP(sweep_names_clear) struct sweep_names expire = { 0 };
    for (size_t i = 0; without_expired && i < sweep->options->expire_count; i++)
        if (sweep_names_add(&expire, sweep->options->expire[i], err) != 0)
            return -1;
    sweep_names_sort(&expire);
    sweep->progress.points_done = 0;
    sweep->progress.points_total = sweep->live.count;
    sweep->result->points_live = 0;
    for (size_t i = 0; i < sweep->live.count; i++) {
        if (sweep_names_has(&expire, sweep->live.at[i]))
            continue;
        if (vault_sweep_mark_point(sweep, sweep->live.at[i], false, err) != 0)
            return -1;
        sweep->result->points_live++;
    }
    return 0;
}
