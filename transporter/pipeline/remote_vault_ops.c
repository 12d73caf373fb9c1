#include "transporter/pipeline/remote_vault_internal.h"

#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/rpc/rpc_call.h"
#include "transporter/host/vault_wire.h"

#include <stdlib.h>
#include <string.h>

#define SHORT_MS      60000
#define PACK_MS       (10 * 60 * 1000)
#define COMMIT_MS     (5 * 60 * 1000)
#define REPLY_BUDGET  (4 * RPC_MESSAGE_LIMIT)
#define NAMES_CEILING ((size_t)32 << 20)
#define PACKS_MAX     4096

static char *
text_of(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* Sends the one request and ends our side. */
static int
send_only(struct rpc_call *call, const ProtobufCMessage *request, struct error *err)
{
    return rpc_call_send(call, request, err) != 0 ? -1 : rpc_call_close_send(call, err);
}

static int
receive_one(struct rpc_call *call, const ProtobufCMessageDescriptor *type, struct arena *arena,
            ProtobufCMessage **reply, struct error *err)
{
    int n = rpc_call_receive(call, type, RPC_NO_TIMEOUT, arena, reply, err);
    if (n == 0)
        return FAIL(err, ERROR_NETWORK, 0, "the host ended the call without an answer");
    return n < 0 ? -1 : 0;
}

struct find_chunks {
    const struct chunk_id *ids;
    size_t n;
    bool reading;
    struct chunk_place *places;
    size_t *count; /* not NULL: every place of one chunk */
};

static int
find_chunks_talk(void *ctx, struct rpc_call *call, struct error *err)
{
    struct find_chunks *find = ctx;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(REPLY_BUDGET);
    Longhaul__V1__FindChunksRequest request = LONGHAUL__V1__FIND_CHUNKS_REQUEST__INIT;
    request.ids.data = (uint8_t *)(uintptr_t)find->ids;
    request.ids.len = find->n * CHUNK_ID_LEN;
    request.reading = find->reading;
    request.all = find->count != NULL;
    ProtobufCMessage *message = NULL;
    if (send_only(call, &request.base, err) != 0 ||
        receive_one(call, &longhaul__v1__find_chunks_reply__descriptor, arena, &message, err) != 0)
        return -1;
    const Longhaul__V1__FindChunksReply *reply = (const Longhaul__V1__FindChunksReply *)message;
    size_t most = find->count != NULL ? VAULT_PLACES_MAX : find->n;
    if (reply->n_places > most || (find->count == NULL && reply->n_places != most))
        return FAIL(err, ERROR_FORMAT, 0, "the host answers %zu of %zu chunks", reply->n_places, find->n);
    for (size_t i = 0; i < reply->n_places; i++)
        if (vault_wire_place(reply->places[i], &find->places[i], err) != 0)
            return -1;
    if (find->count != NULL)
        *find->count = reply->n_places;
    return 0;
}

static int
find_chunks(void *backend, struct find_chunks find, struct error *err)
{
    const struct remote_vault_exchange exchange = { "/longhaul.v1.Vault/FindChunks", SHORT_MS, find_chunks_talk,
                                                    &find };
    return remote_vault_do(backend, &exchange, err);
}

static int
remote_find_chunks(void *backend, const struct chunk_id *ids, size_t n, struct chunk_place *places, struct error *err)
{
    return find_chunks(backend, (struct find_chunks){ .ids = ids, .n = n, .places = places }, err);
}

static int
remote_locate_chunks(void *backend, const struct chunk_id *ids, size_t n, struct chunk_place *places, struct error *err)
{
    return find_chunks(backend, (struct find_chunks){ .ids = ids, .n = n, .reading = true, .places = places }, err);
}

static int
remote_chunk_places(void *backend, const struct chunk_id *id, struct chunk_place places[VAULT_PLACES_MAX],
                    size_t *count, struct error *err)
{
    return find_chunks(backend, (struct find_chunks){ .ids = id, .n = 1, .places = places, .count = count }, err);
}

struct put_pack {
    const char *name;
    const uint8_t *data;
    size_t len;
};

static int
put_pack_talk(void *ctx, struct rpc_call *call, struct error *err)
{
    const struct put_pack *put = ctx;
    for (size_t at = 0; at == 0 || at < put->len;) {
        Longhaul__V1__PutPackRequest request = LONGHAUL__V1__PUT_PACK_REQUEST__INIT;
        if (at == 0) {
            request.pack = text_of(put->name);
            request.size = put->len;
        }
        request.block.data = (uint8_t *)(uintptr_t)(put->data + at);
        request.block.len = put->len - at < VAULT_WIRE_BLOCK ? put->len - at : VAULT_WIRE_BLOCK;
        if (rpc_call_send(call, &request.base, err) != 0)
            return -1;
        at += request.block.len;
        if (put->len == 0)
            break;
    }
    CLEANUP(arena_free_p) struct arena *arena = arena_new(4096);
    ProtobufCMessage *reply = NULL;
    if (rpc_call_close_send(call, err) != 0)
        return -1;
    return receive_one(call, &longhaul__v1__put_pack_reply__descriptor, arena, &reply, err);
}

static int
remote_put_pack(void *backend, const char *name, const uint8_t *data, size_t len, struct error *err)
{
    struct put_pack put = { .name = name, .data = data, .len = len };
    const struct remote_vault_exchange exchange = { "/longhaul.v1.Vault/PutPack", PACK_MS, put_pack_talk, &put };
    return remote_vault_do(backend, &exchange, err);
}

/* Where a reading stands, so that a repetition goes on behind the last byte that was handed out. */
struct get_ranges {
    const struct pack_range *ranges;
    size_t n;
    vault_block_fn *sink;
    void *ctx;
    size_t range;  /* being received */
    uint64_t done; /* bytes of it */
};

static int
get_ranges_send(const struct get_ranges *get, struct rpc_call *call, struct error *err)
{
    size_t count = get->n - get->range;
    CLEANUP(memory_free_p)
    Longhaul__V1__PackRange *list = memory_array(count, sizeof(*list), RANGES_MAX * sizeof(*list), err);
    CLEANUP(memory_free_p)
    Longhaul__V1__PackRange **pointers = memory_array(count, sizeof(*pointers), RANGES_MAX * sizeof(*pointers), err);
    if (list == NULL || pointers == NULL)
        return -1;
    for (size_t i = 0; i < count; i++) {
        const struct pack_range *range = &get->ranges[get->range + i];
        uint64_t skip = i == 0 ? get->done : 0;
        longhaul__v1__pack_range__init(&list[i]);
        list[i].pack = text_of(range->pack);
        list[i].offset = range->offset + skip;
        list[i].len = range->len - skip;
        pointers[i] = &list[i];
    }
    Longhaul__V1__GetRangesRequest request = LONGHAUL__V1__GET_RANGES_REQUEST__INIT;
    request.ranges = pointers;
    request.n_ranges = count;
    return send_only(call, &request.base, err);
}

/* first: the range that the request of this attempt began with. */
static int
get_ranges_take(struct get_ranges *get, size_t first, const Longhaul__V1__RangeBlock *block, struct error *err)
{
    size_t range = first + block->range;
    while (get->range < get->n && get->range < range && get->done == get->ranges[get->range].len) {
        get->range++;
        get->done = 0;
    }
    if (range != get->range || range >= get->n || block->block.len > get->ranges[range].len - get->done)
        return FAIL(err, ERROR_FORMAT, 0, "the host sends other bytes of pack ranges than were asked for");
    if (get->sink(get->ctx, range, block->block.data, block->block.len, err) != 0)
        return -1;
    get->done += block->block.len;
    return 0;
}

static int
get_ranges_talk(void *ctx, struct rpc_call *call, struct error *err)
{
    struct get_ranges *get = ctx;
    size_t first = get->range;
    if (get_ranges_send(get, call, err) != 0)
        return -1;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(2 * RPC_MESSAGE_LIMIT);
    for (;;) {
        arena_reset(arena);
        ProtobufCMessage *message = NULL;
        int n =
            rpc_call_receive(call, &longhaul__v1__range_block__descriptor, REMOTE_VAULT_STALL_MS, arena, &message, err);
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        if (get_ranges_take(get, first, (const Longhaul__V1__RangeBlock *)message, err) != 0)
            return -1;
    }
    while (get->range < get->n && get->done == get->ranges[get->range].len) {
        get->range++;
        get->done = 0;
    }
    return 0;
}

static int
remote_get_ranges(void *backend, const struct pack_range *ranges, size_t n, vault_block_fn *sink, void *ctx,
                  struct error *err)
{
    struct get_ranges get = { .ranges = ranges, .n = n, .sink = sink, .ctx = ctx };
    const struct remote_vault_exchange exchange = { "/longhaul.v1.Vault/GetRanges", RPC_NO_TIMEOUT, get_ranges_talk,
                                                    &get };
    if (n == 0)
        return 0;
    if (remote_vault_do(backend, &exchange, err) != 0)
        return -1;
    if (get.range != n)
        return FAIL(err, ERROR_FORMAT, 0, "the host sends fewer bytes of pack ranges than were asked for");
    return 0;
}

struct object {
    enum object_class class;
    const char *name;
    uint8_t *data; /* got; or to put, borrowed */
    size_t len;
};

static int
get_object_talk(void *ctx, struct rpc_call *call, struct error *err)
{
    struct object *object = ctx;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(REPLY_BUDGET);
    Longhaul__V1__ObjectName request = LONGHAUL__V1__OBJECT_NAME__INIT;
    request.class_ = vault_wire_class_out(object->class);
    request.name = text_of(object->name);
    ProtobufCMessage *message = NULL;
    if (send_only(call, &request.base, err) != 0 ||
        receive_one(call, &longhaul__v1__object_content__descriptor, arena, &message, err) != 0)
        return -1;
    const ProtobufCBinaryData *content = &((const Longhaul__V1__ObjectContent *)message)->content;
    free(object->data);
    object->data = memory_array(content->len, 1, OBJECT_MAX_BYTES, err);
    if (object->data == NULL)
        return -1;
    if (content->len > 0)
        memcpy(object->data, content->data, content->len);
    object->len = content->len;
    return 0;
}

static int
remote_get_object(void *backend, enum object_class class, const char *name, uint8_t **data, size_t *len,
                  struct error *err)
{
    struct object object = { .class = class, .name = name };
    const struct remote_vault_exchange exchange = { "/longhaul.v1.Vault/GetObject", SHORT_MS, get_object_talk,
                                                    &object };
    if (remote_vault_do(backend, &exchange, err) != 0) {
        free(object.data);
        return -1;
    }
    *data = object.data;
    *len = object.len;
    return 0;
}

static int
put_object_talk(void *ctx, struct rpc_call *call, struct error *err)
{
    const struct object *object = ctx;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(4096);
    Longhaul__V1__ObjectName name = LONGHAUL__V1__OBJECT_NAME__INIT;
    name.class_ = vault_wire_class_out(object->class);
    name.name = text_of(object->name);
    Longhaul__V1__PutObjectRequest request = LONGHAUL__V1__PUT_OBJECT_REQUEST__INIT;
    request.name = &name;
    request.content.data = object->data;
    request.content.len = object->len;
    ProtobufCMessage *reply = NULL;
    if (send_only(call, &request.base, err) != 0)
        return -1;
    return receive_one(call, &longhaul__v1__put_object_reply__descriptor, arena, &reply, err);
}

static int
remote_put_object(void *backend, enum object_class class, const char *name, const uint8_t *data, size_t len,
                  struct error *err)
{
    struct object object = { .class = class, .name = name, .data = (uint8_t *)(uintptr_t)data, .len = len };
    const struct remote_vault_exchange exchange = { "/longhaul.v1.Vault/PutObject", SHORT_MS, put_object_talk,
                                                    &object };
    return remote_vault_do(backend, &exchange, err);
}

/* Names are handed out when the list is whole: a repetition must not name one twice. */
struct list_objects {
    enum object_class class;
    struct buffer names; /* each with its NUL */
};

static int
list_objects_talk(void *ctx, struct rpc_call *call, struct error *err)
{
    struct list_objects *list = ctx;
    list->names.len = 0;
    Longhaul__V1__ListObjectsRequest request = LONGHAUL__V1__LIST_OBJECTS_REQUEST__INIT;
    request.class_ = vault_wire_class_out(list->class);
    if (send_only(call, &request.base, err) != 0)
        return -1;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(64 << 10);
    for (;;) {
        arena_reset(arena);
        ProtobufCMessage *message = NULL;
        int n =
            rpc_call_receive(call, &longhaul__v1__object_name__descriptor, REMOTE_VAULT_STALL_MS, arena, &message, err);
        if (n <= 0)
            return n;
        const char *name = ((const Longhaul__V1__ObjectName *)message)->name;
        if (vault_wire_check_name(name, err) != 0 || buffer_append(&list->names, name, strlen(name) + 1, err) != 0)
            return -1;
    }
}

static int
remote_list_objects(void *backend, enum object_class class, vault_name_fn *found, void *ctx, struct error *err)
{
    struct list_objects list = { .class = class, .names = BUFFER_INIT(NAMES_CEILING) };
    const struct remote_vault_exchange exchange = { "/longhaul.v1.Vault/ListObjects", RPC_NO_TIMEOUT, list_objects_talk,
                                                    &list };
    int result = remote_vault_do(backend, &exchange, err);
    for (size_t at = 0; result == 0 && at < list.names.len;) {
        const char *name = (const char *)list.names.data + at;
        at += strlen(name) + 1;
        result = found(ctx, name, err);
    }
    buffer_clear(&list.names);
    return result;
}

struct commit_point {
    const struct vault_commit *point;
    int64_t locked_until;
};

static int
commit_point_talk(void *ctx, struct rpc_call *call, struct error *err)
{
    struct commit_point *committing = ctx;
    const struct vault_commit *commit = committing->point;
    CLEANUP(memory_free_p)
    char **packs = memory_array(commit->pack_count, sizeof(*packs), PACKS_MAX * sizeof(*packs), err);
    if (packs == NULL)
        return -1;
    for (size_t i = 0; i < commit->pack_count; i++)
        packs[i] = text_of(commit->packs[i]);
    Longhaul__V1__CommitPointRequest request = LONGHAUL__V1__COMMIT_POINT_REQUEST__INIT;
    request.point = text_of(commit->name);
    request.content.data = (uint8_t *)(uintptr_t)commit->data;
    request.content.len = commit->len;
    request.packs = packs;
    request.n_packs = commit->pack_count;
    request.epoch = commit->epoch;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(4096);
    ProtobufCMessage *reply = NULL;
    if (send_only(call, &request.base, err) != 0 ||
        receive_one(call, &longhaul__v1__commit_point_reply__descriptor, arena, &reply, err) != 0)
        return -1;
    committing->locked_until = ((const Longhaul__V1__CommitPointReply *)reply)->locked_until_ms;
    return 0;
}

static int
remote_commit_point(void *backend, const struct vault_commit *commit, struct error *err)
{
    struct commit_point committing = { .point = commit };
    const struct remote_vault_exchange exchange = { "/longhaul.v1.Vault/CommitPoint", COMMIT_MS, commit_point_talk,
                                                    &committing };
    if (remote_vault_extend_locks(backend, err) != 0 || remote_vault_do(backend, &exchange, err) != 0)
        return -1;
    if (committing.locked_until == 0 && remote_vault_options_of(backend)->locks)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "the host has stored recovery point %s without the lock it is to have",
                    commit->name);
    remote_vault_note_locked(backend, committing.locked_until);
    return 0;
}

