#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/catalog_item.h"
#include "common/vault/tree.h"
#include "common/vault/vault_damage.h"
#include "common/vault/vault_probe.h"
#include "common/vault/vault_verify_internal.h"

#include <stdlib.h>
#include <string.h>

#define TELL_EVERY 512

/* One tree of one point. */
struct walk {
    struct verify *v;
    size_t point;
    bool items; /* the tree of items; else that of folders' children */
};

static int
note(const struct walk *walk, enum vault_damaged what, struct catalog_key item, const struct error *cause,
     struct error *err)
{
    const struct verify_event event = { .what = what, .point = walk->point, .item = item, .cause = cause };
    return verify_note(walk->v, &event, err);
}

static int
check_item(const struct walk *walk, const struct tree_entry *entry, struct error *err)
{
    struct verify *v = walk->v;
    struct catalog_item item;
    struct error failure = ERROR_INIT;
    if (v->telling == false && ++v->result->items % TELL_EVERY == 0)
        verify_progress(v);
    if (verify_check_cancelled(v, err) != 0)
        return -1;
    if (catalog_item_decode(entry->key, entry->value, &item, &failure) != 0)
        return note(walk, VAULT_DAMAGED_RECORD, (struct catalog_key){ entry->key.data, entry->key.len }, &failure, err);
    uint64_t chunks = 0;
    if (vault_probe_item(v->reader, &item, &chunks, &failure) != 0 &&
        note(walk, VAULT_DAMAGED_CONTENT, item.key, &failure, err) != 0)
        return -1;
    error_clear(&failure);
    if (vault_probe(v->reader, &item.metadata_ref, &chunks, &failure) != 0 &&
        note(walk, VAULT_DAMAGED_METADATA, item.key, &failure, err) != 0)
        return -1;
    if (!v->telling && !v->options->data)
        v->result->chunks += chunks;
    return 0;
}

/* Where what the leaf's items refer to lies is asked at once, not item by item. */
static int
ask_ahead(const struct walk *walk, const struct tree_node *node, struct error *err)
{
    CLEANUP(memory_free_p) struct chunk_id *ids = memory_new((2 * node->count + 1) * sizeof(*ids));
    size_t n = 0;
    for (size_t i = 0; i < node->count; i++) {
        struct catalog_item item;
        if (catalog_item_decode(node->entries[i].key, node->entries[i].value, &item, NULL) != 0)
            continue;
        const struct content_ref *refs[] = { &item.content, &item.metadata_ref };
        for (size_t r = 0; r < ARRAY_LEN(refs); r++)
            if (refs[r]->form == CONTENT_CHUNK || refs[r]->form == CONTENT_LIST)
                ids[n++] = refs[r]->id;
    }
    struct error failure = ERROR_INIT;
    if (n == 0 || vault_reader_locate(walk->v->reader, ids, n, &failure) == 0 || vault_damage_is(&failure))
        return 0;
    if (err != NULL)
        *err = failure;
    return -1;
}

static int check_tree(const struct walk *walk, const struct tree_entry *at, int level, struct error *err);

static int
check_entries(const struct walk *walk, const struct tree_node *node, int level, struct error *err)
{
    if (level == 0 && !walk->items)
        return 0;
    if (level == 0 && ask_ahead(walk, node, err) != 0)
        return -1;
    for (size_t i = 0; i < node->count; i++)
        if ((level > 0 ? check_tree(walk, &node->entries[i], level - 1, err)
                       : check_item(walk, &node->entries[i], err)) != 0)
            return -1;
    return 0;
}

/* A node and what is below; damage costs what is below it and nothing else. */
static int
check_tree(const struct walk *walk, const struct tree_entry *at, int level, struct error *err)
{
    struct verify *v = walk->v;
    struct error failure = ERROR_INIT;
    if (node_memory_has(v->nodes, &at->child))
        return 0;
    uint64_t before = v->failures;
    CLEANUP(tree_node_free_p) struct tree_node *node = tree_load(v->reader, &at->child, level, &failure);
    if (!v->telling && !v->options->data)
        v->result->chunks++;
    if (node == NULL) {
        error_wrap(&failure, "a part with %llu items", (unsigned long long)at->count);
        return note(walk, walk->items ? VAULT_DAMAGED_CATALOG : VAULT_DAMAGED_LISTING, (struct catalog_key){ NULL, 0 },
                    &failure, err);
    }
    if (check_entries(walk, node, level, err) != 0)
        return -1;
    if (!v->telling || v->failures == before)
        node_memory_add(v->nodes, &at->child);
    return 0;
}

static int
check_root(struct verify *v, size_t point, const struct tree_root *root, bool items, struct error *err)
{
    const struct walk walk = { v, point, items };
    const struct tree_entry top = { .child = root->id, .count = root->count };
    return root->height == 0 ? 0 : check_tree(&walk, &top, root->height - 1, err);
}

static int
check_extra(struct verify *v, size_t point, const struct content_ref *ref, enum vault_damaged what, struct error *err)
{
    const struct walk walk = { v, point, false };
    struct error failure = ERROR_INIT;
    uint64_t chunks = 0;
    int failed = vault_probe(v->reader, ref, &chunks, &failure);
    if (!v->telling && !v->options->data)
        v->result->chunks += chunks;
    return failed == 0 ? 0 : note(&walk, what, (struct catalog_key){ NULL, 0 }, &failure, err);
}

int
verify_walk_point(struct verify *v, size_t at, struct error *err)
{
    struct verify_point *entry = &v->points[at];
    const struct walk whole = { v, at, true };
    const struct catalog_key none = { NULL, 0 };
    struct error failure = ERROR_INIT;
    struct point point;
    entry->readable = point_read(v->vault, entry->id, &point, &failure) == 0;
    if (!entry->readable)
        return note(&whole, VAULT_DAMAGED_POINT, none, &failure, err);
    memcpy(entry->scope, point.header.scope, sizeof(entry->scope));
    entry->created_ms = point.header.created_ms;
    entry->catalog = point.catalog;
    if (!v->telling)
        v->items_total += point.catalog.items.count;
    if (point.catalog.items.count != point.catalog.children.count) {
        FAIL(&failure, ERROR_CORRUPT, 0, "its two trees count differently");
        if (note(&whole, VAULT_DAMAGED_LISTING, none, &failure, err) != 0)
            return -1;
    }
    return check_root(v, at, &point.catalog.items, true, err) != 0 ||
                   check_root(v, at, &point.catalog.children, false, err) != 0 ||
                   check_extra(v, at, &point.cursor, VAULT_DAMAGED_CURSOR, err) != 0 ||
                   check_extra(v, at, &point.outcomes, VAULT_DAMAGED_OUTCOMES, err) != 0
               ? -1
               : 0;
}
