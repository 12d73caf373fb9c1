#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"
#include "common/vault/catalog_item.h"
#include "common/vault/group_codec.h"
#include "common/vault/pack_builder.h"
#include "common/vault/tree_node.h"
#include "common/vault/vault_internal.h"
#include "tests/sweep/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A run, one call a step: asks for the epoch, reads the point it goes on from, looks up what is new, stores what is
 * missing in one or two packs, commits. It may take for ever, stop anywhere, or say its commit again. */

static struct catalog_item
item_of(const struct sim *sim, const struct sim_point *point, size_t i, uint8_t key[3])
{
    const struct sim_content *content = &sim->contents[point->contents[i]];
    key[0] = content->ref.message ? CATALOG_MESSAGE : CATALOG_FILE;
    key[1] = 'i';
    key[2] = (uint8_t)('a' + point->contents[i]);
    struct catalog_item item = { .kind = (enum catalog_kind)key[0],
                                 .key = { key, 3 },
                                 .name = "n",
                                 .size = content->ref.len,
                                 .content = content->ref };
    if (content->has_parts) {
        item.parts = content->parts.bytes;
        item.parts_len = content->parts.len;
    }
    return item;
}

struct leaf_entry {
    uint8_t key[CATALOG_CHILD_MAX], value[512];
    size_t key_len, value_len;
};

static int
compare(const void *a, const void *b)
{
    const struct leaf_entry *x = a, *y = b;
    return tree_bytes_compare((struct tree_bytes){ x->key, x->key_len }, (struct tree_bytes){ y->key, y->key_len });
}

/* A tree of one leaf. */
static struct tree_root
make_leaf(const struct sim *sim, struct leaf_entry *entries, size_t count, struct sim_piece *node)
{
    CLEANUP(buffer_clear) struct buffer bytes = BUFFER_INIT(TREE_NODE_CEILING);
    struct tree_node_writer writer;
    bool full;
    qsort(entries, count, sizeof(entries[0]), compare);
    tree_node_writer_begin(&writer, &bytes, 0, TREE_RULE_PATHS);
    for (size_t i = 0; i < count; i++) {
        const struct tree_entry entry = { .key = { entries[i].key, entries[i].key_len },
                                          .value = { entries[i].value, entries[i].value_len },
                                          .count = 1 };
        if (tree_node_writer_add(&writer, &entry, &full, NULL) != 0)
            abort();
    }
    if (bytes.len > sizeof(node->bytes))
        abort();
    memcpy(node->bytes, bytes.data, bytes.len);
    node->len = bytes.len;
    struct hmac *naming = vault_naming(sim->vault);
    vault_name_chunk(naming, node->bytes, node->len, &node->id);
    hmac_free(naming);
    return (struct tree_root){ .height = 1, .count = count, .id = node->id };
}

static void
add_need(struct sim_point *point, const struct chunk_id *id)
{
    for (size_t i = 0; i < point->need_count; i++)
        if (memcmp(&point->needs[i], id, sizeof(*id)) == 0)
            return;
    if (point->need_count == SIM_NEEDS)
        abort();
    point->needs[point->need_count++] = *id;
}

void
sim_point_build(struct sim *sim, struct sim_point *point)
{
    struct leaf_entry items[SIM_ITEMS];
    CLEANUP(buffer_clear) struct buffer value = BUFFER_INIT(CATALOG_VALUE_MAX);
    point->need_count = 0;
    memset(&point->root, 0, sizeof(point->root));
    for (size_t i = 0; i < point->count; i++) {
        uint8_t key[3];
        struct catalog_item item = item_of(sim, point, i, key);
        if (catalog_item_encode(&item, &value, NULL) != 0 || value.len > sizeof(items[i].value))
            abort();
        memcpy(items[i].key, key, 3);
        items[i].key_len = 3;
        memcpy(items[i].value, value.data, value.len);
        items[i].value_len = value.len;
        const struct sim_content *content = &sim->contents[point->contents[i]];
        for (size_t p = 0; p < content->piece_count; p++)
            add_need(point, &content->pieces[p]->id);
    }
    if (point->count == 0)
        return;
    point->root.items = make_leaf(sim, items, point->count, &point->nodes[0]);
    /* What is listed matters not for sweeps but that its nodes are needed. */
    for (size_t i = 0; i < point->count; i++)
        items[i].value_len = 1;
    point->root.children = make_leaf(sim, items, point->count, &point->nodes[1]);
    add_need(point, &point->nodes[0].id);
    add_need(point, &point->nodes[1].id);
}