static int
begin_talk(void *ctx, struct rpc_call *call, struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(4096);
    const Longhaul__V1__BeginRequest request = LONGHAUL__V1__BEGIN_REQUEST__INIT;
    ProtobufCMessage *message = NULL;
    if (send_only(call, &request.base, err) != 0 ||
        receive_one(call, &longhaul__v1__begin_reply__descriptor, arena, &message, err) != 0)
        return -1;
    *(uint64_t *)ctx = ((const Longhaul__V1__BeginReply *)message)->epoch;
    return 0;
}

static int
remote_begin(void *backend, uint64_t *epoch, struct error *err)
{
    const struct remote_vault_exchange exchange = { "/longhaul.v1.Vault/Begin", SHORT_MS, begin_talk, epoch };
    return remote_vault_do(backend, &exchange, err);
}

const struct vault_backend_vtable remote_vault_vtable = {
    .begin = remote_begin,
    .sweep = &remote_vault_sweep_vtable,
    .find_chunks = remote_find_chunks,
    .locate_chunks = remote_locate_chunks,
    .put_pack = remote_put_pack,
    .get_ranges = remote_get_ranges,
    .get_object = remote_get_object,
    .put_object = remote_put_object,
    .list_objects = remote_list_objects,
    .commit_point = remote_commit_point,
    .chunk_places = remote_chunk_places,
    .quarantine = remote_vault_quarantine,
    .rebuild_index = remote_vault_rebuild_index,
};
