#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "transporter/graph/graph_client_internal.h"
#include "transporter/graph/graph_error.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_retry.h"
#include "transporter/graph/graph_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTEMPTS_DEFAULT 6u
#define HEADERS_MAX      16u
#define NO_HINT_MS       10000u /* throttled, and no word for how long */

/* One call through all its attempts. */
struct call {
    struct graph_client *client;
    const struct graph_request *request;
    struct graph_response *response;
    char *url;
    char *content_type;
    struct secret *authorization; /* of the current attempt */
    uint64_t generation;
    bool renewed;       /* a 401 has been answered by a new token already */
    unsigned attempt;   /* counted ones */
    unsigned throttles; /* in a row */
    uint64_t given;     /* bytes to the sink in this attempt */
    bool sink_failed, body_failed;
};

static int
on_http_bytes(void *ctx, const void *data, size_t len, struct error *err)
{
    struct call *call = ctx;

    call->given += len;
    if (call->request->sink(call->request->sink_ctx, data, len, err) == 0)
        return 0;
    call->sink_failed = true;
    return -1;
}

static int
on_http_head(void *ctx, const struct http_response *response, struct error *err)
{
    struct call *call = ctx;

    if (call->request->head == NULL || call->request->head(call->request->sink_ctx, response, err) == 0)
        return 0;
    call->sink_failed = true;
    return -1;
}

static int
on_http_body(void *ctx, uint64_t offset, void *out, size_t capacity, size_t *len, struct error *err)
{
    struct call *call = ctx;

    if (call->request->body_fn(call->request->body_ctx, offset, out, capacity, len, err) == 0)
        return 0;
    call->body_failed = true;
    return -1;
}

static int
prepare(struct call *call, struct error *err)
{
    const struct graph_request *request = call->request;
    const char *origin = graph_client_origin(call->client);

    if (request->header_count > HEADERS_MAX)
        return FAIL(err, ERROR_INTERNAL, 0, "more than %u headers", HEADERS_MAX);
    if (request->url[0] == '/')
        call->url = memory_printf("%s/v1.0%s", origin, request->url);
    else if (!graph_url_is_https(request->url))
        return FAIL(err, ERROR_FORMAT, 0, "the service gave a link that is not https");
    else if (!request->preauthenticated && !graph_url_same_origin(origin, request->url))
        return FAIL(err, ERROR_FORMAT, 0, "the service gave a link to another server: the token is not sent there");
    else
        call->url = memory_strdup(request->url);
    if (request->body != NULL || request->body_fn != NULL)
        call->content_type = memory_printf("Content-Type: %s",
                                           request->content_type != NULL ? request->content_type : "application/json");
    return 0;
}

