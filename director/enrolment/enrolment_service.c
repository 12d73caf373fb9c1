#include "director/enrolment/enrolment_service.h"

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/net/tls_context.h"
#include "common/rpc/rpc_server.h"
#include "director/enrolment/enrolment_internal.h"
#include "proto/enrol.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_LIMIT ((size_t)16 << 10)
#define ARENA_BUDGET  ((size_t)64 << 10)

struct enrolment_service {
    struct enrolment_service_options options;
};

/* One call of either method: a message in, a message out. */
struct unary_call {
    struct enrolment_service *service;
    bool answered;
};

static int
on_call_open(void *ctx, struct rpc_call *call, void **state, struct error *err)
{
    (void)call;
    (void)err;
    struct unary_call *unary = MEMORY_NEW(struct unary_call);
    unary->service = ctx;
    *state = unary;
    return 0;
}

static int
enrol(const struct enrolment_service_options *o, struct rpc_call *call, const void *data, size_t len,
      struct arena *arena, struct error *err)
{
    const struct tls_peer *peer = rpc_call_peer(call);
    ProtobufCMessage *message = rpc_unpack(&longhaul__v1__enrol_request__descriptor, data, len, arena, err);
    Longhaul__V1__EnrolReply reply;
    longhaul__v1__enrol_reply__init(&reply);
    if (message == NULL ||
        enrolment_internal_enrol(o, (Longhaul__V1__EnrolRequest *)message, arena, &reply, err) != 0) {
        log_failure(LOG_WARN, "enrolment", err, "refused an enrolment peer=%s", peer->address);
        return -1;
    }
    log_info("enrolment", "enrolled a transporter node=%s peer=%s", reply.node_id, peer->address);
    if (o->on_enrolled != NULL)
        o->on_enrolled(o->on_enrolled_ctx, reply.node_id);
    return rpc_call_send(call, &reply.base, err);
}

static int
renew(const struct enrolment_service_options *o, struct rpc_call *call, const void *data, size_t len,
      struct arena *arena, struct error *err)
{
    const struct tls_peer *peer = rpc_call_peer(call);
    ProtobufCMessage *message = rpc_unpack(&longhaul__v1__renew_request__descriptor, data, len, arena, err);
    Longhaul__V1__RenewReply reply;
    longhaul__v1__renew_reply__init(&reply);
    if (message == NULL ||
        enrolment_internal_renew(o, peer, (Longhaul__V1__RenewRequest *)message, arena, &reply, err) != 0) {
        log_failure(LOG_WARN, "enrolment", err, "refused a renewal node=%s", peer->node_id);
        return -1;
    }
    log_info("enrolment", "renewed a certificate node=%s", peer->node_id);
    return rpc_call_send(call, &reply.base, err);
}

typedef int answer_fn(const struct enrolment_service_options *o, struct rpc_call *call, const void *data, size_t len,
                      struct arena *arena, struct error *err);

static int
answer_once(struct unary_call *unary, answer_fn *answer, struct rpc_call *call, const void *data, size_t len,
            struct error *err)
{
    if (unary->answered)
        return FAIL(err, ERROR_USAGE, 0, "a second message in a call that takes one");
    unary->answered = true;
    struct arena *arena = arena_new(ARENA_BUDGET);
    int rc = answer(&unary->service->options, call, data, len, arena, err);
    arena_free(arena);
    return rc;
}

static int
on_enrol_message(void *state, struct rpc_call *call, const uint8_t *data, size_t len, struct error *err)
{
    return answer_once(state, enrol, call, data, len, err);
}

static int
on_renew_message(void *state, struct rpc_call *call, const uint8_t *data, size_t len, struct error *err)
{
    return answer_once(state, renew, call, data, len, err);
}

static void
on_call_end(void *state, struct rpc_call *call)
{
    const struct unary_call *unary = state;
    struct error err = ERROR_INIT;
    if (!unary->answered)
        FAIL(&err, ERROR_USAGE, 0, "a call without a message");
    rpc_call_end(call, error_is_set(&err) ? &err : NULL);
}

static void
on_call_close(void *state)
{
    free(state);
}

static const struct rpc_call_events enrol_events = { on_call_open, on_enrol_message, on_call_end, on_call_close };
static const struct rpc_call_events renew_events = { on_call_open, on_renew_message, on_call_end, on_call_close };

static const struct rpc_method methods[] = {
    { .path = "/longhaul.v1.Enrolment/Enrol",
      .anonymous = true,
      .message_limit = MESSAGE_LIMIT,
      .events = &enrol_events },
    { .path = "/longhaul.v1.Enrolment/Renew", .message_limit = MESSAGE_LIMIT, .events = &renew_events },
};

struct enrolment_service *
enrolment_service_new(const struct enrolment_service_options *options)
{
    struct enrolment_service *service = MEMORY_NEW(struct enrolment_service);
    service->options = *options;
    return service;
}

void
enrolment_service_free(struct enrolment_service *service)
{
    free(service);
}

void
enrolment_service_attach(struct enrolment_service *service, struct rpc_server *server)
{
    rpc_server_add(server, methods, ARRAY_LEN(methods), service);
}
