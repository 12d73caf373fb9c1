#include "transporter/host/vault_service_internal.h"

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/rpc/rpc_call.h"
#include "transporter/host/vault_host.h"
#include "transporter/host/vault_wire.h"

#include <stdio.h>
#include <stdlib.h>

#define REQUEST_BUDGET (2 * RPC_MESSAGE_LIMIT)
#define COMMIT_PACKS   4096

static int
get_object(const struct vault_session *session, struct rpc_call *call, struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(REQUEST_BUDGET);
    ProtobufCMessage *message = NULL;
    if (vault_service_receive_one(call, &longhaul__v1__object_name__descriptor, arena, &message, err) != 0)
        return -1;
    const Longhaul__V1__ObjectName *request = (const Longhaul__V1__ObjectName *)message;
    enum object_class class;
    if (vault_wire_class(request->class_, &class, err) != 0 || vault_wire_check_name(request->name, err) != 0)
        return -1;
    if (class == OBJECT_PACK)
        return FAIL(err, ERROR_USAGE, 0, "packs are read by GetRanges");
    CLEANUP(memory_free_p) uint8_t *data = NULL;
    size_t len = 0;
    if (vault_host_get_object(vault_registry_host(session->lease), class, request->name, &data, &len, err) != 0)
        return -1;
    Longhaul__V1__ObjectContent reply = LONGHAUL__V1__OBJECT_CONTENT__INIT;
    reply.content.data = data;
    reply.content.len = len;
    return rpc_call_send(call, &reply.base, err);
}

int
vault_service_get_object(void *ctx, struct rpc_call *call, struct error *err)
{
    struct vault_session session;
    int result = vault_service_begin(ctx, call, GRANT_READ, &session, err);
    if (result == 0)
        result = get_object(&session, call, err);
    vault_service_end(&session);
    return result;
}

static int
put_object(const struct vault_session *session, struct rpc_call *call, struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(REQUEST_BUDGET);
    ProtobufCMessage *message = NULL;
    if (vault_service_receive_one(call, &longhaul__v1__put_object_request__descriptor, arena, &message, err) != 0)
        return -1;
    const Longhaul__V1__PutObjectRequest *request = (const Longhaul__V1__PutObjectRequest *)message;
    enum object_class class;
    if (request->name == NULL)
        return FAIL(err, ERROR_FORMAT, 0, "the object to store has no name");
    if (vault_wire_class(request->name->class_, &class, err) != 0 ||
        vault_wire_check_name(request->name->name, err) != 0)
        return -1;
    if (class != OBJECT_FORMAT && class != OBJECT_KEY_SLOT)
        return FAIL(err, ERROR_USAGE, 0, "packs, points and index segments have calls of their own");
    if (vault_host_put_object(vault_registry_host(session->lease), &session->owner, class, request->name->name,
                              request->content.data, request->content.len, err) != 0)
        return -1;
    const Longhaul__V1__PutObjectReply reply = LONGHAUL__V1__PUT_OBJECT_REPLY__INIT;
    return rpc_call_send(call, &reply.base, err);
}

int
vault_service_put_object(void *ctx, struct rpc_call *call, struct error *err)
{
    struct vault_session session;
    int result = vault_service_begin(ctx, call, GRANT_CREATE, &session, err);
    if (result == 0)
        result = put_object(&session, call, err);
    vault_service_end(&session);
    return result;
}

struct listing {
    struct rpc_call *call;
    enum object_class class;
};

static int
on_host_name(void *ctx, const char *name, struct error *err)
{
    const struct listing *listing = ctx;
    Longhaul__V1__ObjectName m = LONGHAUL__V1__OBJECT_NAME__INIT;
    m.class_ = vault_wire_class_out(listing->class);
    m.name = (char *)(uintptr_t)name;
    return rpc_call_send(listing->call, &m.base, err);
}

static int
list_objects(const struct vault_session *session, struct rpc_call *call, struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(REQUEST_BUDGET);
    ProtobufCMessage *message = NULL;
    if (vault_service_receive_one(call, &longhaul__v1__list_objects_request__descriptor, arena, &message, err) != 0)
        return -1;
    struct listing listing = { .call = call };
    if (vault_wire_class(((const Longhaul__V1__ListObjectsRequest *)message)->class_, &listing.class, err) != 0)
        return -1;
    return vault_host_list_objects(vault_registry_host(session->lease), listing.class, on_host_name, &listing, err);
}

int
vault_service_list_objects(void *ctx, struct rpc_call *call, struct error *err)
{
    struct vault_session session;
    int result = vault_service_begin(ctx, call, GRANT_READ, &session, err);
    if (result == 0)
        result = list_objects(&session, call, err);
    vault_service_end(&session);
    return result;
}

static int
commit_point(const struct vault_session *session, struct rpc_call *call, struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(REQUEST_BUDGET);
    ProtobufCMessage *message = NULL;
    if (vault_service_receive_one(call, &longhaul__v1__commit_point_request__descriptor, arena, &message, err) != 0)
        return -1;
    const Longhaul__V1__CommitPointRequest *request = (const Longhaul__V1__CommitPointRequest *)message;
    if (vault_wire_check_name(request->point, err) != 0)
        return -1;
    CLEANUP(memory_free_p)
    char(*packs)[PACK_NAME_LEN] = memory_array(request->n_packs, sizeof(*packs), COMMIT_PACKS * sizeof(*packs), err);
    if (packs == NULL)
        return -1;
    for (size_t i = 0; i < request->n_packs; i++) {
        if (vault_wire_check_pack(request->packs[i], err) != 0)
            return -1;
        snprintf(packs[i], sizeof(packs[i]), "%s", request->packs[i]);
    }
    const struct vault_commit point = { .name = request->point,
                                        .data = request->content.data,
                                        .len = request->content.len,
                                        .packs = (const char(*)[PACK_NAME_LEN])packs,
                                        .pack_count = request->n_packs,
                                        .epoch = request->epoch };
    Longhaul__V1__CommitPointReply reply = LONGHAUL__V1__COMMIT_POINT_REPLY__INIT;
    if (vault_host_commit_point(vault_registry_host(session->lease), &session->owner, &point, &reply.locked_until_ms,
                                err) != 0)
        return -1;
    return rpc_call_send(call, &reply.base, err);
}

int
vault_service_commit_point(void *ctx, struct rpc_call *call, struct error *err)
{
    struct vault_session session;
    int result = vault_service_begin(ctx, call, GRANT_APPEND, &session, err);
    if (result == 0)
        result = commit_point(&session, call, err);
    vault_service_end(&session);
    return result;
}

int
vault_service_begin_run(void *ctx, struct rpc_call *call, struct error *err)
{
    struct vault_session session;
    ProtobufCMessage *message = NULL;
    Longhaul__V1__BeginReply reply = LONGHAUL__V1__BEGIN_REPLY__INIT;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(4096);
    int result = vault_service_begin(ctx, call, GRANT_APPEND, &session, err);
    if (result == 0)
        result = vault_service_receive_one(call, &longhaul__v1__begin_request__descriptor, arena, &message, err);
    if (result == 0)
        result = vault_host_begin(vault_registry_host(session.lease), &reply.epoch, err);
    if (result == 0)
        result = rpc_call_send(call, &reply.base, err);
    vault_service_end(&session);
    return result;
}
