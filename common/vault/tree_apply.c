#include "common/vault/tree.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/vault_writer_internal.h"

#include <stdlib.h>
#include <string.h>

/* Rewrites a tree from the left to the right. One node is open at every level. A subtree of the old tree is taken over
 * whole when no change falls into it, no node below its level is open (so it starts where it started before), and it
 * ended by the rule and not because the tree ended (unless nothing follows now either). Otherwise its entries are
 * added one by one, until the new nodes' ends meet the old ones' again. */

struct open_node {
    struct tree_node_writer writer;
    struct buffer bytes;
    uint64_t closed; /* nodes made or taken over at this level */
    uint64_t taken;  /* of those, the old tree's */
};

struct rewrite {
    const struct tree_apply *apply;
    enum tree_rule rule;
    struct open_node levels[TREE_HEIGHT_MAX];
    struct tree_change change;
    bool more; /* change holds one */
    bool effect;
};

static int add(struct rewrite *rw, int level, const struct tree_entry *entry, struct error *err);

static int
close_node(struct rewrite *rw, int level, struct error *err)
{
    struct open_node *node = &rw->levels[level];
    struct content_ref ref;
    uint8_t key[TREE_KEY_MAX];
    enum vault_content type = level == 0 ? VAULT_CATALOG : VAULT_CATALOG_PATH;
    if (vault_writer_put(rw->apply->writer, type, node->bytes.data, node->bytes.len, &ref, err) != 0)
        return -1;
    if (ref.form != CONTENT_CHUNK)
        return FAIL(err, ERROR_INTERNAL, 0, "a catalog node does not fit a chunk");
    memcpy(key, node->writer.last_key, node->writer.last_key_len);
    struct tree_entry up = {
        .key = { key, node->writer.last_key_len },
        .child = ref.id,
        .count = node->writer.entries_below,
    };
    tree_node_writer_begin(&node->writer, &node->bytes, level, rw->rule);
    node->closed++;
    return add(rw, level + 1, &up, err);
}

static int
add(struct rewrite *rw, int level, const struct tree_entry *entry, struct error *err)
{
    bool full = false;
    if (level == TREE_HEIGHT_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "a catalog holds more than is possible");
    if (tree_node_writer_add(&rw->levels[level].writer, entry, &full, err) != 0)
        return -1;
    return full ? close_node(rw, level, err) : 0;
}

static int
next_change(struct rewrite *rw, struct error *err)
{
    int got = rw->apply->next(rw->apply->next_ctx, &rw->change, err);
    rw->more = got == 1;
    return got < 0 ? -1 : 0;
}

static int
tell(struct rewrite *rw, struct tree_bytes key, const struct tree_bytes *before, const struct tree_bytes *after,
     struct error *err)
{
    if (before != NULL && after != NULL && tree_bytes_compare(*before, *after) == 0)
        return 0;
    if (before == NULL && after == NULL)
        return 0;
    rw->effect = true;
    return rw->apply->changed == NULL ? 0 : rw->apply->changed(rw->apply->changed_ctx, key, before, after, err);
}

/* The change in hand takes the place of `before` (NULL: of nothing). */
static int
use_change(struct rewrite *rw, const struct tree_bytes *before, struct error *err)
{
    struct tree_entry entry = { .key = rw->change.key, .value = rw->change.value, .count = 1 };
    if (tell(rw, rw->change.key, before, rw->change.remove ? NULL : &rw->change.value, err) != 0)
        return -1;
    if (!rw->change.remove && add(rw, 0, &entry, err) != 0)
        return -1;
    return next_change(rw, err);
}

static int
merge_leaf(struct rewrite *rw, const struct tree_node *leaf, struct error *err)
{
    for (size_t i = 0; i < leaf->count; i++) {
        const struct tree_entry *entry = &leaf->entries[i];
        int order = 1;
        while (rw->more && (order = tree_bytes_compare(rw->change.key, entry->key)) < 0) {
            if (use_change(rw, NULL, err) != 0)
                return -1;
        }
        if (rw->more && order == 0 ? use_change(rw, &entry->value, err) != 0 : add(rw, 0, entry, err) != 0)
            return -1;
    }
    return 0;
}

static bool
nothing_open_below(const struct rewrite *rw, int level)
{
    for (int i = 0; i < level; i++) {
        if (rw->levels[i].writer.count > 0)
            return false;
    }
    return true;
}

