#include "transporter/pipeline/remote_vault_internal.h"

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/rpc/rpc_call.h"
#include "proto/vault.pb-c.h"

#include <stdlib.h>

#define MARK_MS (5 * 60 * 1000)

struct quarantine {
    const struct vault_mark *marks;
    size_t n;
    uint64_t *ordinal;
};

static int
quarantine_talk(void *ctx, struct rpc_call *call, struct error *err)
{
    const struct quarantine *quarantine = ctx;
    Longhaul__V1__QuarantineRequest request = LONGHAUL__V1__QUARANTINE_REQUEST__INIT;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(4096);
    CLEANUP(memory_free_p) Longhaul__V1__QuarantineMark *marks = memory_new((quarantine->n + 1) * sizeof(*marks));
    CLEANUP(memory_free_p)
    Longhaul__V1__QuarantineMark **pointers = memory_new((quarantine->n + 1) * sizeof(*pointers));
    ProtobufCMessage *reply = NULL;
    for (size_t i = 0; i < quarantine->n; i++) {
        longhaul__v1__quarantine_mark__init(&marks[i]);
        marks[i].pack = (char *)(uintptr_t)quarantine->marks[i].pack;
        marks[i].group = quarantine->marks[i].group;
        marks[i].good = quarantine->marks[i].good;
        pointers[i] = &marks[i];
    }
    request.marks = pointers;
    request.n_marks = quarantine->n;
    if (rpc_call_send(call, &request.base, err) != 0 || rpc_call_close_send(call, err) != 0)
        return -1;
    int n = rpc_call_receive(call, &longhaul__v1__quarantine_reply__descriptor, RPC_NO_TIMEOUT, arena, &reply, err);
    if (n <= 0)
        return n < 0 ? -1 : FAIL(err, ERROR_NETWORK, 0, "the host ended the call without an answer");
    *quarantine->ordinal = ((const Longhaul__V1__QuarantineReply *)reply)->ordinal;
    return 0;
}

int
remote_vault_quarantine(void *backend, const struct vault_mark *marks, size_t n, uint64_t *ordinal, struct error *err)
{
    struct quarantine quarantine = { marks, n, ordinal };
    const struct remote_vault_exchange exchange = { "/longhaul.v1.Vault/Quarantine", MARK_MS, quarantine_talk,
                                                    &quarantine };
    if (n > VAULT_MARKS_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "%zu damaged groups to note at once; %d are possible", n, VAULT_MARKS_MAX);
    return remote_vault_do(backend, &exchange, err);
}

static int
rebuild_talk(void *ctx, struct rpc_call *call, struct error *err)
{
    const Longhaul__V1__RebuildIndexRequest request = LONGHAUL__V1__REBUILD_INDEX_REQUEST__INIT;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(4096);
    ProtobufCMessage *reply = NULL;
    (void)ctx;
    if (rpc_call_send(call, &request.base, err) != 0 || rpc_call_close_send(call, err) != 0)
        return -1;
    int n = rpc_call_receive(call, &longhaul__v1__rebuild_index_reply__descriptor, RPC_NO_TIMEOUT, arena, &reply, err);
    if (n <= 0)
        return n < 0 ? -1 : FAIL(err, ERROR_NETWORK, 0, "the host ended the call without an answer");
    return 0;
}

int
remote_vault_rebuild_index(void *backend, struct error *err)
{
    const struct remote_vault_exchange exchange = { "/longhaul.v1.Vault/RebuildIndex", RPC_NO_TIMEOUT, rebuild_talk,
                                                    NULL };
    return remote_vault_do(backend, &exchange, err);
}
