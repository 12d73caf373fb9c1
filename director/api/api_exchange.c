#include "director/api/api_server_internal.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WRITE_CHUNK ((size_t)16 << 10)

static void
waiting_remove(struct api_exchange *exchange)
{
    struct api_exchange **at = &exchange->server->waiting;

    while (*at != NULL && *at != exchange)
        at = &(*at)->next;
    if (*at != NULL)
        *at = exchange->next;
    exchange->waits = false;
}

void
api_exchange_free(struct api_exchange *exchange)
{
    if (exchange == NULL)
        return;
    waiting_remove(exchange);
    api_call_clear(&exchange->call);
    secret_zero(exchange->authorization, sizeof(exchange->authorization));
    if (exchange->body.data != NULL)
        secret_zero(exchange->body.data, exchange->body.len);
    buffer_clear(&exchange->body);
    free(exchange->out);
    free(exchange);
}

static int
read_method(struct api_exchange *exchange, struct error *err)
{
    static const int methods[] = {
        [LWSHUMETH_GET] = API_GET,     [LWSHUMETH_POST] = API_POST,     [LWSHUMETH_PUT] = API_PUT,
        [LWSHUMETH_PATCH] = API_PATCH, [LWSHUMETH_DELETE] = API_DELETE, [LWSHUMETH_OPTIONS] = -1,
    };
    char *uri = NULL;
    int len = 0, method = lws_http_get_uri_and_method(exchange->wsi, &uri, &len);

    exchange->head_only = method == LWSHUMETH_HEAD;
    if (method < 0 || (size_t)method >= ARRAY_LEN(methods) || methods[method] < 0)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "methods are GET, POST, PUT, PATCH and DELETE");
    if (len <= 0 || len >= EXCHANGE_PATH || memchr(uri, '\0', (size_t)len) != NULL)
        return FAIL(err, ERROR_LIMIT, 0, "a path has 1 to %d bytes", EXCHANGE_PATH - 1);
    exchange->request.method = (enum api_method)methods[method];
    memcpy(exchange->path, uri, (size_t)len);
    exchange->path[len] = '\0';
    exchange->request.path = exchange->path;
    return 0;
}

static int
read_queries(struct api_exchange *exchange, struct error *err)
{
    struct api_request *request = &exchange->request;
    char scratch[API_QUERY_LEN];

    for (int i = 0;; i++) {
        int len = lws_hdr_copy_fragment(exchange->wsi, scratch, sizeof(scratch), WSI_TOKEN_HTTP_URI_ARGS, i);
        if (len == -1)
            return 0;
        if (len < 0 || request->query_count == API_QUERIES)
            return FAIL(err, ERROR_LIMIT, 0, "at most %d parameters of %d bytes after the '?'", API_QUERIES,
                        API_QUERY_LEN - 1);
        memcpy(request->queries[request->query_count++], scratch, (size_t)len + 1);
    }
}

static int
read_headers(struct api_exchange *exchange, struct error *err)
{
    struct lws *wsi = exchange->wsi;
    char text[24];
    char *end;

    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_AUTHORIZATION) > 0 &&
        lws_hdr_copy(wsi, exchange->authorization, sizeof(exchange->authorization), WSI_TOKEN_HTTP_AUTHORIZATION) > 0)
        exchange->request.authorization = exchange->authorization;
    bool has_body = exchange->request.method == API_POST || exchange->request.method == API_PUT ||
                    exchange->request.method == API_PATCH;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
        return FAIL(err, ERROR_USAGE, 0, "requests with Transfer-Encoding are not taken; send Content-Length");
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) == 0)
        return has_body ? FAIL(err, ERROR_USAGE, 0, "send Content-Length") : 0;
    if (lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0 || text[0] < '0' || text[0] > '9')
        return FAIL(err, ERROR_USAGE, 0, "Content-Length is not a number");
    errno = 0;
    unsigned long long announced = strtoull(text, &end, 10);
    if (*end != '\0' || errno != 0)
        return FAIL(err, ERROR_USAGE, 0, "Content-Length is not a number");
    if (announced > API_BODY_LIMIT)
        return FAIL(err, ERROR_LIMIT, 0, "the request is larger than %zu bytes", API_BODY_LIMIT);
    exchange->announced = (size_t)announced;
    return 0;
}

static void
log_call(const struct api_exchange *exchange)
{
    const struct api_request *request = &exchange->request;
    uint64_t took = clock_monotonic_ms(exchange->server->service.clock) - exchange->call.started_ms;

    log_write(request->method == API_GET ? LOG_DEBUG : LOG_INFO, "api", "%s %s status=%d by=%s ms=%llu",
              api_router_method_name(request->method),
              exchange->call.match.route != NULL ? exchange->call.match.route->pattern : "-", exchange->call.status,
              exchange->call.token_name[0] != '\0' ? exchange->call.token_name : "-", (unsigned long long)took);
}

