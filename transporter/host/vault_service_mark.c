#include "transporter/host/vault_service_internal.h"

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/rpc/rpc_call.h"
#include "common/vault/pack_marks.h"
#include "transporter/host/vault_host.h"
#include "transporter/host/vault_wire.h"

#include <stdio.h>
#include <stdlib.h>

#define REQUEST_BUDGET ((size_t)2 << 20)

static int
quarantine(const struct vault_session *session, struct rpc_call *call, struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(REQUEST_BUDGET);
    ProtobufCMessage *message = NULL;
    Longhaul__V1__QuarantineReply reply = LONGHAUL__V1__QUARANTINE_REPLY__INIT;
    if (vault_service_receive_one(call, &longhaul__v1__quarantine_request__descriptor, arena, &message, err) != 0)
        return -1;
    const Longhaul__V1__QuarantineRequest *request = (const Longhaul__V1__QuarantineRequest *)message;
    CLEANUP(memory_free_p)
    struct vault_mark *marks = memory_array(request->n_marks, sizeof(*marks), VAULT_MARKS_MAX * sizeof(*marks), err);
    if (marks == NULL)
        return -1;
    for (size_t i = 0; i < request->n_marks; i++) {
        const Longhaul__V1__QuarantineMark *from = request->marks[i];
        if (vault_wire_check_pack(from->pack, err) != 0)
            return -1;
        if (from->group >= PACK_MAX_GROUPS && from->group != PACK_MARK_WHOLE)
            return FAIL(err, ERROR_FORMAT, 0, "no pack has so many groups");
        snprintf(marks[i].pack, sizeof(marks[i].pack), "%s", from->pack);
        marks[i].group = from->group;
        marks[i].good = from->good;
    }
    if (vault_host_quarantine(vault_registry_host(session->lease), marks, request->n_marks, &reply.ordinal, err) != 0)
        return -1;
    return rpc_call_send(call, &reply.base, err);
}

int
vault_service_quarantine(void *ctx, struct rpc_call *call, struct error *err)
{
    struct vault_session session;
    int result = vault_service_begin(ctx, call, GRANT_APPEND, &session, err);
    if (result == 0)
        result = quarantine(&session, call, err);
    vault_service_end(&session);
    return result;
}

int
vault_service_rebuild_index(void *ctx, struct rpc_call *call, struct error *err)
{
    struct vault_session session;
    ProtobufCMessage *message = NULL;
    const Longhaul__V1__RebuildIndexReply reply = LONGHAUL__V1__REBUILD_INDEX_REPLY__INIT;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(4096);
    int result = vault_service_begin(ctx, call, GRANT_APPEND, &session, err);
    if (result == 0)
        result =
            vault_service_receive_one(call, &longhaul__v1__rebuild_index_request__descriptor, arena, &message, err);
    if (result == 0)
        result = vault_host_rebuild_index(vault_registry_host(session.lease), err);
    if (result == 0)
        result = rpc_call_send(call, &reply.base, err);
    vault_service_end(&session);
    return result;
}
