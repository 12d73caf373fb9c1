#include "common/base/arena.h"
#include "common/base/memory.h"
#include "common/rpc/rpc_server_internal.h"

#include "proto/health.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define REQUEST_LIMIT 1024

struct watcher {
    struct rpc_health *health;
    struct watcher *next, **link;
    struct rpc_call *call;
    bool asked;
};

struct rpc_health {
    const struct rpc_dispatch *dispatch;
    bool stopped;
    struct watcher *watchers;
};

struct rpc_health *
rpc_health_new(const struct rpc_dispatch *dispatch)
{
    struct rpc_health *health = MEMORY_NEW(struct rpc_health);
    health->dispatch = dispatch;
    return health;
}

void
rpc_health_free(struct rpc_health *health)
{
    free(health);
}

#define STATUS(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

static int
status_of(const struct rpc_health *health, const char *service)
{
    if (service[0] != '\0' && !rpc_dispatch_has_service(health->dispatch, service))
        return STATUS(SERVICE_UNKNOWN);
    return health->stopped ? STATUS(NOT_SERVING) : STATUS(SERVING);
}

static int
send_status(struct rpc_call *call, int status, struct error *err)
{
    Grpc__Health__V1__HealthCheckResponse reply = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    reply.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)status;
    return rpc_call_send(call, &reply.base, err);
}

static int
read_request(struct rpc_health *health, const uint8_t *data, size_t len, int *status, struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)4 * REQUEST_LIMIT);
    const ProtobufCMessage *base =
        rpc_unpack(&grpc__health__v1__health_check_request__descriptor, data, len, arena, err);
    if (base == NULL)
        return -1;
    const Grpc__Health__V1__HealthCheckRequest *request = (const void *)base;
    *status = status_of(health, request->service);
    if (*status == STATUS(SERVICE_UNKNOWN))
        FAIL(err, ERROR_NOT_FOUND, 0, "there is no such service here");
    return 0;
}

static int
on_health_open(void *ctx, struct rpc_call *call, void **state, struct error *err)
{
    struct rpc_health *health = ctx;
    struct watcher *watcher = MEMORY_NEW(struct watcher);

    (void)err;
    watcher->health = health;
    watcher->call = call;
    watcher->link = &health->watchers;
    watcher->next = health->watchers;
    if (watcher->next != NULL)
        watcher->next->link = &watcher->next;
    health->watchers = watcher;
    *state = watcher;
    return 0;
}

static int
on_check_message(void *state, struct rpc_call *call, const uint8_t *data, size_t len, struct error *err)
{
    const struct watcher *watcher = state;
    int status;

    if (read_request(watcher->health, data, len, &status, err) != 0 || status == STATUS(SERVICE_UNKNOWN))
        return -1;
    if (send_status(call, status, err) != 0)
        return -1;
    rpc_call_end(call, NULL);
    return 0;
}

static void
on_check_end(void *state, struct rpc_call *call)
{
    struct error err = ERROR_INIT;

    (void)state;
    FAIL(&err, ERROR_USAGE, 0, "a health check without a request");
    rpc_call_end(call, &err);
}

static int
on_watch_message(void *state, struct rpc_call *call, const uint8_t *data, size_t len, struct error *err)
{
    struct watcher *watcher = state;
    struct error unknown = ERROR_INIT;
    int status;

    if (watcher->asked)
        return FAIL(err, ERROR_USAGE, 0, "a watch takes one request");
    if (read_request(watcher->health, data, len, &status, &unknown) != 0) {
        *err = unknown;
        return -1;
    }
    watcher->asked = true;
    return send_status(call, status, err);
}

static void
on_watch_end(void *state, struct rpc_call *call)
{
    const struct watcher *watcher = state;

    if (!watcher->asked)
        on_check_end(state, call);
}

static void
on_health_close(void *state)
{
    struct watcher *watcher = state;

    *watcher->link = watcher->next;
    if (watcher->next != NULL)
        watcher->next->link = watcher->link;
    free(watcher);
}

void
rpc_health_stop(struct rpc_health *health)
{
    struct error err = ERROR_INIT;
    FAIL(&err, ERROR_UNAVAILABLE, 0, "the server is going down");
    health->stopped = true;
    for (struct watcher *watcher = health->watchers; watcher != NULL; watcher = watcher->next) {
        if (watcher->asked)
            send_status(watcher->call, STATUS(NOT_SERVING), NULL);
        rpc_call_end(watcher->call, &err);
    }
}

static const struct rpc_call_events check_events = {
    .on_open = on_health_open,
    .on_message = on_check_message,
    .on_end = on_check_end,
    .on_close = on_health_close,
};

static const struct rpc_call_events watch_events = {
    .on_open = on_health_open,
    .on_message = on_watch_message,
    .on_end = on_watch_end,
    .on_close = on_health_close,
};

const struct rpc_method rpc_health_methods[2] = {
    { .path = "/grpc.health.v1.Health/Check", .message_limit = REQUEST_LIMIT, .events = &check_events },
    { .path = "/grpc.health.v1.Health/Watch", .message_limit = REQUEST_LIMIT, .events = &watch_events },
};
