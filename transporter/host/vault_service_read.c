#include "transporter/host/vault_service_internal.h"

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/rpc/rpc_call.h"
#include "transporter/host/vault_host.h"
#include "transporter/host/vault_wire.h"

#include <stdlib.h>

#define REQUEST_BUDGET (2 * RPC_MESSAGE_LIMIT)

/* The reply's wire structs, one a place. */
struct found {
    struct chunk_place *places;
    Longhaul__V1__ChunkPlace *wire;
    Longhaul__V1__ChunkPlace **pointers;
};

static void
found_clear(struct found *found)
{
    free(found->places);
    free(found->wire);
    free(found->pointers);
}

static int
found_init(struct found *found, size_t count, struct error *err)
{
    found->places = memory_array(count, sizeof(*found->places), FIND_MAX_CHUNKS * sizeof(*found->places), err);
    found->wire = memory_array(count, sizeof(*found->wire), FIND_MAX_CHUNKS * sizeof(*found->wire), err);
    found->pointers = memory_array(count, sizeof(*found->pointers), FIND_MAX_CHUNKS * sizeof(*found->pointers), err);
    return found->places != NULL && found->wire != NULL && found->pointers != NULL ? 0 : -1;
}

static int
answer(struct vault_host *host, const Longhaul__V1__FindChunksRequest *request, struct found *found, size_t *count,
       struct error *err)
{
    const struct chunk_id *ids = NULL;
    if (vault_wire_ids(&request->ids, &ids, count, err) != 0)
        return -1;
    if (request->all && *count != 1)
        return FAIL(err, ERROR_FORMAT, 0, "all places are told of one chunk at a time");
    if (found_init(found, request->all ? VAULT_PLACES_MAX : *count, err) != 0)
        return -1;
    if (request->all)
        return vault_host_chunk_places(host, ids, found->places, count, err);
    return request->reading ? vault_host_locate_chunks(host, ids, *count, found->places, err)
                            : vault_host_find_chunks(host, ids, *count, found->places, err);
}

static int
find_chunks(const struct vault_session *session, struct rpc_call *call, struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(REQUEST_BUDGET);
    ProtobufCMessage *message = NULL;
    if (vault_service_receive_one(call, &longhaul__v1__find_chunks_request__descriptor, arena, &message, err) != 0)
        return -1;
    size_t count = 0;
    CLEANUP(found_clear) struct found found = { .places = NULL };
    if (answer(vault_registry_host(session->lease), (const Longhaul__V1__FindChunksRequest *)message, &found, &count,
               err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        vault_wire_place_out(&found.places[i], &found.wire[i]);
        found.pointers[i] = &found.wire[i];
    }
    Longhaul__V1__FindChunksReply reply = LONGHAUL__V1__FIND_CHUNKS_REPLY__INIT;
    reply.places = found.pointers;
    reply.n_places = count;
    return rpc_call_send(call, &reply.base, err);
}

int
vault_service_find_chunks(void *ctx, struct rpc_call *call, struct error *err)
{
    struct vault_session session;
    int result = vault_service_begin(ctx, call, GRANT_READ, &session, err);
    if (result == 0)
        result = find_chunks(&session, call, err);
    vault_service_end(&session);
    return result;
}

static int
on_host_block(void *ctx, size_t range, const uint8_t *data, size_t len, struct error *err)
{
    struct rpc_call *call = ctx;
    Longhaul__V1__RangeBlock block = LONGHAUL__V1__RANGE_BLOCK__INIT;
    block.range = (uint32_t)range;
    for (size_t at = 0; at < len; at += block.block.len) {
        block.block.data = (uint8_t *)(uintptr_t)(data + at);
        block.block.len = len - at < VAULT_WIRE_BLOCK_MAX ? len - at : VAULT_WIRE_BLOCK_MAX;
        if (rpc_call_send(call, &block.base, err) != 0)
            return -1;
    }
    return 0;
}

static int
get_ranges(const struct vault_session *session, struct rpc_call *call, struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(REQUEST_BUDGET);
    ProtobufCMessage *message = NULL;
    if (vault_service_receive_one(call, &longhaul__v1__get_ranges_request__descriptor, arena, &message, err) != 0)
        return -1;
    const Longhaul__V1__GetRangesRequest *request = (const Longhaul__V1__GetRangesRequest *)message;
    CLEANUP(memory_free_p)
    struct pack_range *ranges = memory_array(request->n_ranges, sizeof(*ranges), RANGES_MAX * sizeof(*ranges), err);
    if (ranges == NULL)
        return -1;
    for (size_t i = 0; i < request->n_ranges; i++)
        if (vault_wire_range(request->ranges[i], &ranges[i], err) != 0)
            return -1;
    return vault_host_get_ranges(vault_registry_host(session->lease), ranges, request->n_ranges, on_host_block, call,
                                 err);
}

int
vault_service_get_ranges(void *ctx, struct rpc_call *call, struct error *err)
{
    struct vault_session session;
    int result = vault_service_begin(ctx, call, GRANT_READ, &session, err);
    if (result == 0)
        result = get_ranges(&session, call, err);
    vault_service_end(&session);
    return result;
}