/* on_edge: nothing of the old tree lies to the right of this node. */
static int
rewrite_node(struct rewrite *rw, const struct chunk_id *id, int level, bool on_edge, struct error *err)
{
    CLEANUP(tree_node_free_p) struct tree_node *node = tree_load(rw->apply->reader, id, level, err);
    if (node == NULL)
        return -1;
    if (level == 0)
        return merge_leaf(rw, node, err);
    for (size_t i = 0; i < node->count; i++) {
        const struct tree_entry *child = &node->entries[i];
        bool child_on_edge = on_edge && i + 1 == node->count;
        bool untouched = !rw->more || (!child_on_edge && tree_bytes_compare(rw->change.key, child->key) > 0);
        if (untouched && nothing_open_below(rw, level)) {
            rw->levels[level - 1].closed++;
            rw->levels[level - 1].taken++;
            if (add(rw, level, child, err) != 0)
                return -1;
        } else if (rewrite_node(rw, &child->child, level - 1, child_on_edge, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* A root with one child is no root: the child is. Happens when everything else was removed. */
static int
drop_single_roots(struct rewrite *rw, struct tree_root *root, struct error *err)
{
    while (root->height > 1) {
        CLEANUP(tree_node_free_p)
        struct tree_node *node = tree_load(rw->apply->reader, &root->id, root->height - 1, err);
        if (node == NULL)
            return -1;
        if (node->count > 1)
            return 0;
        root->height--;
        root->id = node->entries[0].child;
    }
    return 0;
}

/* The single entry of a level that was never more names the root, one level below. */
static int
take_root(struct rewrite *rw, int level, struct tree_root *root, struct error *err)
{
    struct open_node *node = &rw->levels[level];
    CLEANUP(tree_node_free_p)
    struct tree_node *last = tree_node_decode(node->bytes.data, node->bytes.len, err);
    if (last == NULL)
        return -1;
    root->height = (uint8_t)level;
    root->count = last->entries[0].count;
    root->id = last->entries[0].child;
    /* Only the old tree's right edge has nodes with one child. */
    return rw->levels[level - 1].taken > 0 ? drop_single_roots(rw, root, err) : 0;
}

static int
finish(struct rewrite *rw, struct tree_root *root, struct error *err)
{
    memset(root, 0, sizeof(*root));
    for (int level = 0; level < TREE_HEIGHT_MAX; level++) {
        struct open_node *node = &rw->levels[level];
        bool above_empty = level + 1 == TREE_HEIGHT_MAX ||
                           (rw->levels[level + 1].writer.count == 0 && rw->levels[level + 1].closed == 0);
        bool first_node = node->closed == 0 && above_empty;
        if (first_node && node->writer.count == 0 && level == 0)
            return 0;
        if (first_node && node->writer.count == 1 && level > 0)
            return take_root(rw, level, root, err);
        if (node->writer.count > 0 && close_node(rw, level, err) != 0)
            return -1;
    }
    return FAIL(err, ERROR_LIMIT, 0, "a catalog holds more than is possible");
}

static int
run(struct rewrite *rw, struct tree_root *root, struct error *err)
{
    const struct tree_root *base = &rw->apply->base;
    if (next_change(rw, err) != 0)
        return -1;
    if (base->height > 0 && rewrite_node(rw, &base->id, base->height - 1, true, err) != 0)
        return -1;
    while (rw->more) {
        if (use_change(rw, NULL, err) != 0)
            return -1;
    }
    if (!rw->effect) {
        *root = *base;
        return 0;
    }
    return finish(rw, root, err);
}

int
tree_apply(const struct tree_apply *apply, struct tree_root *root, struct error *err)
{
    struct rewrite *rw = MEMORY_NEW(struct rewrite);
    rw->apply = apply;
    rw->rule = tree_rule_of(apply->writer->vault->version);
    if (apply->base.height > TREE_HEIGHT_MAX) {
        free(rw);
        return FAIL(err, ERROR_FORMAT, 0, "a catalog is higher than this program reads");
    }
    for (int level = 0; level < TREE_HEIGHT_MAX; level++) {
        buffer_init(&rw->levels[level].bytes, TREE_NODE_CEILING);
        tree_node_writer_begin(&rw->levels[level].writer, &rw->levels[level].bytes, level, rw->rule);
    }
    int failed = run(rw, root, err);
    for (int level = 0; level < TREE_HEIGHT_MAX; level++)
        buffer_clear(&rw->levels[level].bytes);
    free(rw);
    return failed;
}
