#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/rpc/rpc_call.h"
#include "proto/vault.pb-c.h"
#include "transporter/pipeline/remote_vault_internal.h"

#include <string.h>

#define REPLY_BUDGET 4096
/* One batch of slow storage, with its tries. */
#define BATCH_STALL_MS (5 * 60 * 1000)
#define CHECK_MS       (6 * 3600 * 1000)

static int
extend_talk(void *ctx, struct rpc_call *call, struct error *err)
{
    const struct remote_vault_options *options = ctx;
    const Longhaul__V1__ExtendLocksRequest request = LONGHAUL__V1__EXTEND_LOCKS_REQUEST__INIT;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(REPLY_BUDGET);
    if (rpc_call_send(call, &request.base, err) != 0 || rpc_call_close_send(call, err) != 0)
        return -1;
    for (;;) {
        ProtobufCMessage *message = NULL;
        arena_reset(arena);
        int n = rpc_call_receive(call, &longhaul__v1__extend_locks_progress__descriptor, BATCH_STALL_MS, arena,
                                 &message, err);
        if (n <= 0)
            return n;
        const Longhaul__V1__ExtendLocksProgress *progress = (const Longhaul__V1__ExtendLocksProgress *)message;
        if (options->locking != NULL)
            options->locking(options->locking_ctx, progress->done, progress->total);
    }
}

int
remote_vault_extend_locks(struct remote_vault *remote, struct error *err)
{
    const struct remote_vault_options *options = remote_vault_options_of(remote);
    const struct remote_vault_exchange exchange = { "/longhaul.v1.Vault/ExtendLocks", RPC_NO_TIMEOUT, extend_talk,
                                                    (void *)(uintptr_t)options };
    return options->locks ? remote_vault_do(remote, &exchange, err) : 0;
}

struct get_locks {
    bool check;
    struct remote_vault_locks *locks;
};

static int
get_locks_talk(void *ctx, struct rpc_call *call, struct error *err)
{
    const struct get_locks *get = ctx;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(REPLY_BUDGET);
    Longhaul__V1__GetLocksRequest request = LONGHAUL__V1__GET_LOCKS_REQUEST__INIT;
    ProtobufCMessage *message = NULL;
    request.check = get->check;
    if (rpc_call_send(call, &request.base, err) != 0 || rpc_call_close_send(call, err) != 0)
        return -1;
    int n = rpc_call_receive(call, &longhaul__v1__get_locks_reply__descriptor, RPC_NO_TIMEOUT, arena, &message, err);
    if (n <= 0)
        return n < 0 ? -1 : FAIL(err, ERROR_NETWORK, 0, "the host ended the call without an answer");
    const Longhaul__V1__GetLocksReply *reply = (const Longhaul__V1__GetLocksReply *)message;
    *get->locks = (struct remote_vault_locks){
        .supported = reply->supported,
        .now_ms = reply->now_ms,
        .promise_ms = reply->promise_ms,
        .earliest_ms = reply->earliest_ms,
        .latest_ms = reply->latest_ms,
        .objects = reply->objects,
        .locked = reply->locked,
        .without = reply->without,
        .short_of_promise = reply->short_of_promise,
        .dead = reply->dead,
        .checked = reply->checked,
        .missing = reply->missing,
        .extended = reply->extended,
    };
    return 0;
}

int
remote_vault_get_locks(struct remote_vault *remote, bool check, struct remote_vault_locks *locks, struct error *err)
{
    struct get_locks get = { check, locks };
    const struct remote_vault_exchange exchange = { "/longhaul.v1.Vault/GetLocks", CHECK_MS, get_locks_talk, &get };
    return remote_vault_do(remote, &exchange, err);
}