static void
choose_contents(struct sim *sim, struct sim_writer *writer)
{
    struct sim_point *point = writer->point;
    bool used[SIM_CONTENTS] = { false };
    bool same = writer->base != NULL && sim_random(sim, 4) == 0;
    for (size_t i = 0; writer->base != NULL && i < writer->base->count; i++)
        if (same || sim_random(sim, 3) != 0) {
            point->contents[point->count++] = writer->base->contents[i];
            used[writer->base->contents[i]] = true;
        }
    for (uint64_t n = same ? 0 : 1 + sim_random(sim, 3); n > 0 && point->count < SIM_ITEMS; n--) {
        uint8_t k = (uint8_t)sim_random(sim, SIM_CONTENTS);
        if (!used[k])
            point->contents[point->count++] = k;
        used[k] = true;
    }
    sim_point_build(sim, point);
}

static bool
needed_by(const struct sim_point *point, const struct chunk_id *id)
{
    for (size_t i = 0; point != NULL && i < point->need_count; i++)
        if (memcmp(&point->needs[i], id, sizeof(*id)) == 0)
            return true;
    return false;
}

static const struct sim_piece *
piece_of(const struct sim *sim, const struct sim_point *point, const struct chunk_id *id)
{
    for (size_t i = 0; i < point->count; i++) {
        const struct sim_content *content = &sim->contents[point->contents[i]];
        for (size_t p = 0; p < content->piece_count; p++)
            if (memcmp(&content->pieces[p]->id, id, sizeof(*id)) == 0)
                return content->pieces[p];
    }
    return memcmp(&point->nodes[0].id, id, sizeof(*id)) == 0 ? &point->nodes[0] : &point->nodes[1];
}

