#include "common/vault/vault_heal.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/reader.h"
#include "common/crypto/digest.h"
#include "common/vault/catalog_item.h"
#include "common/vault/content_list.h"
#include "common/vault/message_parts.h"
#include "common/vault/point.h"
#include "common/vault/tree.h"
#include "common/vault/vault_damage.h"
#include "common/vault/vault_heal_internal.h"
#include "common/vault/vault_quarantine.h"
#include "common/vault/vault_reader_internal.h"
#include "common/vault/vault_verify_internal.h"
#include "common/vault/vault_writer_internal.h"

#include <stdlib.h>
#include <string.h>

#define NODES_REMEMBERED ((size_t)32 << 20)

int
vault_heal_check(const struct heal *heal, struct error *err)
{
    if (heal->options->cancelled != NULL && __atomic_load_n(heal->options->cancelled, __ATOMIC_RELAXED))
        return FAIL(err, ERROR_CANCELLED, 0, "healing was cancelled");
    return 0;
}

/* Damage that stays is told and forgiven. */
static int
leave(struct heal *heal, struct catalog_key item, const struct error *cause, struct error *err)
{
    if (!vault_damage_is(cause)) {
        if (err != NULL)
            *err = *cause;
        return -1;
    }
    heal->result->left++;
    return heal->options->left == NULL ? 0 : heal->options->left(heal->options->ctx, heal->point, item, cause, err);
}

static uint64_t
stored(const struct heal *heal)
{
    const struct vault_heal_result *result = heal->result;
    return result->chunks_own + result->chunks_copied + result->items_copied + result->points_replaced;
}

/* Tells of what is whole again, when something had to be stored for it since `before`. */
static int
tell_healed(struct heal *heal, struct catalog_key item, uint64_t before, struct error *err)
{
    if (stored(heal) == before)
        return 0;
    heal->result->healed++;
    return heal->options->healed == NULL ? 0 : heal->options->healed(heal->options->ctx, heal->point, item, err);
}

static int
store(struct heal *heal, const struct chunk_id *id, enum writer_class class, const uint8_t *data, size_t len,
      struct error *err)
{
    struct chunk_id named;
    if (vault_writer_feed(heal->writer, heal->naming, class, data, len, &named, err) != 0)
        return -1;
    if (memcmp(&named, id, sizeof(named)) != 0)
        return FAIL(err, ERROR_CORRUPT, 0, "a chunk of the copy is not what its name says");
    return 0;
}

/* Bytes of a chunk from wherever they are whole. Valid until the next call. */
static const uint8_t *
chunk_bytes(struct heal *heal, const struct chunk_id *id, size_t *len, bool *copied, struct error *err)
{
    struct error failure = ERROR_INIT, other = ERROR_INIT;
    const uint8_t *data = vault_reader_chunk(heal->own, id, len, &failure);
    *copied = false;
    if (data != NULL)
        return data;
    if (vault_damage_is(&failure) && heal->other != NULL && heal->same_keys) {
        data = vault_reader_chunk(heal->other, id, len, &other);
        *copied = data != NULL;
        if (data == NULL && !vault_damage_is(&other))
            failure = other;
    }
    if (data == NULL && err != NULL)
        *err = failure;
    return data;
}

/* The chunk is there and may be counted on, or is stored anew. */
static int
heal_chunk(struct heal *heal, const struct chunk_id *id, enum writer_class class, struct error *err)
{
    struct error absent = ERROR_INIT;
    struct chunk_place place;
    size_t len;
    bool copied;
    if (vault_reader_place(heal->trusted, id, &place, &absent) == 0)
        return 0;
    if (!vault_damage_is(&absent)) {
        if (err != NULL)
            *err = absent;
        return -1;
    }
    const uint8_t *data = chunk_bytes(heal, id, &len, &copied, err);
    if (data == NULL || store(heal, id, class, data, len, err) != 0)
        return -1;
    heal->result->chunks_copied += copied;
    heal->result->chunks_own += !copied;
    return 0;
}

