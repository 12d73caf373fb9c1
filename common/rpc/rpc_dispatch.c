#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "common/loop/event_loop.h"
#include "common/net/h2_connection.h"
#include "common/rpc/rpc_server_internal.h"
#include "common/rpc/rpc_status.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct method_table {
    struct method_table *next;
    const struct rpc_method *methods;
    size_t count;
    void *ctx;
};

struct rpc_dispatch {
    struct event_loop *loop;
    struct method_table *tables;
};

struct rpc_dispatch *
rpc_dispatch_new(struct event_loop *loop)
{
    struct rpc_dispatch *dispatch = MEMORY_NEW(struct rpc_dispatch);
    dispatch->loop = loop;
    return dispatch;
}

void
rpc_dispatch_free(struct rpc_dispatch *dispatch)
{
    if (dispatch == NULL)
        return;
    while (dispatch->tables != NULL) {
        struct method_table *next = dispatch->tables->next;
        free(dispatch->tables);
        dispatch->tables = next;
    }
    free(dispatch);
}

void
rpc_dispatch_add(struct rpc_dispatch *dispatch, const struct rpc_method *methods, size_t count, void *ctx)
{
    struct method_table *table = MEMORY_NEW(struct method_table);
    *table = (struct method_table){ dispatch->tables, methods, count, ctx };
    dispatch->tables = table;
}

static const struct rpc_method *
find_method(const struct rpc_dispatch *dispatch, const char *path, void **ctx)
{
    for (const struct method_table *table = dispatch->tables; table != NULL; table = table->next) {
        for (size_t i = 0; i < table->count; i++) {
            if (strcmp(table->methods[i].path, path) == 0) {
                *ctx = table->ctx;
                return &table->methods[i];
            }
        }
    }
    return NULL;
}

bool
rpc_dispatch_has_service(const struct rpc_dispatch *dispatch, const char *name)
{
    size_t len = strlen(name);
    for (const struct method_table *table = dispatch->tables; table != NULL; table = table->next) {
        for (size_t i = 0; i < table->count; i++) {
            const char *path = table->methods[i].path + 1;
            if (strncmp(path, name, len) == 0 && path[len] == '/')
                return true;
        }
    }
    return false;
}

/* End a stream that no call was made for. */
static void
refuse_http(struct h2_stream *stream, const char *status)
{
    struct h2_headers headers;
    h2_headers_init(&headers);
    h2_headers_add_text(&headers, ":status", status, NULL);
    h2_stream_respond(stream, &headers, false);
    h2_headers_clear(&headers);
}

static void
refuse(struct h2_stream *stream, const struct error *err)
{
    struct h2_headers headers;
    h2_headers_init(&headers);
    rpc_call_loop_response(&headers);
    if (err->kind == ERROR_UNSUPPORTED)
        h2_headers_add_text(&headers, "grpc-accept-encoding", "identity", NULL);
    rpc_status_write(&headers, err);
    h2_stream_respond(stream, &headers, false);
    h2_headers_clear(&headers);
}

static bool
has_suffix(const char *text, size_t len, const char *suffix)
{
    size_t suffix_len = strlen(suffix);
    return len >= suffix_len && memcmp(text + len - suffix_len, suffix, suffix_len) == 0;
}

/* Keep the request's headers; binary ones decoded. */
static int
copy_metadata(struct rpc_call *call, const struct h2_headers *headers, struct error *err)
{
    for (size_t i = 0; i < headers->count; i++) {
        struct h2_field field = h2_headers_at(headers, i);
        if (!has_suffix(field.name, field.name_len, "-bin")) {
            if (h2_headers_add(&call->request, field.name, field.name_len, field.value, field.value_len, err) != 0)
                return -1;
            continue;
        }
        uint8_t bytes[H2_HEADERS_BYTES];
        size_t len = sizeof(bytes);
        if (encoding_unbase64(field.value, field.value_len, bytes, &len, NULL) != 0)
            return FAIL(err, ERROR_FORMAT, 0, "the metadata %s is not base64", field.name);
        if (h2_headers_add(&call->request, field.name, field.name_len, bytes, len, err) != 0)
            return -1;
    }
    return 0;
}