/* What the base has is not asked for: it is there as long as the base is. */
static int
look_up(struct sim *sim, struct sim_writer *writer, struct vault_backend backend, struct error *err)
{
    struct chunk_id ids[SIM_NEEDS];
    struct chunk_place places[SIM_NEEDS];
    size_t count = 0;
    for (size_t i = 0; i < writer->point->need_count; i++)
        if (!needed_by(writer->base, &writer->point->needs[i]))
            ids[count++] = writer->point->needs[i];
    if (backend.vtable->find_chunks(backend.ctx, ids, count, places, err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (!places[i].known)
            writer->missing[writer->missing_count++] = piece_of(sim, writer->point, &ids[i]);
    return 0;
}

static int
store(struct sim *sim, struct sim_writer *writer, struct vault_backend backend, struct error *err)
{
    struct pack_builder builder = { .vault = NULL };
    uint8_t plain[8192] = { GROUP_CODEC_RAW };
    struct pack_chunk chunks[SIM_NEEDS];
    size_t left = writer->missing_count - writer->put, now = 1 + (size_t)sim_random(sim, left);
    int failed = pack_builder_begin(&builder, sim->vault, err);
    for (size_t i = 0; failed == 0 && i < now;) {
        size_t len = 1, n = 0;
        for (uint64_t some = 1 + sim_random(sim, 4); some > 0 && i < now; some--, i++, n++) {
            const struct sim_piece *piece = writer->missing[writer->put + i];
            memcpy(plain + len, piece->bytes, piece->len);
            chunks[n] = (struct pack_chunk){ piece->id, (uint32_t)piece->len };
            len += piece->len;
        }
        failed = pack_builder_add(&builder, plain, len, chunks, n, err);
    }
    if (failed == 0)
        failed = pack_builder_finish(&builder, err);
    if (failed == 0)
        failed = backend.vtable->put_pack(backend.ctx, builder.name, builder.data.data, builder.data.len, err);
    pack_builder_clear(&builder);
    writer->put += failed == 0 ? now : 0;
    return failed;
}

static int
commit(struct sim *sim, struct sim_writer *writer, struct vault_backend backend, struct error *err)
{
    struct point point = { .header = { .scope = "object-1", .fence = 1 },
                           .epoch = sim->fault == SIM_FAULT_NO_EPOCH ? UINT64_MAX / 2 : writer->epoch,
                           .catalog = writer->point->root,
                           .cursor = { .form = CONTENT_EMPTY },
                           .outcomes = { .form = CONTENT_NONE } };
    CLEANUP(buffer_clear) struct buffer object = BUFFER_INIT(OBJECT_MAX_BYTES);
    snprintf(point.header.id, sizeof(point.header.id), "%s", writer->point->id);
    snprintf(point.header.vault_id, sizeof(point.header.vault_id), SIM_VAULT);
    if (point_seal(sim->vault, &point, &object, err) != 0)
        return -1;
    const struct vault_commit vault_commit = { point.header.id, object.data, object.len, NULL, 0, point.epoch };
    return backend.vtable->commit_point(backend.ctx, &vault_commit, err);
}

static void
begin(struct sim *sim, struct sim_writer *writer)
{
    memset(writer, 0, sizeof(*writer));
    if (sim->point_count == SIM_POINTS)
        return;
    writer->active = true;
    writer->host = sim->hosts[1].host != NULL && sim_random(sim, 3) == 0 ? 1 : 0;
    writer->point = &sim->points[sim->point_count++];
    memset(writer->point, 0, sizeof(*writer->point));
    snprintf(writer->point->id, sizeof(writer->point->id), "point-%zu", sim->point_count);
}

/* A point that the host says is there. */
static int
choose_base(struct sim *sim, struct sim_writer *writer, struct vault_backend backend, struct error *err)
{
    CLEANUP(memory_free_p) uint8_t *data = NULL;
    size_t len;
    struct sim_point *base = &sim->points[sim_random(sim, sim->point_count)];
    if (base == writer->point || sim_random(sim, 4) == 0)
        return 0;
    if (backend.vtable->get_object(backend.ctx, OBJECT_POINT, base->id, &data, &len, err) == 0)
        writer->base = base;
    else if (err->kind != ERROR_NOT_FOUND)
        return -1;
    error_clear(err);
    return 0;
}

static void
give_up(struct sim_writer *writer)
{
    writer->active = false;
}

enum { ASK, READ, LOOK, STORE, COMMIT };

static int
take_step(struct sim *sim, struct sim_writer *writer, struct vault_backend backend, struct error *err)
{
    bool late = sim->fault == SIM_FAULT_LATE_BEGIN;
    switch (writer->step) {
    case ASK:
        if (!late && backend.vtable->begin(backend.ctx, &writer->epoch, err) != 0)
            return -1;
        writer->step = READ;
        return 0;
    case READ:
        if (choose_base(sim, writer, backend, err) != 0)
            return -1;
        choose_contents(sim, writer);
        writer->step = LOOK;
        return 0;
    case LOOK:
        if (look_up(sim, writer, backend, err) != 0)
            return -1;
        writer->step = writer->missing_count > 0 ? STORE : COMMIT;
        return 0;
    case STORE:
        if (store(sim, writer, backend, err) != 0)
            return -1;
        writer->step = writer->put == writer->missing_count ? COMMIT : STORE;
        return 0;
    default:
        if (late && backend.vtable->begin(backend.ctx, &writer->epoch, err) != 0)
            return -1;
        return commit(sim, writer, backend, err);
    }
}

void
sim_writer_step(struct sim *sim, struct sim_writer *writer)
{
    struct error err = ERROR_INIT;
    if (!writer->active) {
        begin(sim, writer);
        return;
    }
    if (sim->hosts[writer->host].host == NULL || sim_random(sim, 60) == 0) {
        give_up(writer);
        return;
    }
    bool last = writer->step == COMMIT;
    if (take_step(sim, writer, sim->hosts[writer->host].vault->backend, &err) == 0) {
        if (last) {
            writer->point->committed = true;
            sim->counters->commits++;
            give_up(writer);
        }
        return;
    }
    sim->counters->refused += err.kind == ERROR_CONFLICT;
    /* "Unavailable" may be tried again, with the same bytes or from the step before. */
    if ((err.kind != ERROR_UNAVAILABLE && err.kind != ERROR_NETWORK) || ++writer->tries > 3)
        give_up(writer);
}