/* The handler's reply becomes bytes with room in front for the library's framing. */
static int
reply_ready(struct api_exchange *exchange)
{
    json_t *reply = exchange->call.reply;
    size_t len = reply == NULL || exchange->head_only ? 0 : json_dumpb(reply, NULL, 0, JSON_COMPACT);

    free(exchange->out);
    exchange->out = memory_array(LWS_PRE + len + 1, 1, (size_t)16 << 20, NULL);
    if (exchange->out == NULL)
        return -1;
    if (len > 0) {
        json_dumpb(reply, (char *)exchange->out + LWS_PRE, len, JSON_COMPACT);
        exchange->out[LWS_PRE + len++] = '\n';
    }
    exchange->out_len = len;
    log_call(exchange);
    api_call_reply(&exchange->call, NULL);
    lws_set_timeout(exchange->wsi, PENDING_TIMEOUT_HTTP_CONTENT, EXCHANGE_DEADLINE_S);
    lws_callback_on_writable(exchange->wsi);
    return 0;
}

int
api_exchange_call(struct api_exchange *exchange)
{
    exchange->called = true;
    exchange->request.body = exchange->body.data;
    exchange->request.body_len = exchange->body.len;
    if (api_call_serve(&exchange->call) == 0) {
        waiting_remove(exchange);
        return reply_ready(exchange);
    }
    if (!exchange->waits) {
        exchange->waits = true;
        exchange->next = exchange->server->waiting;
        exchange->server->waiting = exchange;
    }
    lws_set_timeout(exchange->wsi, PENDING_TIMEOUT_HTTP_CONTENT, EXCHANGE_DEADLINE_S);
    lws_set_timer_usecs(exchange->wsi, LWS_US_PER_SEC);
    return 0;
}

void
api_exchange_wake_all(struct api_server *server)
{
    for (struct api_exchange *exchange = server->waiting; exchange != NULL; exchange = exchange->next)
        lws_set_timer_usecs(exchange->wsi, 1);
}

int
api_exchange_begin(struct api_server *server, struct lws *wsi, struct api_exchange **out)
{
    struct error err = ERROR_INIT;
    struct api_exchange *exchange = MEMORY_NEW(struct api_exchange);

    *out = exchange;
    exchange->server = server;
    exchange->wsi = wsi;
    buffer_init(&exchange->body, API_BODY_LIMIT);
    api_call_init(&exchange->call, &server->service, &exchange->request);
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, EXCHANGE_DEADLINE_S);
    if (read_method(exchange, &err) != 0 || read_queries(exchange, &err) != 0 || read_headers(exchange, &err) != 0) {
        exchange->called = true;
        exchange->close_after = true; /* its body, if any, is not read */
        api_call_fail(&exchange->call, &err);
        if (reply_ready(exchange) != 0 || api_exchange_write(out) != 0)
            return -1;
        return *out == NULL ? -1 : 0;
    }
    return exchange->announced == 0 ? api_exchange_call(exchange) : 0;
}

int
api_exchange_body(struct api_exchange *exchange, const void *data, size_t len)
{
    if (exchange->called)
        return len == 0 ? 0 : -1;
    return buffer_append(&exchange->body, data, len, NULL);
}

static int
write_head(struct api_exchange *exchange)
{
    uint8_t head[LWS_PRE + 1024], *start = &head[LWS_PRE], *at = start, *end = &head[sizeof(head) - 1];
    struct lws *wsi = exchange->wsi;
    static const char no_store[] = "no-store", nosniff[] = "nosniff", bearer[] = "Bearer realm=\"longhaul\"";

    if (lws_add_http_common_headers(wsi, (unsigned)exchange->call.status, "application/json", exchange->out_len, &at,
                                    end) != 0 ||
        lws_add_http_header_by_name(wsi, (const uint8_t *)"cache-control:", (const uint8_t *)no_store,
                                    sizeof(no_store) - 1, &at, end) != 0 ||
        lws_add_http_header_by_name(wsi, (const uint8_t *)"x-content-type-options:", (const uint8_t *)nosniff,
                                    sizeof(nosniff) - 1, &at, end) != 0)
        return -1;
    if (exchange->call.status == 401 &&
        lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_WWW_AUTHENTICATE, (const uint8_t *)bearer, sizeof(bearer) - 1,
                                     &at, end) != 0)
        return -1;
    exchange->head_sent = true;
    return lws_finalize_write_http_header(wsi, start, &at, end);
}

int
api_exchange_write(struct api_exchange **at)
{
    struct api_exchange *exchange = *at;
    struct lws *wsi = exchange->wsi;

    if (exchange->out == NULL)
        return 0;
    if (!exchange->head_sent && write_head(exchange) != 0)
        return -1;
    size_t left = exchange->out_len - exchange->out_at;
    size_t len = left < WRITE_CHUNK ? left : WRITE_CHUNK;
    lws_fileofs_t window = lws_get_peer_write_allowance(wsi);
    if (window >= 0 && (size_t)window < len)
        len = (size_t)window;
    if (len == 0 && left > 0) {
        lws_callback_on_writable(wsi); /* no HTTP/2 window now */
        return 0;
    }
    /* The library writes its framing into the LWS_PRE bytes before; those were sent already. */
    if (lws_write(wsi, exchange->out + LWS_PRE + exchange->out_at, len,
                  len == left ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
        return -1;
    exchange->out_at += len;
    if (len < left) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    bool close_after = exchange->close_after;
    *at = NULL;
    api_exchange_free(exchange);
    return lws_http_transaction_completed(wsi) != 0 || close_after ? -1 : 0;
}
