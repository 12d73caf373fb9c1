#include "transporter/host/vault_host_lock.h"

#include "common/base/arena.h"
#include "common/base/memory.h"
#include "common/rpc/rpc_call.h"
#include "proto/vault.pb-c.h"
#include "transporter/host/vault_service_internal.h"

#define REQUEST_BUDGET 4096

static int
send_progress(void *ctx, uint64_t done, uint64_t total, struct error *err)
{
    Longhaul__V1__ExtendLocksProgress progress = LONGHAUL__V1__EXTEND_LOCKS_PROGRESS__INIT;
    progress.done = done;
    progress.total = total;
    return rpc_call_send(ctx, &progress.base, err);
}

static int
extend_locks(const struct vault_session *session, struct rpc_call *call, struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(REQUEST_BUDGET);
    ProtobufCMessage *message = NULL;
    int64_t until = 0;
    if (vault_service_receive_one(call, &longhaul__v1__extend_locks_request__descriptor, arena, &message, err) != 0)
        return -1;
    return vault_host_hold(vault_registry_host(session->lease), &session->owner, send_progress, call, &until, err);
}

int
vault_service_extend_locks(void *ctx, struct rpc_call *call, struct error *err)
{
    struct vault_session session;
    int result = vault_service_begin(ctx, call, GRANT_APPEND, &session, err);
    if (result == 0)
        result = extend_locks(&session, call, err);
    vault_service_end(&session);
    return result;
}

static int
get_locks(const struct vault_session *session, struct rpc_call *call, struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(REQUEST_BUDGET);
    ProtobufCMessage *message = NULL;
    struct vault_host_locks locks;
    if (vault_service_receive_one(call, &longhaul__v1__get_locks_request__descriptor, arena, &message, err) != 0)
        return -1;
    const Longhaul__V1__GetLocksRequest *request = (const Longhaul__V1__GetLocksRequest *)message;
    if (vault_host_locks(vault_registry_host(session->lease), request->check, &locks, err) != 0)
        return -1;
    Longhaul__V1__GetLocksReply reply = LONGHAUL__V1__GET_LOCKS_REPLY__INIT;
    reply.supported = locks.supported;
    reply.now_ms = locks.now;
    reply.promise_ms = locks.promise;
    reply.objects = locks.objects;
    reply.locked = locks.locked;
    reply.without = locks.without;
    reply.short_of_promise = locks.short_of_promise;
    reply.dead = locks.dead;
    reply.earliest_ms = locks.earliest;
    reply.latest_ms = locks.latest;
    reply.checked = locks.checked;
    reply.missing = locks.missing;
    reply.extended = locks.extended;
    return rpc_call_send(call, &reply.base, err);
}

int
vault_service_get_locks(void *ctx, struct rpc_call *call, struct error *err)
{
    struct vault_session session;
    int result = vault_service_begin(ctx, call, GRANT_READ, &session, err);
    if (result == 0)
        result = get_locks(&session, call, err);
    vault_service_end(&session);
    return result;
}
