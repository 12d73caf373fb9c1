#include "tests/fakes/echo_service.h"

#include "common/base/memory.h"
#include "common/net/tls_context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
echo_service_init(struct echo_service *service)
{
    *service = (struct echo_service){ .started = 0 };
    pthread_mutex_init(&service->lock, NULL);
    pthread_cond_init(&service->changed, NULL);
}

void
echo_service_clear(struct echo_service *service)
{
    pthread_mutex_destroy(&service->lock);
    pthread_cond_destroy(&service->changed);
}

void
echo_service_add(struct echo_service *service, struct rpc_server *server)
{
    rpc_server_add(server, echo_service_methods, echo_service_method_count, service);
}

void
echo_service_wait(struct echo_service *service, const int *counter, int count)
{
    pthread_mutex_lock(&service->lock);
    while (*counter < count)
        pthread_cond_wait(&service->changed, &service->lock);
    pthread_mutex_unlock(&service->lock);
}

static void
count_up(struct echo_service *service, int *counter)
{
    pthread_mutex_lock(&service->lock);
    (*counter)++;
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
}

static int
serve_unary(void *ctx, struct rpc_call *call, struct error *err)
{
    const uint8_t *data;
    size_t len;

    (void)ctx;
    int rc = rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, err);
    if (rc == 0)
        return FAIL(err, ERROR_USAGE, 0, "no request");
    return rc < 0 ? -1 : rpc_call_send_bytes(call, data, len, err);
}

static int
serve_collect(void *ctx, struct rpc_call *call, struct error *err)
{
    const uint8_t *data;
    size_t len;
    unsigned long long total = 0;
    char text[32];
    int rc;

    (void)ctx;
    while ((rc = rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, err)) == 1)
        total += len;
    if (rc < 0)
        return -1;
    int n = snprintf(text, sizeof(text), "%llu", total);
    return rpc_call_send_bytes(call, text, (size_t)n, err);
}

static int
serve_produce(void *ctx, struct rpc_call *call, struct error *err)
{
    const uint8_t *data;
    size_t len;
    char text[64] = "";
    unsigned long count = 0, size = 0;

    (void)ctx;
    if (rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, err) != 1)
        return -1;
    memcpy(text, data, len < sizeof(text) - 1 ? len : sizeof(text) - 1);
    char *end = NULL;
    count = strtoul(text, &end, 10);
    size = strtoul(end, NULL, 10);
    if (size > RPC_MESSAGE_LIMIT)
        return FAIL(err, ERROR_USAGE, 0, "size");
    CLEANUP(memory_free_p) uint8_t *bytes = memory_new(size);
    for (unsigned long i = 0; i < size; i++)
        bytes[i] = (uint8_t)i;
    for (unsigned long i = 0; i < count; i++) {
        if (rpc_call_send_bytes(call, bytes, size, err) != 0)
            return -1;
    }
    return 0;
}

static int
serve_chat(void *ctx, struct rpc_call *call, struct error *err)
{
    const uint8_t *data;
    size_t len;
    int rc;

    (void)ctx;
    while ((rc = rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, err)) == 1) {
        if (rpc_call_send_bytes(call, data, len, err) != 0)
            return -1;
    }
    return rc;
}

static int
serve_fail(void *ctx, struct rpc_call *call, struct error *err)
{
    (void)ctx;
    (void)call;
    FAIL(err, ERROR_THROTTLED, 0,
         "slow down: 100%% \xc3\xbc"
         "ber");
    err->retry_after_ms = 1500;
    return -1;
}

static int
hang_ended(struct echo_service *service, const struct error *err)
{
    pthread_mutex_lock(&service->lock);
    service->ended_by = err->kind;
    pthread_mutex_unlock(&service->lock);
    count_up(service, &service->ended);
    return -1;
}

static int
serve_hang(void *ctx, struct rpc_call *call, struct error *err)
{
    struct echo_service *service = ctx;
    const uint8_t *data;
    size_t len;

    count_up(service, &service->started);
    int rc = 1;
    while (rc == 1)
        rc = rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, err);
    if (rc == 0)
        FAIL(err, ERROR_USAGE, 0, "the peer must not end its side of this call");
    return hang_ended(service, err);
}

static int
serve_stall(void *ctx, struct rpc_call *call, struct error *err)
{
    struct echo_service *service = ctx;
    CLEANUP(memory_free_p) uint8_t *bytes = memory_new((size_t)1 << 20);

    count_up(service, &service->started);
    while (rpc_call_send_bytes(call, bytes, (size_t)1 << 20, err) == 0)
        continue;
    return hang_ended(service, err);
}

static int
serve_metadata(void *ctx, struct rpc_call *call, struct error *err)
{
    size_t len = 0;
    const uint8_t *note = rpc_call_metadata(call, "note-bin", &len);
    const char *node = rpc_call_peer(call)->node_id;
    uint8_t answer[256];

    (void)ctx;
    if (note == NULL || len > 100)
        return FAIL(err, ERROR_USAGE, 0, "no note");
    memcpy(answer, note, len);
    answer[len] = 0xff;
    memcpy(answer + len + 1, node, strlen(node));
    return rpc_call_send_bytes(call, answer, len + 1 + strlen(node), err);
}

static int
on_chat_open(void *ctx, struct rpc_call *call, void **state, struct error *err)
{
    struct echo_service *service = ctx;

    (void)call;
    (void)err;
    count_up(service, &service->opened);
    *state = service;
    return 0;
}

static int
on_chat_message(void *state, struct rpc_call *call, const uint8_t *data, size_t len, struct error *err)
{
    (void)state;
    if (len == 4 && memcmp(data, "fail", 4) == 0)
        return FAIL(err, ERROR_CONFLICT, 0, "as you wish");
    return rpc_call_send_bytes(call, data, len, err);
}

static void
on_chat_end(void *state, struct rpc_call *call)
{
    (void)state;
    rpc_call_end(call, NULL);
}

static void
on_chat_close(void *state)
{
    struct echo_service *service = state;

    count_up(service, &service->closed);
}

static const struct rpc_call_events chat_events = {
    .on_open = on_chat_open,
    .on_message = on_chat_message,
    .on_end = on_chat_end,
    .on_close = on_chat_close,
};

const struct rpc_method echo_service_methods[] = {
    { .path = "/test.Echo/Unary", .serve = serve_unary },
    { .path = "/test.Echo/Collect", .serve = serve_collect },
    { .path = "/test.Echo/Produce", .serve = serve_produce },
    { .path = "/test.Echo/Chat", .serve = serve_chat },
    { .path = "/test.Echo/Fail", .serve = serve_fail },
    { .path = "/test.Echo/Hang", .serve = serve_hang },
    { .path = "/test.Echo/Stall", .serve = serve_stall },
    { .path = "/test.Echo/Metadata", .serve = serve_metadata },
    { .path = "/test.Echo/Open", .anonymous = true, .serve = serve_unary },
    { .path = "/test.Events/Chat", .events = &chat_events },
};
const size_t echo_service_method_count = ARRAY_LEN(echo_service_methods);