static int
heal_list(struct heal *heal, const struct chunk_id *id, struct error *err)
{
    size_t len;
    bool copied;
    if (heal_chunk(heal, id, CLASS_LIST, err) != 0)
        return -1;
    const uint8_t *data = chunk_bytes(heal, id, &len, &copied, err);
    CLEANUP(memory_free_p) struct content_list_node *node = MEMORY_NEW(struct content_list_node);
    if (data == NULL || content_list_decode(data, len, node, err) != 0)
        return -1;
    CLEANUP(memory_free_p) struct chunk_id *ids = memory_new(node->count * sizeof(*ids));
    for (size_t i = 0; i < node->count; i++)
        ids[i] = node->entries[i].id;
    if (vault_reader_locate(heal->trusted, ids, node->count, err) != 0)
        return -1;
    for (size_t i = 0; i < node->count; i++)
        if ((node->level > 0 ? heal_list(heal, &ids[i], err) : heal_chunk(heal, &ids[i], CLASS_FILE, err)) != 0)
            return -1;
    return 0;
}

static int
heal_plain(struct heal *heal, const struct content_ref *ref, enum writer_class class, struct error *err)
{
    switch (ref->form) {
    case CONTENT_NONE:
    case CONTENT_EMPTY:
        return 0;
    case CONTENT_CHUNK:
        return heal_chunk(heal, &ref->id, class, err);
    case CONTENT_LIST:
        return heal_list(heal, &ref->id, err);
    }
    return FAIL(err, ERROR_FORMAT, 0, "a content reference of an unknown form");
}

/* Which parts a message has, as its recipe tells, wherever that can be read. */
static int
read_parts(struct heal *heal, const struct content_ref *ref, struct buffer *parts, struct error *err)
{
    struct error first = ERROR_INIT;
    if (message_parts_read(heal->own, ref, parts, &first) == 0 ||
        (heal->same_keys && message_parts_read(heal->other, ref, parts, NULL) == 0))
        return 0;
    if (err != NULL && !error_is_set(err))
        *err = first;
    return -1;
}

static int
heal_content(struct heal *heal, const struct catalog_item *item, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer parts = BUFFER_INIT(MESSAGE_PARTS_CEILING);
    struct content_ref part;
    enum writer_class class = catalog_kind_is_mime(item->kind) ? CLASS_TEXT : CLASS_FILE;
    bool stored = item->content.form == CONTENT_CHUNK || item->content.form == CONTENT_LIST;
    if (heal_plain(heal, &item->content, class, err) != 0)
        return -1;
    if (!stored || !item->content.message)
        return 0;
    if ((item->parts != NULL ? message_parts_of_item(item, &parts, err)
                             : read_parts(heal, &item->content, &parts, err)) != 0)
        return -1;
    for (size_t i = 0; message_parts_at(&parts, i, &part); i++)
        if (heal_plain(heal, &part, CLASS_FILE, err) != 0)
            return -1;
    return 0;
}

/* The same bytes cut by this vault's keys have the same reference, and what it names is stored on the way. */
static int
copy_content(struct heal *heal, const struct content_ref *from, const struct content_ref *wanted,
             enum vault_content type, struct error *err)
{
    struct content_ref ref;
    if (vault_heal_recut(heal, from, type, NULL, &ref, err) != 0)
        return -1;
    if (!content_equal(&ref, wanted))
        return FAIL(err, ERROR_NOT_FOUND, 0, "the copy has another version of it");
    heal->result->items_copied++;
    return 0;
}

