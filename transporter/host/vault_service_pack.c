#include "transporter/host/vault_service_internal.h"

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/rpc/rpc_call.h"
#include "transporter/host/vault_host.h"
#include "transporter/host/vault_host_sweep.h"
#include "transporter/host/vault_wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BUDGET (2 * RPC_MESSAGE_LIMIT)

/* A pack as it comes in. */
struct incoming {
    char name[PACK_NAME_LEN];
    uint8_t *data;
    size_t size, len;
    uint64_t reserved;
};

static int
incoming_begin(struct vault_service *service, struct incoming *in, const Longhaul__V1__PutPackRequest *first,
               struct error *err)
{
    if (vault_wire_check_pack(first->pack, err) != 0)
        return -1;
    if (first->size == 0 || first->size > PACK_MAX_BYTES)
        return FAIL(err, ERROR_LIMIT, 0, "pack %s of %" PRIu64 " bytes is refused: 1 to %zu are allowed", first->pack,
                    first->size, PACK_MAX_BYTES);
    snprintf(in->name, sizeof(in->name), "%s", first->pack);
    vault_service_reserve(service, first->size);
    in->reserved = first->size;
    in->size = (size_t)first->size;
    in->data = memory_pages(in->size, PACK_MAX_BYTES, err);
    return in->data != NULL ? 0 : -1;
}

static int
incoming_add(struct incoming *in, const ProtobufCBinaryData *block, struct error *err)
{
    if (block->len > in->size - in->len)
        return FAIL(err, ERROR_FORMAT, 0, "pack %s is longer than announced", in->name);
    if (block->len > 0)
        memcpy(in->data + in->len, block->data, block->len);
    in->len += block->len;
    return 0;
}

static int
incoming_receive(struct vault_service *service, struct rpc_call *call, struct incoming *in, struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(BLOCK_BUDGET);
    for (;;) {
        arena_reset(arena);
        ProtobufCMessage *message = NULL;
        int n = rpc_call_receive(call, &longhaul__v1__put_pack_request__descriptor, VAULT_SERVICE_STALL_MS, arena,
                                 &message, err);
        if (n <= 0)
            return n;
        const Longhaul__V1__PutPackRequest *request = (const Longhaul__V1__PutPackRequest *)message;
        if (in->data == NULL && incoming_begin(service, in, request, err) != 0)
            return -1;
        if (incoming_add(in, &request->block, err) != 0)
            return -1;
    }
}

static int
send_reply(struct rpc_call *call, struct error *err)
{
    const Longhaul__V1__PutPackReply reply = LONGHAUL__V1__PUT_PACK_REPLY__INIT;
    return rpc_call_send(call, &reply.base, err);
}

static int
store(struct rpc_call *call, const struct vault_session *session, const struct incoming *in, struct error *err)
{
    if (in->data == NULL || in->len != in->size)
        return FAIL(err, ERROR_FORMAT, 0, "pack %s has %zu of %zu bytes", in->name, in->len, in->size);
    if (vault_host_put_pack(vault_registry_host(session->lease), &session->owner, in->name, in->data, in->len, err) !=
        0)
        return -1;
    return send_reply(call, err);
}

int
vault_service_put_pack(void *ctx, struct rpc_call *call, struct error *err)
{
    struct vault_service *service = ctx;
    struct vault_session session;
    struct incoming in = { .len = 0 };
    int result = vault_service_begin(service, call, GRANT_APPEND, &session, err);
    if (result == 0)
        result = incoming_receive(service, call, &in, err);
    if (result == 0)
        result = store(call, &session, &in, err);
    free(in.data);
    if (in.reserved > 0)
        vault_service_unreserve(service, in.reserved);
    vault_service_end(&session);
    return result;
}

/* A sweep's pack: the first message also names the session. */
static int
receive_for_sweep(struct vault_service *service, struct rpc_call *call, struct incoming *in,
                  uint8_t sweep[VAULT_SWEEP_ID_LEN], struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(BLOCK_BUDGET);
    for (;;) {
        arena_reset(arena);
        ProtobufCMessage *message = NULL;
        int n = rpc_call_receive(call, &longhaul__v1__sweep_put_pack_request__descriptor, VAULT_SERVICE_STALL_MS, arena,
                                 &message, err);
        if (n <= 0)
            return n;
        const Longhaul__V1__SweepPutPackRequest *request = (const Longhaul__V1__SweepPutPackRequest *)message;
        if (request->pack == NULL || (in->data == NULL && request->sweep.len != VAULT_SWEEP_ID_LEN))
            return FAIL(err, ERROR_FORMAT, 0, "a sweep's pack comes without a block, or without the sweep's id");
        if (in->data == NULL) {
            memcpy(sweep, request->sweep.data, VAULT_SWEEP_ID_LEN);
            if (incoming_begin(service, in, request->pack, err) != 0)
                return -1;
        }
        if (incoming_add(in, &request->pack->block, err) != 0)
            return -1;
    }
}

int
vault_service_sweep_put_pack(void *ctx, struct rpc_call *call, struct error *err)
{
    struct vault_service *service = ctx;
    struct vault_session session;
    struct incoming in = { .len = 0 };
    uint8_t sweep[VAULT_SWEEP_ID_LEN] = { 0 };
    int result = vault_service_begin(service, call, GRANT_READ | GRANT_RETIRE, &session, err);
    if (result == 0)
        result = receive_for_sweep(service, call, &in, sweep, err);
    if (result == 0 && (in.data == NULL || in.len != in.size))
        result = FAIL(err, ERROR_FORMAT, 0, "pack %s has %zu of %zu bytes", in.name, in.len, in.size);
    if (result == 0)
        result = vault_host_sweep_put_pack(vault_registry_host(session.lease), sweep, in.name, in.data, in.len, err);
    if (result == 0)
        result = send_reply(call, err);
    free(in.data);
    if (in.reserved > 0)
        vault_service_unreserve(service, in.reserved);
    vault_service_end(&session);
    return result;
}