static void
on_deadline(void *ctx)
{
    struct rpc_call *call = ctx;
    struct error err = ERROR_INIT;

    FAIL(&err, ERROR_TIMEOUT, 0, "the call did not end within its deadline of %" PRIu64 " ms", call->timeout_ms);
    rpc_call_loop_end(call, &err);
    pthread_mutex_lock(&call->lock);
    rpc_call_loop_over(call, &err, true);
    /* A peer that does not read would never get the status. */
    call->cancel = call->stream != NULL && h2_stream_unsent(call->stream) > 0;
    rpc_call_loop_attend(call);
    pthread_mutex_unlock(&call->lock);
}

static int
read_deadline(struct rpc_call *call, const struct h2_headers *headers, struct error *err)
{
    size_t len = 0;
    uint64_t ms = 0;
    const char *timeout = h2_headers_get(headers, "grpc-timeout", &len);
    if (timeout == NULL)
        return 0;
    if (rpc_status_parse_timeout(timeout, len, &ms) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "the metadata grpc-timeout is malformed");
    rpc_call_set_deadline(call, ms);
    return 0;
}

static int
check_request(const struct rpc_method *method, const struct tls_peer *peer, const struct h2_headers *headers,
              struct error *err)
{
    const char *encoding = h2_headers_get(headers, "grpc-encoding", NULL);
    if (method == NULL)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "there is no such method here");
    if (!method->anonymous && peer->node_id[0] == '\0')
        return FAIL(err, ERROR_UNAUTHENTICATED, 0, "%s needs a client certificate", method->path);
    if (encoding != NULL && strcmp(encoding, "identity") != 0)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "messages must not be compressed");
    return 0;
}

static int
start_serving(struct rpc_call *call, struct rpc_workers *workers, struct error *err)
{
    if (call->method->serve != NULL)
        return rpc_workers_add(workers, call, err);
    const struct rpc_call_events *events = call->method->events;
    if (events->on_open(call->method_ctx, call, &call->state, err) != 0)
        return FAIL(err, ERROR_INTERNAL, 0, "the call was refused without a reason");
    call->events = events;
    rpc_call_loop_start_reading(call);
    return 0;
}

static void
open_call(struct rpc_call *call, struct rpc_workers *workers, struct h2_connection *connection,
          struct h2_stream *stream, const struct h2_headers *headers)
{
    struct error err = ERROR_INIT;
    if (copy_metadata(call, headers, &err) != 0 || read_deadline(call, headers, &err) != 0) {
        refuse(stream, &err);
        return;
    }
    rpc_call_loop_bind(call, connection, stream);
    if (start_serving(call, workers, &err) != 0) {
        rpc_call_loop_end(call, &err);
        return;
    }
    if (call->deadline_ms != 0) {
        call->deadline_timer = event_timer_new(call->loop, on_deadline, call);
        event_timer_start(call->deadline_timer, call->timeout_ms, 0);
    }
}

void
rpc_dispatch_request(struct rpc_dispatch *dispatch, struct rpc_workers *workers, struct h2_connection *connection,
                     struct h2_stream *stream, const struct h2_headers *headers)
{
    struct error err = ERROR_INIT;
    const char *http_method = h2_headers_get(headers, ":method", NULL);
    const char *path = h2_headers_get(headers, ":path", NULL);
    const char *type = h2_headers_get(headers, "content-type", NULL);
    if (http_method == NULL || strcmp(http_method, "POST") != 0) {
        refuse_http(stream, "405");
        return;
    }
    if (type == NULL || strncmp(type, "application/grpc", strlen("application/grpc")) != 0) {
        refuse_http(stream, "415");
        return;
    }
    void *ctx = NULL;
    const struct rpc_method *method = find_method(dispatch, path != NULL ? path : "", &ctx);
    if (check_request(method, h2_connection_peer(connection), headers, &err) != 0) {
        refuse(stream, &err);
        return;
    }
    struct rpc_call *call = rpc_call_new(dispatch->loop, true, method->message_limit);
    call->method = method;
    call->method_ctx = ctx;
    open_call(call, workers, connection, stream, headers);
    rpc_call_release(call);
}