/* *cause, why it is not whole here, stays when the copy cannot help. 1: it could. */
static int
copy_item(struct heal *heal, const struct catalog_item *item, bool metadata, const struct error *cause,
          struct error *err)
{
    struct error failure = ERROR_INIT;
    struct catalog_item there;
    CLEANUP(catalog_close_p) struct catalog *catalog = NULL;
    if (!vault_damage_is(cause) || heal->same_keys || !heal->has_other_point)
        return 0;
    catalog = catalog_open(heal->other, &heal->other_point.catalog);
    int failed = catalog_get(catalog, item->key, &there, &failure);
    if (failed == 0) {
        const struct content_ref from = metadata ? there.metadata_ref : there.content;
        enum vault_content type = metadata                           ? VAULT_METADATA
                                  : catalog_kind_is_mime(item->kind) ? VAULT_MESSAGE
                                                                     : VAULT_FILE;
        failed = copy_content(heal, &from, metadata ? &item->metadata_ref : &item->content, type, &failure);
    }
    if (failed == 0)
        return 1;
    if (vault_damage_is(&failure))
        return 0;
    *err = failure;
    return -1;
}

static int
heal_item(struct heal *heal, const struct tree_entry *entry, struct error *err)
{
    struct catalog_item item;
    struct error failure = ERROR_INIT;
    if (vault_heal_check(heal, err) != 0)
        return -1;
    if (catalog_item_decode(entry->key, entry->value, &item, &failure) != 0)
        return leave(heal, (struct catalog_key){ entry->key.data, entry->key.len }, &failure, err);
    uint64_t before = stored(heal), left = heal->result->left;
    for (int metadata = 0; metadata < 2; metadata++) {
        error_clear(&failure);
        if ((metadata ? heal_plain(heal, &item.metadata_ref, CLASS_METADATA, &failure)
                      : heal_content(heal, &item, &failure)) == 0)
            continue;
        int copied = copy_item(heal, &item, metadata != 0, &failure, err);
        if (copied < 0 || (copied == 0 && leave(heal, item.key, &failure, err) != 0))
            return -1;
    }
    return left == heal->result->left ? tell_healed(heal, item.key, before, err) : 0;
}

static struct tree_node *
load_node(struct heal *heal, const struct chunk_id *id, int level, struct error *err)
{
    struct error failure = ERROR_INIT;
    struct tree_node *node = tree_load(heal->own, id, level, &failure);
    if (node == NULL && vault_damage_is(&failure) && heal->same_keys && heal->other != NULL)
        return tree_load(heal->other, id, level, err);
    if (node == NULL && err != NULL)
        *err = failure;
    return node;
}

static int
heal_tree(struct heal *heal, const struct chunk_id *id, int level, bool items, struct error *err)
{
    struct error failure = ERROR_INIT;
    const struct catalog_key none = { NULL, 0 };
    if (node_memory_has(heal->nodes, id))
        return 0;
    uint64_t left = heal->result->left, before = stored(heal);
    CLEANUP(tree_node_free_p) struct tree_node *node = NULL;
    if (heal_chunk(heal, id, level == 0 ? CLASS_NODE : CLASS_PATH, &failure) != 0 ||
        (node = load_node(heal, id, level, &failure)) == NULL)
        return leave(heal, none, &failure, err);
    if (tell_healed(heal, none, before, err) != 0)
        return -1;
    for (size_t i = 0; i < node->count && (level > 0 || items); i++)
        if ((level > 0 ? heal_tree(heal, &node->entries[i].child, level - 1, items, err)
                       : heal_item(heal, &node->entries[i], err)) != 0)
            return -1;
    if (heal->result->left == left)
        node_memory_add(heal->nodes, id);
    return 0;
}

/* How many nodes of the tree can be read nowhere; what is below one of them is not looked at. */
static int
count_holes(struct heal *heal, const struct chunk_id *id, int level, uint64_t *holes, struct error *err)
{
    struct error failure = ERROR_INIT;
    if (node_memory_has(heal->seen, id))
        return 0;
    uint64_t before = *holes;
    CLEANUP(tree_node_free_p) struct tree_node *node = tree_load(heal->own, id, level, &failure);
    if (node == NULL && !vault_damage_is(&failure)) {
        *err = failure;
        return -1;
    }
    *holes += node == NULL;
    for (size_t i = 0; node != NULL && level > 0 && i < node->count; i++)
        if (vault_heal_check(heal, err) != 0 || count_holes(heal, &node->entries[i].child, level - 1, holes, err) != 0)
            return -1;
    if (*holes == before)
        node_memory_add(heal->seen, id);
    return 0;
}

