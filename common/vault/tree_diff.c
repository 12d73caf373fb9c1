#include "common/vault/tree.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <string.h>

/* One side's position: an entry at some level, opened further only when the other side's differs. */
struct side {
    struct vault_reader *reader;
    const struct tree_root *root;
    struct tree_node *path[TREE_HEIGHT_MAX];
    size_t at[TREE_HEIGHT_MAX];
    int level; /* of the entry it stands on; -1: at the end */
};

static const struct tree_entry *
entry_of(const struct side *side)
{
    return &side->path[side->level]->entries[side->at[side->level]];
}

static int
load(struct side *side, int level, const struct chunk_id *id, struct error *err)
{
    tree_node_free(side->path[level]);
    side->path[level] = tree_load(side->reader, id, level, err);
    side->at[level] = 0;
    side->level = level;
    return side->path[level] == NULL ? -1 : 0;
}

static int
begin(struct side *side, struct error *err)
{
    side->level = -1;
    if (side->root->height == 0)
        return 0;
    if (side->root->height > TREE_HEIGHT_MAX)
        return FAIL(err, ERROR_FORMAT, 0, "a catalog is higher than this program reads");
    return load(side, side->root->height - 1, &side->root->id, err);
}

static int
open_entry(struct side *side, struct error *err)
{
    return load(side, side->level - 1, &entry_of(side)->child, err);
}

static void
step(struct side *side)
{
    while (side->level < side->root->height && ++side->at[side->level] == side->path[side->level]->count)
        side->level++;
    if (side->level == side->root->height)
        side->level = -1;
}

/* Both stand on leaf entries, or one is at its end. */
static int
compare_entries(struct side *a, struct side *b, tree_changed_fn *found, void *ctx, struct error *err)
{
    int order = a->level < 0 ? 1 : b->level < 0 ? -1 : tree_bytes_compare(entry_of(a)->key, entry_of(b)->key);
    const struct tree_bytes *before = order <= 0 ? &entry_of(a)->value : NULL;
    const struct tree_bytes *after = order >= 0 ? &entry_of(b)->value : NULL;
    struct tree_bytes key = order <= 0 ? entry_of(a)->key : entry_of(b)->key;
    bool equal = before != NULL && after != NULL && tree_bytes_compare(*before, *after) == 0;
    if (!equal && found(ctx, key, before, after, err) != 0)
        return -1;
    if (order <= 0)
        step(a);
    if (order >= 0)
        step(b);
    return 0;
}

static int
diff(struct side *a, struct side *b, tree_changed_fn *found, void *ctx, struct error *err)
{
    while (a->level >= 0 || b->level >= 0) {
        bool same = a->level > 0 && a->level == b->level &&
                    memcmp(&entry_of(a)->child, &entry_of(b)->child, sizeof(struct chunk_id)) == 0;
        if (same) {
            step(a);
            step(b);
            continue;
        }
        if (a->level <= 0 && b->level <= 0) {
            if (compare_entries(a, b, found, ctx, err) != 0)
                return -1;
            continue;
        }
        int highest = a->level > b->level ? a->level : b->level;
        if (a->level == highest && open_entry(a, err) != 0)
            return -1;
        if (b->level == highest && open_entry(b, err) != 0)
            return -1;
    }
    return 0;
}

int
tree_diff(struct vault_reader *reader, const struct tree_root *before, const struct tree_root *after,
          tree_changed_fn *found, void *ctx, struct error *err)
{
    if (before->height == after->height &&
        (before->height == 0 || memcmp(&before->id, &after->id, sizeof(before->id)) == 0))
        return 0;
    struct side a = { .reader = reader, .root = before }, b = { .reader = reader, .root = after };
    int failed = begin(&a, err) != 0 || begin(&b, err) != 0 || diff(&a, &b, found, ctx, err) != 0 ? -1 : 0;
    for (int i = 0; i < TREE_HEIGHT_MAX; i++) {
        tree_node_free(a.path[i]);
        tree_node_free(b.path[i]);
    }
    return failed;
}
