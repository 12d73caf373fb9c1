#include "transporter/host/vault_service_internal.h"

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/rpc/rpc_call.h"
#include "transporter/host/vault_host_sweep.h"
#include "transporter/host/vault_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Retention sweeps over RPC: every call needs a grant to retire. */

#define REQUEST_BUDGET (2 * RPC_MESSAGE_LIMIT)

typedef int answer_fn(struct vault_host *host, const ProtobufCMessage *request, struct rpc_call *call,
                      struct error *err);

/* One request under a grant to retire, then whatever the answer is. */
static int
serve(void *ctx, struct rpc_call *call, const ProtobufCMessageDescriptor *type, answer_fn *answer, struct error *err)
{
    struct vault_session session;
    ProtobufCMessage *request = NULL;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(REQUEST_BUDGET);
    int result = vault_service_begin(ctx, call, GRANT_READ | GRANT_RETIRE, &session, err);
    if (result == 0)
        result = vault_service_receive_one(call, type, arena, &request, err);
    if (result == 0)
        result = answer(vault_registry_host(session.lease), request, call, err);
    vault_service_end(&session);
    return result;
}

static const uint8_t *
sweep_id(const ProtobufCBinaryData *id, struct error *err)
{
    if (id->len == VAULT_SWEEP_ID_LEN)
        return id->data;
    FAIL(err, ERROR_FORMAT, 0, "a sweep's id has %zu bytes, not %d", id->len, VAULT_SWEEP_ID_LEN);
    return NULL;
}

static int
answer_begin(struct vault_host *host, const ProtobufCMessage *request, struct rpc_call *call, struct error *err)
{
    struct vault_sweep_session session;
    Longhaul__V1__SweepBeginReply reply = LONGHAUL__V1__SWEEP_BEGIN_REPLY__INIT;
    (void)request;
    if (vault_host_sweep_begin(host, &session, err) != 0)
        return -1;
    reply.sweep = (ProtobufCBinaryData){ sizeof(session.id), session.id };
    reply.epoch = session.epoch;
    reply.least_epoch = session.least_epoch;
    reply.may_close = session.may_close;
    reply.may_remove = session.may_remove;
    reply.settle_ms = session.settle_ms;
    reply.chunks = session.chunks;
    reply.packs = session.packs;
    return rpc_call_send(call, &reply.base, err);
}

static int
answer_journal(struct vault_host *host, const ProtobufCMessage *message, struct rpc_call *call, struct error *err)
{
    const Longhaul__V1__SweepJournalRequest *request = (const Longhaul__V1__SweepJournalRequest *)message;
    Longhaul__V1__SweepJournalReply reply = LONGHAUL__V1__SWEEP_JOURNAL_REPLY__INIT;
    const uint8_t *id = sweep_id(&request->sweep, err);
    if (id == NULL ||
        vault_host_sweep_journal(host, id, request->content.data, request->content.len, &reply.epoch, err) != 0)
        return -1;
    return rpc_call_send(call, &reply.base, err);
}

static int
role_of(Longhaul__V1__SweepRole from, enum vault_mark_role *to, struct error *err)
{
    switch (from) {
    case LONGHAUL__V1__SWEEP_ROLE__SWEEP_ROLE_DATA:
        *to = VAULT_MARK_DATA;
        return 0;
    case LONGHAUL__V1__SWEEP_ROLE__SWEEP_ROLE_STRUCTURE:
        *to = VAULT_MARK_STRUCTURE;
        return 0;
    case LONGHAUL__V1__SWEEP_ROLE__SWEEP_ROLE_RECIPE:
        *to = VAULT_MARK_RECIPE;
        return 0;
    case _LONGHAUL__V1__SWEEP_ROLE_IS_INT_SIZE:
        break;
    }
    return FAIL(err, ERROR_FORMAT, 0, "unknown role %d of a chunk", (int)from);
}

static int
answer_mark(struct vault_host *host, const ProtobufCMessage *message, struct rpc_call *call, struct error *err)
{
    const Longhaul__V1__SweepMarkRequest *request = (const Longhaul__V1__SweepMarkRequest *)message;
    Longhaul__V1__SweepMarkReply reply = LONGHAUL__V1__SWEEP_MARK_REPLY__INIT;
    const struct chunk_id *ids = NULL;
    struct vault_marks marks = { .sequence = request->sequence };
    const uint8_t *id = sweep_id(&request->sweep, err);
    if (id == NULL || role_of(request->role, &marks.role, err) != 0 ||
        vault_wire_ids(&request->ids, &ids, &marks.count, err) != 0)
        return -1;
    marks.ids = ids;
    CLEANUP(memory_free_p) uint8_t *states = memory_array(marks.count, 1, FIND_MAX_CHUNKS, err);
    if (states == NULL || vault_host_sweep_mark(host, id, &marks, states, err) != 0)
        return -1;
    reply.states = (ProtobufCBinaryData){ marks.count, states };
    return rpc_call_send(call, &reply.base, err);
}

static int
on_pack(void *ctx, const struct vault_pack_live *pack, struct error *err)
{
    Longhaul__V1__SweepPack reply = LONGHAUL__V1__SWEEP_PACK__INIT;
    reply.pack = (char *)(uintptr_t)pack->pack;
    reply.stored = pack->stored;
    reply.live = pack->live;
    reply.retired = pack->retired;
    reply.marked = pack->marked;
    reply.modified_ms = pack->modified_ms;
    reply.size = pack->size;
    return rpc_call_send(ctx, &reply.base, err);
}

