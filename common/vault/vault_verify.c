#include "common/vault/vault_verify.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/catalog_item.h"
#include "common/vault/point.h"
#include "common/vault/pack_set.h"
#include "common/vault/tree.h"
#include "common/vault/vault_directory.h"
#include "common/vault/vault_probe.h"
#include "common/vault/vault_reader_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 512

/* An item whose contents wait to be read together with others. */
struct waiting {
    struct catalog_key_buffer key;
    const char *what; /* content or metadata */
};

struct verify {
    struct vault *vault;
    struct vault_reader *reader;
    const struct vault_verify_options *options;
    struct vault_verify_result *result;
    char point[IDENTIFIER_LEN];
    struct waiting *waiting;
    struct vault_read reads[2 * BATCH];
    size_t count;
    uint64_t items_total, items_done, nodes_entries;
};

static int
tell(struct verify *v, struct catalog_key key, const struct error *cause, const char *text, struct error *err)
{
    struct vault_damage damage = { .item = key, .text = text, .cause = cause };
    memcpy(damage.point, v->point, sizeof(damage.point));
    v->result->damaged++;
    return v->options->damage == NULL ? 0 : v->options->damage(v->options->ctx, &damage, err);
}

static bool
is_damage(const struct error *err)
{
    return err->kind == ERROR_CORRUPT || err->kind == ERROR_FORMAT || err->kind == ERROR_NOT_FOUND ||
           err->kind == ERROR_LIMIT || err->kind == ERROR_UNSUPPORTED;
}

/* Damage is told and forgiven; anything else ends the verification. */
static int
tell_or_fail(struct verify *v, struct catalog_key key, const struct error *cause, const char *what, struct error *err)
{
    char text[sizeof(cause->text) + 512];
    if (!is_damage(cause)) {
        if (err != NULL)
            *err = *cause;
        return -1;
    }
    /* Backups fetch what has changed; what is stored by the index's word they do not send again. */
    snprintf(text, sizeof(text), "%s cannot be restored from this point: %s. %s", what, cause->text,
             cause->kind == ERROR_NOT_FOUND
                 ? "Put what is missing back from a copy of the vault, or restore from another point. Once the "
                   "vault's host has been restarted, a backup that fetches the item again stores it again"
                 : "Backups do not repair it: replace what is damaged by that of a copy of the vault, or restore "
                   "from another point");
    return tell(v, key, cause, text, err);
}

static int
check_cancelled(const struct verify *v, struct error *err)
{
    if (v->options->cancelled != NULL && __atomic_load_n(v->options->cancelled, __ATOMIC_RELAXED))
        return FAIL(err, ERROR_CANCELLED, 0, "verification was cancelled");
    return 0;
}

static int
on_batch_begin(void *ctx, struct vault_read *read, struct error *err)
{
    (void)read;
    return check_cancelled(ctx, err);
}

static int
on_batch_data(void *ctx, struct vault_read *read, const uint8_t *data, size_t len, struct error *err)
{
    struct verify *v = ctx;
    (void)read;
    (void)data;
    (void)err;
    v->result->bytes += len;
    return 0;
}

static int
on_batch_end(void *ctx, struct vault_read *read, const struct error *failure, struct error *err)
{
    struct verify *v = ctx;
    const struct waiting *waiting = read->ctx;
    v->result->chunks++;
    if (failure == NULL)
        return 0;
    return tell_or_fail(v, catalog_key_of(&waiting->key), failure, waiting->what, err);
}

static const struct vault_batch_vtable batch_vtable = { on_batch_begin, on_batch_data, on_batch_end };

static int
probe_all(struct verify *v, struct error *err)
{
    for (size_t i = 0; i < v->count; i++) {
        struct error failure = ERROR_INIT;
        const struct waiting *waiting = v->reads[i].ctx;
        if (check_cancelled(v, err) != 0)
            return -1;
        if (vault_probe(v->reader, &v->reads[i].ref, &v->result->chunks, &failure) != 0 &&
            tell_or_fail(v, catalog_key_of(&waiting->key), &failure, waiting->what, err) != 0)
            return -1;
    }
    return 0;
}

static int
check_waiting(struct verify *v, struct error *err)
{
    int failed =
        v->options->data ? vault_reader_batch(v->reader, v->reads, v->count, &batch_vtable, v, err) : probe_all(v, err);
    v->count = 0;
    if (v->options->progress != NULL)
        v->options->progress(v->options->ctx, v->items_done, v->items_total, v->result->bytes);
    return failed;
}

static void
wait_for(struct verify *v, struct catalog_key key, const struct content_ref *ref, const char *what)
{
    if (ref->form == CONTENT_NONE || ref->form == CONTENT_EMPTY)
        return;
    struct waiting *waiting = &v->waiting[v->count];
    memcpy(waiting->key.bytes, key.bytes, key.len);
    waiting->key.len = key.len;
    waiting->what = what;
    v->reads[v->count++] = (struct vault_read){ *ref, waiting };
}

static int
check_item(struct verify *v, const struct tree_entry *entry, struct error *err)
{
    struct catalog_item item;
    struct error failure = ERROR_INIT;
    v->items_done++;
    v->result->items++;
    if (catalog_item_decode(entry->key, entry->value, &item, &failure) != 0) {
        struct catalog_key key = { entry->key.data, entry->key.len };
        return tell_or_fail(v, key, &failure, "an item's record", err);
    }
    wait_for(v, item.key, &item.content, "an item's content");
    wait_for(v, item.key, &item.metadata_ref, "an item's metadata");
    return v->count + 2 > 2 * BATCH ? check_waiting(v, err) : 0;
}