/* Only from a vault with other keys is that any trouble: each node of a replica's is this vault's too. */
static int
heal_nodes(struct heal *heal, const struct point *point, struct error *err)
{
    const struct tree_root *roots[] = { &point->catalog.items, &point->catalog.children };
    struct error failure = ERROR_INIT;
    uint64_t holes = 0;
    if (heal->same_keys || !heal->has_other_point)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(roots); i++)
        if (roots[i]->height > 0 && count_holes(heal, &roots[i]->id, roots[i]->height - 1, &holes, err) != 0)
            return -1;
    if (holes == 0)
        return 0;
    uint64_t rebuilt = heal->result->catalogs_rebuilt;
    if (vault_heal_catalog(heal, point, &failure) != 0 && !vault_damage_is(&failure)) {
        *err = failure;
        return -1;
    }
    uint64_t still = 0;
    for (size_t i = 0; heal->result->catalogs_rebuilt > rebuilt && i < ARRAY_LEN(roots); i++)
        if (roots[i]->height > 0 && count_holes(heal, &roots[i]->id, roots[i]->height - 1, &still, err) != 0)
            return -1;
    const struct catalog_key none = { NULL, 0 };
    heal->result->healed += still < holes;
    return still < holes && heal->options->healed != NULL
               ? heal->options->healed(heal->options->ctx, heal->point, none, err)
               : 0;
}

/* A replica's point is the same bytes; the host takes them when what it has does not fit its own digest. */
static int
replace_point(struct heal *heal, struct point *point, struct error *err)
{
    CLEANUP(memory_free_p) uint8_t *data = NULL;
    struct vault_commit commit = { .name = heal->point };
    struct vault_backend to = heal->vault->backend;
    if (heal->has_other_point && !heal->same_keys)
        return vault_heal_point(heal, point, err);
    if (heal->other == NULL || !heal->same_keys || point_read(heal->from, heal->point, point, err) != 0 ||
        heal->from->backend.vtable->get_object(heal->from->backend.ctx, OBJECT_POINT, heal->point, &data, &commit.len,
                                               err) != 0)
        return -1;
    commit.data = data;
    if (to.vtable->begin(to.ctx, &commit.epoch, err) != 0 || to.vtable->commit_point(to.ctx, &commit, err) != 0)
        return -1;
    heal->result->points_replaced++;
    return 0;
}

/* The cursor, and the list of what was left out. */
static int
heal_extra(struct heal *heal, const struct content_ref *ref, const struct content_ref *there, struct error *err)
{
    const struct catalog_key none = { NULL, 0 };
    struct error failure = ERROR_INIT, ignored = ERROR_INIT;
    uint64_t before = stored(heal);
    if (heal_plain(heal, ref, CLASS_METADATA, &failure) == 0)
        return tell_healed(heal, none, before, err);
    if (vault_damage_is(&failure) && !heal->same_keys && heal->has_other_point &&
        copy_content(heal, there, ref, VAULT_METADATA, &ignored) == 0)
        return tell_healed(heal, none, before, err);
    return leave(heal, none, &failure, err);
}

static int
heal_point(struct heal *heal, struct error *err)
{
    struct error failure = ERROR_INIT, ignored = ERROR_INIT;
    const struct catalog_key none = { NULL, 0 };
    struct point point;
    uint64_t before = stored(heal);
    heal->has_other_point =
        heal->other != NULL && point_read(heal->from, heal->point, &heal->other_point, &ignored) == 0;
    error_clear(&ignored);
    if (point_read(heal->vault, heal->point, &point, &failure) != 0 &&
        (!vault_damage_is(&failure) || replace_point(heal, &point, &ignored) != 0))
        return leave(heal, none, &failure, err);
    if (tell_healed(heal, none, before, err) != 0 || heal_nodes(heal, &point, err) != 0)
        return -1;
    if ((point.catalog.items.height > 0 &&
         heal_tree(heal, &point.catalog.items.id, point.catalog.items.height - 1, true, err) != 0) ||
        (point.catalog.children.height > 0 &&
         heal_tree(heal, &point.catalog.children.id, point.catalog.children.height - 1, false, err) != 0))
        return -1;
    return heal_extra(heal, &point.cursor, &heal->other_point.cursor, err) != 0
               ? -1
               : heal_extra(heal, &point.outcomes, &heal->other_point.outcomes, err);
}