static int
answer_packs(struct vault_host *host, const ProtobufCMessage *message, struct rpc_call *call, struct error *err)
{
    const Longhaul__V1__SweepPacksRequest *request = (const Longhaul__V1__SweepPacksRequest *)message;
    const uint8_t *id = sweep_id(&request->sweep, err);
    return id == NULL ? -1 : vault_host_sweep_packs(host, id, request->most_live, on_pack, call, err);
}

static int
answer_pack_live(struct vault_host *host, const ProtobufCMessage *message, struct rpc_call *call, struct error *err)
{
    const Longhaul__V1__SweepPackLiveRequest *request = (const Longhaul__V1__SweepPackLiveRequest *)message;
    Longhaul__V1__SweepPackLiveReply reply = LONGHAUL__V1__SWEEP_PACK_LIVE_REPLY__INIT;
    CLEANUP(memory_free_p) uint8_t *live = NULL;
    const uint8_t *id = sweep_id(&request->sweep, err);
    if (id == NULL || vault_wire_check_pack(request->pack, err) != 0 ||
        vault_host_sweep_pack_live(host, id, request->pack, &live, &reply.live.len, err) != 0)
        return -1;
    reply.live.data = live;
    return rpc_call_send(call, &reply.base, err);
}

static int
send_removal(struct rpc_call *call, const struct vault_removal *removal, struct error *err)
{
    Longhaul__V1__SweepRemoveReply reply = LONGHAUL__V1__SWEEP_REMOVE_REPLY__INIT;
    reply.removed = removal->removed;
    reply.bytes = removal->bytes;
    reply.held = removal->held;
    reply.held_until_ms = removal->held_until_ms;
    return rpc_call_send(call, &reply.base, err);
}

static int
answer_remove(struct vault_host *host, const ProtobufCMessage *message, struct rpc_call *call, struct error *err)
{
    const Longhaul__V1__SweepRemoveRequest *request = (const Longhaul__V1__SweepRemoveRequest *)message;
    struct vault_removal removal;
    const uint8_t *id = sweep_id(&request->sweep, err);
    if (id == NULL)
        return -1;
    if (request->n_points > VAULT_SWEEP_POINTS_MAX || request->n_packs > VAULT_SWEEP_PACKS_MAX ||
        (request->n_points > 0) == (request->n_packs > 0))
        return FAIL(err, ERROR_USAGE, 0, "either points or packs are removed, not too many at a time");
    for (size_t i = 0; i < request->n_points; i++)
        if (vault_wire_check_name(request->points[i], err) != 0)
            return -1;
    if (request->n_points > 0)
        return vault_host_sweep_remove_points(host, id, request->epoch, (const char *const *)request->points,
                                              request->n_points, &removal, err) != 0
                   ? -1
                   : send_removal(call, &removal, err);
    CLEANUP(memory_free_p) char(*packs)[PACK_NAME_LEN] = memory_new(VAULT_SWEEP_PACKS_MAX * sizeof(*packs));
    for (size_t i = 0; i < request->n_packs; i++) {
        if (vault_wire_check_pack(request->packs[i], err) != 0)
            return -1;
        snprintf(packs[i], sizeof(packs[i]), "%s", request->packs[i]);
    }
    if (vault_host_sweep_remove_packs(host, id, request->epoch, (const char(*)[PACK_NAME_LEN])packs, request->n_packs,
                                      &removal, err) != 0)
        return -1;
    return send_removal(call, &removal, err);
}

int
vault_service_sweep_begin(void *ctx, struct rpc_call *call, struct error *err)
{
    return serve(ctx, call, &longhaul__v1__sweep_begin_request__descriptor, answer_begin, err);
}

static int
answer_end(struct vault_host *host, const ProtobufCMessage *message, struct rpc_call *call, struct error *err)
{
    const Longhaul__V1__SweepEndReply reply = LONGHAUL__V1__SWEEP_END_REPLY__INIT;
    const uint8_t *id = sweep_id(&((const Longhaul__V1__SweepEndRequest *)message)->sweep, err);
    return id == NULL || vault_host_sweep_end(host, id, err) != 0 ? -1 : rpc_call_send(call, &reply.base, err);
}

int
vault_service_sweep_end(void *ctx, struct rpc_call *call, struct error *err)
{
    return serve(ctx, call, &longhaul__v1__sweep_end_request__descriptor, answer_end, err);
}

int
vault_service_sweep_journal(void *ctx, struct rpc_call *call, struct error *err)
{
    return serve(ctx, call, &longhaul__v1__sweep_journal_request__descriptor, answer_journal, err);
}

int
vault_service_sweep_mark(void *ctx, struct rpc_call *call, struct error *err)
{
    return serve(ctx, call, &longhaul__v1__sweep_mark_request__descriptor, answer_mark, err);
}

int
vault_service_sweep_packs(void *ctx, struct rpc_call *call, struct error *err)
{
    return serve(ctx, call, &longhaul__v1__sweep_packs_request__descriptor, answer_packs, err);
}

int
vault_service_sweep_pack_live(void *ctx, struct rpc_call *call, struct error *err)
{
    return serve(ctx, call, &longhaul__v1__sweep_pack_live_request__descriptor, answer_pack_live, err);
}

int
vault_service_sweep_remove(void *ctx, struct rpc_call *call, struct error *err)
{
    return serve(ctx, call, &longhaul__v1__sweep_remove_request__descriptor, answer_remove, err);
}