/* A tree's node and what is below; damage costs what is below it and nothing else. */
static int
check_tree(struct verify *v, const struct tree_entry *at, int level, bool items, struct error *err)
{
    struct error failure = ERROR_INIT;
    CLEANUP(tree_node_free_p) struct tree_node *node = tree_load(v->reader, &at->child, level, &failure);
    v->result->chunks++;
    if (node == NULL) {
        char what[96];
        snprintf(what, sizeof(what), "a part of the %s with %llu items", items ? "catalog" : "folder listing",
                 (unsigned long long)at->count);
        return tell_or_fail(v, (struct catalog_key){ NULL, 0 }, &failure, what, err);
    }
    for (size_t i = 0; i < node->count; i++) {
        int failed = check_cancelled(v, err);
        if (failed == 0 && level > 0)
            failed = check_tree(v, &node->entries[i], level - 1, items, err);
        else if (failed == 0 && items)
            failed = check_item(v, &node->entries[i], err);
        if (failed != 0)
            return -1;
    }
    return 0;
}

static int
check_root(struct verify *v, const struct tree_root *root, bool items, struct error *err)
{
    struct tree_entry top = { .child = root->id, .count = root->count };
    if (root->height == 0)
        return 0;
    if (check_tree(v, &top, root->height - 1, items, err) != 0)
        return -1;
    return v->count > 0 ? check_waiting(v, err) : 0;
}

static int
check_extra(struct verify *v, const struct content_ref *ref, const char *what, struct error *err)
{
    struct error failure = ERROR_INIT;
    uint8_t *data = NULL;
    size_t len = 0;
    if (ref->form != CONTENT_CHUNK && ref->form != CONTENT_LIST)
        return 0;
    int failed = v->options->data ? vault_reader_get(v->reader, ref, POINT_CURSOR_MAX * 4, &data, &len, &failure)
                                  : vault_probe(v->reader, ref, &v->result->chunks, &failure);
    free(data);
    v->result->bytes += len;
    return failed == 0 ? 0 : tell_or_fail(v, (struct catalog_key){ NULL, 0 }, &failure, what, err);
}

/* Contents are found through the index, which is made anew from these directories when it is lost. */
static int
check_directories(struct verify *v, struct error *err)
{
    char pack[PACK_NAME_LEN];
    while (pack_set_next_used(v->reader->stored, pack)) {
        char text[sizeof(((struct error *)0)->text) + 256];
        struct error failure = ERROR_INIT;
        if (check_cancelled(v, err) != 0)
            return -1;
        v->result->packs++;
        if (vault_directory_check(v->vault, pack, &failure) == 0)
            continue;
        if (!is_damage(&failure)) {
            if (err != NULL)
                *err = failure;
            return -1;
        }
        snprintf(text, sizeof(text),
                 "%s. What it holds can be read only as long as the vault's index lasts: copy the vault's storage now, "
                 "and find out who or what changed the pack",
                 failure.text);
        if (tell(v, (struct catalog_key){ NULL, 0 }, &failure, text, err) != 0)
            return -1;
    }
    return 0;
}

static int
check_point(struct verify *v, const char *id, struct error *err)
{
    struct error failure = ERROR_INIT;
    struct point point;
    snprintf(v->point, sizeof(v->point), "%s", id);
    v->result->points++;
    if (point_read(v->vault, id, &point, &failure) != 0)
        return tell_or_fail(v, (struct catalog_key){ NULL, 0 }, &failure, "the whole recovery point", err);
    v->items_total += point.catalog.items.count;
    if (point.catalog.items.count != point.catalog.children.count) {
        FAIL(&failure, ERROR_CORRUPT, 0, "its two trees count differently");
        if (tell_or_fail(v, (struct catalog_key){ NULL, 0 }, &failure, "the folder listing", err) != 0)
            return -1;
    }
    return check_root(v, &point.catalog.items, true, err) != 0 ||
                   check_root(v, &point.catalog.children, false, err) != 0 ||
                   check_extra(v, &point.cursor, "the source's cursor", err) != 0 ||
                   check_extra(v, &point.outcomes, "the list of skipped and failed items", err) != 0 ||
                   check_directories(v, err) != 0
               ? -1
               : 0;
}

static int
on_point_found(void *ctx, const char *id, struct error *err)
{
    return check_point(ctx, id, err);
}

int
vault_verify(struct vault *vault, const char *const *ids, size_t count, const struct vault_verify_options *options,
             struct vault_verify_result *result, struct error *err)
{
    struct verify *v = MEMORY_NEW(struct verify);
    memset(result, 0, sizeof(*result));
    v->vault = vault;
    v->options = options;
    v->result = result;
    v->waiting = memory_new((2 * BATCH + 2) * sizeof(v->waiting[0]));
    v->reader = vault_reader_open(vault, options->memory_bytes, err);
    int failed = v->reader == NULL ? -1 : 0;
    CLEANUP(pack_set_free_p) struct pack_set *stored = failed == 0 ? pack_set_list(vault, err) : NULL;
    if (stored == NULL)
        failed = -1;
    else
        v->reader->stored = stored;
    if (failed == 0 && ids == NULL)
        failed = point_list(vault, on_point_found, v, err);
    for (size_t i = 0; failed == 0 && ids != NULL && i < count; i++)
        failed = check_point(v, ids[i], err);
    vault_reader_close(v->reader);
    free(v->waiting);
    free(v);
    return failed;
}
