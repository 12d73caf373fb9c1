#include "common/vault/tree.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/vault_reader_internal.h"

#include <stdlib.h>
#include <string.h>

#define GROUPS_AHEAD 8

struct tree_node *
tree_load(struct vault_reader *reader, const struct chunk_id *id, int level, struct error *err)
{
    size_t len;
    const uint8_t *data = vault_reader_chunk(reader, id, &len, err);
    CLEANUP(tree_node_free_p) struct tree_node *node = data == NULL ? NULL : tree_node_decode(data, len, err);
    if (node == NULL) {
        error_wrap(err, "reading the catalog");
        return NULL;
    }
    if (node->level != level) {
        FAIL(err, ERROR_CORRUPT, 0, "a catalog node stands at a wrong level");
        return NULL;
    }
    if (level > 0) {
        CLEANUP(memory_free_p) struct chunk_id *ids = memory_new(node->count * sizeof(*ids));
        for (size_t i = 0; i < node->count; i++)
            ids[i] = node->entries[i].child;
        if (vault_reader_locate(reader, ids, node->count, err) != 0)
            return NULL;
    }
    return MOVE(node);
}

void
tree_cursor_open(struct tree_cursor *cursor, struct vault_reader *reader, const struct tree_root *root)
{
    memset(cursor, 0, sizeof(*cursor));
    cursor->reader = reader;
    cursor->root = *root;
}

void
tree_cursor_clear(struct tree_cursor *cursor)
{
    for (int i = 0; i < TREE_HEIGHT_MAX; i++) {
        tree_node_free(cursor->path[i]);
        cursor->path[i] = NULL;
    }
    cursor->valid = false;
}

static int
load_into(struct tree_cursor *cursor, int level, const struct chunk_id *id, struct error *err)
{
    struct tree_node *node = tree_load(cursor->reader, id, level, err);
    if (node == NULL)
        return -1;
    tree_node_free(cursor->path[level]);
    cursor->path[level] = node;
    cursor->at[level] = 0;
    cursor->nodes_read++;
    return 0;
}

static int
load_top(struct tree_cursor *cursor, struct error *err)
{
    int top = cursor->root.height - 1;
    if (cursor->root.height > TREE_HEIGHT_MAX)
        return FAIL(err, ERROR_FORMAT, 0, "a catalog is higher than this program reads");
    cursor->valid = false;
    return cursor->path[top] != NULL ? 0 : load_into(cursor, top, &cursor->root.id, err);
}

/* Below the entry that path[level + 1] stands on; keeps the node when it is the one already. */
static int
descend(struct tree_cursor *cursor, int level, bool moved, struct error *err)
{
    const struct tree_node *above = cursor->path[level + 1];
    if (!moved && cursor->path[level] != NULL)
        return 0;
    return load_into(cursor, level, &above->entries[cursor->at[level + 1]].child, err);
}

/* First entry whose key is not less; count when all are less. */
static size_t
lower_bound(const struct tree_node *node, struct tree_bytes key)
{
    size_t low = 0, high = node->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tree_bytes_compare(node->entries[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool
move_to(struct tree_cursor *cursor, int level, size_t at)
{
    bool moved = cursor->at[level] != at;
    cursor->at[level] = at;
    return moved;
}

/* *rank, when wanted: entries before the position. */
static int
seek(struct tree_cursor *cursor, struct tree_bytes key, uint64_t *rank, struct error *err)
{
    uint64_t before = 0;
    if (rank != NULL)
        *rank = cursor->root.count;
    if (cursor->root.height == 0) {
        cursor->valid = false;
        return 0;
    }
    bool had_top = cursor->path[cursor->root.height - 1] != NULL;
    if (load_top(cursor, err) != 0)
        return -1;
    bool moved = !had_top;
    for (int level = cursor->root.height - 1; level >= 0; level--) {
        const struct tree_node *node = cursor->path[level];
        size_t at = lower_bound(node, key);
        if (at == node->count)
            return level == cursor->root.height - 1
                       ? 0
                       : FAIL(err, ERROR_CORRUPT, 0, "a catalog node's keys do not fit the node above");
        for (size_t i = 0; rank != NULL && i < at; i++)
            before += node->entries[i].count;
        moved = move_to(cursor, level, at) || moved;
        if (level > 0 && descend(cursor, level - 1, moved, err) != 0)
            return -1;
    }
    cursor->valid = true;
    if (rank != NULL)
        *rank = before;
    return 0;
}

int
tree_cursor_seek(struct tree_cursor *cursor, struct tree_bytes key, struct error *err)
{
    return seek(cursor, key, NULL, err);
}

int
tree_rank(struct tree_cursor *cursor, struct tree_bytes key, uint64_t *rank, struct error *err)
{
    return seek(cursor, key, rank, err);
}

int
tree_cursor_seek_rank(struct tree_cursor *cursor, uint64_t rank, struct error *err)
{
    cursor->valid = false;
    if (rank >= cursor->root.count || cursor->root.height == 0)
        return 0;
    bool moved = cursor->path[cursor->root.height - 1] == NULL;
    if (load_top(cursor, err) != 0)
        return -1;
    for (int level = cursor->root.height - 1; level >= 0; level--) {
        const struct tree_node *node = cursor->path[level];
        size_t at = 0;
        while (at < node->count && rank >= node->entries[at].count)
            rank -= node->entries[at++].count;
        if (at == node->count)
            return FAIL(err, ERROR_CORRUPT, 0, "a catalog node counts its entries wrongly");
        moved = move_to(cursor, level, at) || moved;
        if (level > 0 && descend(cursor, level - 1, moved, err) != 0)
            return -1;
    }
    cursor->valid = true;
    return 0;
}

/* Who walks on needs what comes next below this node: one request for several groups. What is damaged fails when it is
 * read. */
static int
fetch_ahead(struct tree_cursor *cursor, int level, struct error *err)
{
    struct vault_reader *reader = cursor->reader;
    const struct tree_node *above = cursor->path[level];
    struct chunk_place places[GROUPS_AHEAD];
    const struct chunk_place *wanted[GROUPS_AHEAD];
    size_t n = 0;
    for (size_t i = cursor->at[level]; reader->stored == NULL && i < above->count && n < GROUPS_AHEAD; i++) {
        struct error missing = ERROR_INIT;
        if (vault_reader_place(reader, &above->entries[i].child, &places[n], &missing) != 0)
            break;
        if (n == 0 && vault_reader_cache_find(reader, places[0].pack, places[0].group) != NULL)
            return 0;
        if (n > 0 && places[n].group == places[n - 1].group && strcmp(places[n].pack, places[n - 1].pack) == 0)
            continue;
        wanted[n] = &places[n];
        n++;
    }
    return vault_reader_fetch(reader, wanted, n, err);
}

int
tree_cursor_next(struct tree_cursor *cursor, struct error *err)
{
    int level = 0;
    if (!cursor->valid)
        return 0;
    cursor->valid = false;
    while (level < cursor->root.height && ++cursor->at[level] == cursor->path[level]->count)
        level++;
    if (level == cursor->root.height) {
        tree_cursor_clear(cursor);
        return 0;
    }
    for (; level > 0; level--) {
        if (fetch_ahead(cursor, level, err) != 0 ||
            load_into(cursor, level - 1, &cursor->path[level]->entries[cursor->at[level]].child, err) != 0)
            return -1;
    }
    cursor->valid = true;
    return 0;
}

const struct tree_entry *
tree_cursor_entry(const struct tree_cursor *cursor)
{
    return cursor->valid ? &cursor->path[0]->entries[cursor->at[0]] : NULL;
}