static int
add_point(void *ctx, const char *id, struct error *err)
{
    struct heal *heal = ctx;
    if (heal->point_count == heal->point_room) {
        size_t room = heal->point_room == 0 ? 64 : heal->point_room * 2;
        void *bigger = realloc(heal->points, room * sizeof(heal->points[0]));
        if (bigger == NULL)
            return FAIL(err, ERROR_LIMIT, 0, "no memory for the list of recovery points");
        heal->points = bigger;
        heal->point_room = room;
    }
    memset(heal->points[heal->point_count], 0, IDENTIFIER_LEN);
    memcpy(heal->points[heal->point_count++], id, strnlen(id, IDENTIFIER_LEN - 1));
    return 0;
}

static bool
keys_are_same(struct heal *heal)
{
    static const char text[] = "whose keys";
    struct chunk_id mine, theirs;
    struct hmac *naming = vault_naming(heal->from);
    vault_name_chunk(heal->naming, text, sizeof(text), &mine);
    vault_name_chunk(naming, text, sizeof(text), &theirs);
    hmac_free(naming);
    return memcmp(&mine, &theirs, sizeof(mine)) == 0;
}

static int
run(struct heal *heal, struct error *err)
{
    struct vault_writer_progress progress;
    if (point_list(heal->vault, add_point, heal, err) != 0)
        return -1;
    for (size_t i = 0; i < heal->point_count; i++) {
        heal->point = heal->points[i];
        if (vault_heal_check(heal, err) != 0 || heal_point(heal, err) != 0)
            return -1;
        heal->result->points++;
        if (heal->options->progress != NULL)
            heal->options->progress(heal->options->ctx, i + 1, heal->point_count,
                                    heal->result->chunks_own + heal->result->chunks_copied);
    }
    if (vault_writer_flush(heal->writer, err) != 0)
        return -1;
    vault_writer_progress(heal->writer, &progress);
    heal->result->bytes_stored = progress.bytes_stored;
    return 0;
}

int
vault_heal(struct vault *vault, struct vault *from, const struct vault_heal_options *options,
           struct vault_heal_result *result, struct error *err)
{
    struct heal heal = { .vault = vault, .from = from, .options = options, .result = result };
    memset(result, 0, sizeof(*result));
    heal.naming = vault_naming(vault);
    heal.nodes = node_memory_new(NODES_REMEMBERED);
    heal.seen = node_memory_new(NODES_REMEMBERED);
    heal.same_keys = from != NULL && keys_are_same(&heal);
    heal.trusted = vault_quarantine_reader(vault, options->memory_bytes, err);
    heal.own = heal.trusted == NULL ? NULL : vault_reader_open(vault, options->memory_bytes, err);
    if (heal.own != NULL && from != NULL)
        heal.other = vault_reader_open(from, options->memory_bytes, err);
    bool readers = heal.own != NULL && (from == NULL || heal.other != NULL);
    heal.writer = readers ? vault_writer_open(vault, &options->writer, err) : NULL;
    int failed = heal.writer == NULL ? -1 : run(&heal, err);
    vault_writer_close(heal.writer);
    vault_reader_close(heal.other);
    vault_reader_close(heal.own);
    vault_reader_close(heal.trusted);
    node_memory_free(heal.nodes);
    node_memory_free(heal.seen);
    hmac_free(heal.naming);
    free(heal.points);
    return failed;
}