static void
format_request_id(const struct clock *clock, char out[64])
{
    uint8_t raw[16];
    char hex[33];

    clock_random(clock, raw, sizeof(raw));
    encoding_hex(raw, sizeof(raw), hex);
    snprintf(out, 64, "client-request-id: %.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

/* One HTTP exchange. */
static int
exchange(struct call *call, struct error *err)
{
    const struct graph_request *request = call->request;
    struct graph_client *client = call->client;
    const char *headers[HEADERS_MAX + 4];
    size_t count = 0;
    char request_id[64];

    if (!request->preauthenticated) {
        headers[count++] = secret_text(call->authorization);
        format_request_id(client->options.clock, request_id);
        headers[count++] = request_id;
    }
    if (call->content_type != NULL)
        headers[count++] = call->content_type;
    for (size_t i = 0; i < request->header_count; i++)
        headers[count++] = request->headers[i];
    const struct http_request http = {
        .method = request->method,
        .url = call->url,
        .headers = headers,
        .header_count = count,
        .body = request->body,
        .body_fn = request->body_fn != NULL ? on_http_body : NULL,
        .body_ctx = call,
        .body_len = request->body_len,
        .sink = request->sink != NULL ? on_http_bytes : NULL,
        .head = on_http_head,
        .sink_ctx = call,
        .body_ceiling = request->body_ceiling != 0 ? request->body_ceiling : GRAPH_PAGE_CEILING,
        .compressed = !request->preauthenticated && request->sink == NULL,
        .cancel = request->cancel,
    };
    graph_response_clear(call->response);
    call->given = 0;
    int status = http_client_perform(client->options.http, &http, &call->response->http, err);
    call->response->status = call->response->http.status;
    atomic_fetch_add(&client->requests, 1);
    atomic_fetch_add(&client->received_bytes, call->response->http.received);
    atomic_fetch_add(&client->sent_bytes, request->body_len);
    return status;
}

static void
wait_before_attempt(struct call *call)
{
    struct graph_client *client = call->client;
    uint32_t random;

    clock_random(client->options.clock, &random, sizeof(random));
    atomic_fetch_add(&client->retries, 1);
    client->options.wait_ms(client->options.wait_ctx, graph_retry_backoff_ms(call->attempt, random),
                            call->request->cancel);
}

static void
note_limits(struct call *call, const struct graph_hint *hint)
{
    const struct graph_request *request = call->request;
    uint32_t pace = graph_retry_pace_ms(hint);

    if (hint->limit_seen)
        graph_budget_pace(call->client->budget, request->service, pace, hint->reset_ms);
}

/* The whole service of this tenant, or one mailbox, waits for so long. */
static void
pause_service(const struct call *call, uint32_t ms)
{
    const struct graph_request *request = call->request;
    struct graph_client *base = call->client->base;

    graph_budget_pause(base->budget, request->service, request->mailbox, ms);
    if (request->service != GRAPH_DRIVE)
        return;
    pthread_mutex_lock(&base->pause_lock);
    if (base->on_pause != NULL)
        base->on_pause(base->on_pause_ctx, ms);
    pthread_mutex_unlock(&base->pause_lock);
}

/* 1: try again once the budget lets it; -1 with err when the patience with that is at an end. */
static int
after_throttle(struct call *call, const struct graph_hint *hint, struct error *err)
{
    struct graph_client *client = call->client;
    uint32_t random, backoff = 0, ms;

    clock_random(client->options.clock, &random, sizeof(random));
    call->throttles++;
    uint32_t asked = hint->retry_after_ms != 0 ? hint->retry_after_ms : hint->retry_after_seen ? 0 : NO_HINT_MS;
    /* Three in a row: the hint was too hopeful, or others share the allowance. */
    if (call->throttles >= 3)
        backoff = graph_retry_backoff_ms(call->throttles - 2, random);
    atomic_fetch_add(&client->throttled, 1);
    int status = graph_hold_throttled(client->hold, client->options.clock, asked, backoff, &ms, err);
    log_info("graph", "throttled status=%d wait_ms=%u service=%d", call->response->status, ms,
             (int)call->request->service);
    /* Also when this work gives up: others must not ask before that either. */
    pause_service(call, ms);
    return status == 0 ? 1 : -1;
}

/* Decoded `claims` of a continuous access evaluation challenge, or NULL. */
static char *
challenge_claims(const struct http_response *response)
{
    const char *header = http_response_header(response, "WWW-Authenticate");
    const char *start = header != NULL ? strstr(header, "claims=\"") : NULL;
    size_t len = start != NULL ? strcspn(start + 8, "\"") : 0, raw_len = 4096;

    if (len == 0 || len > 4096)
        return NULL;
    char *raw = memory_new(raw_len + 1);
    if (encoding_unbase64(start + 8, len, (uint8_t *)raw, &raw_len, NULL) != 0) {
        free(raw);
        return NULL;
    }
    return raw;
}

static void
read_codes(struct graph_response *response)
{
    struct buffer *body = &response->http.body;

    response->code[0] = response->inner[0] = '\0';
    if (body->len == 0 || body->data[0] != '{')
        return;
    CLEANUP(graph_json_unref) json_t *json = graph_json_parse((char *)body->data, body->len, NULL);
    graph_error_codes(json, response->code, response->inner, sizeof(response->code));
}

/* What an operator can do about it; "" when the answer is about one item, or says it all. */
static const char *
advice(const struct call *call, enum error_kind kind)
{
    if (kind == ERROR_UNAUTHENTICATED)
        return ": check the app registration's secret or certificate, and that the app is not blocked";
    if (kind == ERROR_DENIED)
        return ": check the app's permissions, and an administrator's consent to them";
    if (kind == ERROR_UNAVAILABLE && call->response->status >= 500)
        return ": a fault of the service; try again later";
    return "";
}

static int
refuse(const struct call *call, enum error_kind kind, struct error *err)
{
    const struct graph_response *response = call->response;
    const char *id = http_response_header(&response->http, "request-id");
    bool nested = strcmp(response->code, response->inner) != 0;

    if (call->request->preauthenticated)
        return FAIL(err, kind, response->status, "Microsoft's file server answered %d", response->status);
    return FAIL(err, kind, response->status, "Microsoft Graph answered %d %s%s%s%s%.40s%s%s", response->status,
                response->code, nested ? "/" : "", nested ? response->inner : "", id != NULL ? " (request-id " : "",
                id != NULL ? id : "", id != NULL ? ")" : "", advice(call, kind));
}

/* No HTTP answer, or one cut short. 1: try again; -1. */
static int
after_fault(struct call *call, struct error *failure, unsigned allowed)
{
    bool passing = failure->kind == ERROR_NETWORK || failure->kind == ERROR_TIMEOUT;

    if (!passing || call->sink_failed || call->body_failed || ++call->attempt >= allowed)
        return -1;
    if (call->given > 0 && call->request->sink_restart == NULL)
        return -1;
    log_failure(LOG_DEBUG, "graph", failure, "request fails attempt=%u", call->attempt);
    wait_before_attempt(call);
    return 1;
}

/* An answer came. 0: take it; 1: try again; -1 with err. */
static int
after_answer(struct call *call, unsigned allowed, struct error *err)
{
    const struct graph_request *request = call->request;
    struct graph_response *response = call->response;
    struct graph_hint hint = graph_retry_hint(&response->http, clock_wall_ms(call->client->options.clock));

    note_limits(call, &hint);
    if (response->status < 200 || response->status > 299)
        read_codes(response);
    struct graph_verdict verdict =
        graph_error_judge(response->status, response->code, response->inner, hint.retry_after_seen);
    if (request->expect_404 && response->status == 404)
        verdict = (struct graph_verdict){ GRAPH_BACKOFF, ERROR_NOT_FOUND, 4 };
    if (verdict.action == GRAPH_WAIT)
        return after_throttle(call, &hint, err);
    call->throttles = 0;
    graph_hold_answered(call->client->hold);
    if (verdict.action == GRAPH_ACCEPT)
        return 0;
    if (verdict.action == GRAPH_RENEW && !request->preauthenticated && !call->renewed) {
        CLEANUP(memory_free_p) char *claims = challenge_claims(&response->http);
        graph_token_reject(call->client->token, call->generation, claims);
        call->renewed = true;
        return 1;
    }
    if (verdict.action == GRAPH_BACKOFF) {
        unsigned tries = verdict.tries < allowed ? verdict.tries : allowed;
        if (++call->attempt < tries) {
            wait_before_attempt(call);
            return 1;
        }
    }
    return refuse(call, verdict.kind, err);
}

/* 0: answered well; 1: try again; -1 with err. */
static int
attempt(struct call *call, struct error *err)
{
    const struct graph_request *request = call->request;
    struct graph_client *client = call->client;
    unsigned allowed = request->max_attempts != 0 ? request->max_attempts : ATTEMPTS_DEFAULT;

    if (graph_budget_enter(client->budget, request->service, request->mailbox, client->hold, request->cancel, err) != 0)
        return -1;
    struct error failure = ERROR_INIT;
    int status = 0;
    bool token_failed = false;
    if (!request->preauthenticated) {
        secret_free(call->authorization);
        call->authorization = NULL;
        status = graph_token_header(client->token, request->cancel, &call->authorization, &call->generation, &failure);
        token_failed = status != 0;
    }
    if (status == 0)
        status = exchange(call, &failure);
    graph_budget_leave(client->budget, request->mailbox);
    if (status == 0)
        return after_answer(call, allowed, err);
    status = token_failed ? -1 : after_fault(call, &failure, allowed);
    if (status < 0 && err != NULL && !error_is_set(err))
        *err = failure;
    return status;
}

int
graph_client_request(struct graph_client *client, const struct graph_request *request, struct graph_response *response,
                     struct error *err)
{
    struct call call = { .client = client, .request = request, .response = response };
    int status;

    *response = (struct graph_response){ .status = 0 };
    if (prepare(&call, err) != 0)
        return -1;
    do {
        if (call.given > 0 && request->sink_restart(request->sink_ctx, err) != 0) {
            status = -1;
            break;
        }
        status = attempt(&call, err);
        if (status == 1 && request->cancel != NULL && atomic_load(request->cancel))
            status = FAIL(err, ERROR_CANCELLED, 0, "cancelled");
    } while (status == 1);
    secret_free(call.authorization);
    free(call.content_type);
    free(call.url);
    return status;
}

void
graph_response_clear(struct graph_response *response)
{
    http_response_clear(&response->http);
    *response = (struct graph_response){ .status = 0 };
}
