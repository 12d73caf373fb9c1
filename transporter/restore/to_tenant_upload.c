#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_error.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_url.h"
#include "transporter/restore/to_tenant_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSIONS_MAX  3u
#define FRUITLESS_MAX 5u

/* One fragment as a request body. */
struct fragment {
    const struct to_tenant_content *content;
    uint64_t from;
};

static int
on_graph_body(void *ctx, uint64_t offset, void *out, size_t capacity, size_t *len, struct error *err)
{
    const struct fragment *f = ctx;
    return f->content->read(f->content->ctx, f->from + offset, out, capacity, len, err);
}

/* Where to go on; total when the service expects nothing more. -1 when the answer does not say. */
static int
next_position(const json_t *progress, uint64_t total, uint64_t *position)
{
    const json_t *ranges = json_object_get(progress, "nextExpectedRanges");
    uint64_t at;

    if (ranges == NULL)
        ranges = json_object_get(progress, "NextExpectedRanges");
    if (!json_is_array(ranges))
        return -1;
    const char *text = json_string_value(json_array_get(ranges, 0));
    if (text == NULL) {
        *position = total;
        return 0;
    }
    char *end = NULL;
    errno = 0;
    at = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || errno != 0 || at > total || (*end != '-' && *end != '\0'))
        return -1;
    *position = at;
    return 0;
}

static int
put_fragment(const struct to_tenant_upload *u, const char *url, uint64_t from, struct graph_response *response,
             struct error *err)
{
    uint64_t total = u->content->len, len = total - from < u->fragment ? total - from : u->fragment;
    struct fragment fragment = { u->content, from };
    char range[96];
    const char *headers[] = { range };

    snprintf(range, sizeof(range), "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, from, from + len - 1,
             total);
    const struct graph_request request = {
        .method = "PUT",
        .url = url,
        .service = u->service,
        .mailbox = u->mailbox,
        .preauthenticated = true,
        .headers = headers,
        .header_count = 1,
        .content_type = "application/octet-stream",
        .body_fn = on_graph_body,
        .body_ctx = &fragment,
        .body_len = len,
        .body_ceiling = 1 << 20,
        .cancel = u->restore->cancel,
    };
    return graph_client_request(u->restore->graph, &request, response, err);
}

/* Asks the session itself how far it is. */
static int
ask_position(const struct to_tenant_upload *u, const char *url, uint64_t *position, struct graph_response *response,
             struct error *err)
{
    const struct graph_request request = {
        .url = url,
        .service = u->service,
        .mailbox = u->mailbox,
        .preauthenticated = true,
        .body_ceiling = 1 << 20,
        .cancel = u->restore->cancel,
    };
    CLEANUP(graph_json_unref) json_t *state = graph_client_json(u->restore->graph, &request, response, err);
    if (state == NULL)
        return -1;
    if (next_position(state, u->content->len, position) != 0)
        return FAIL(err, ERROR_FORMAT, response->status, "an upload session does not tell its position");
    return 0;
}

/* 201, or 200 with an item, is completion; another 2xx says where to go on. 1 when complete. */
static int
take_answer(const struct to_tenant_upload *u, struct graph_response *response, uint64_t *position, json_t **item)
{
    struct buffer *body = &response->http.body;
    uint64_t sent = u->content->len - *position < u->fragment ? u->content->len : *position + u->fragment;
    CLEANUP(graph_json_unref)
    json_t *json = body->len > 0 ? graph_json_parse((char *)body->data, body->len, NULL) : NULL;

    if (response->status == 201 || (response->status == 200 && graph_json_text(json, "id")[0] != '\0')) {
        *item = json_is_object(json) ? json_incref(json) : json_object();
        return 1;
    }
    if (next_position(json, u->content->len, position) != 0)
        *position = sent;
    return 0;
}

/* Through one session. 1: complete; 0: the session is lost, another may do; -1: refused or failed. */
static int
send_all(const struct to_tenant_upload *u, const char *url, json_t **item, struct graph_response *response,
         struct error *err)
{
    uint64_t position = 0;

    for (unsigned fruitless = 0; fruitless < FRUITLESS_MAX;) {
        uint64_t before = position;
        struct error failure = ERROR_INIT;
        graph_response_clear(response);
        if (position >= u->content->len)
            return 0; /* all bytes are there and no completion came */
        if (put_fragment(u, url, position, response, &failure) == 0) {
            if (take_answer(u, response, &position, item) == 1)
                return 1;
        } else if (response->status == 404 || response->status == 410) {
            return 0;
        } else if (response->status == 416 || failure.kind == ERROR_NETWORK || failure.kind == ERROR_TIMEOUT) {
            graph_response_clear(response);
            if (ask_position(u, url, &position, response, err) != 0)
                return -1;
        } else {
            *err = failure;
            return -1;
        }
        fruitless = position > before ? 0 : fruitless + 1;
    }
    return 0;
}

int
to_tenant_upload(const struct to_tenant_upload *u, json_t **item, struct to_tenant_report *report, struct error *err)
{
    *item = NULL;
    for (unsigned attempt = 0; attempt < SESSIONS_MAX; attempt++) {
        CLEANUP(graph_response_clear) struct graph_response response = { .status = 0 };
        CLEANUP(graph_json_unref)
        json_t *session = to_tenant_ask(u->restore, "POST", u->session_url, u->session_body, &response, err);
        if (session == NULL)
            return to_tenant_judge(&response, report, err);
        const char *url = graph_json_text(session, "uploadUrl");
        if (!graph_url_is_https(url))
            return FAIL(err, ERROR_FORMAT, response.status, "an upload session without an https address");
        int status = send_all(u, url, item, &response, err);
        if (status == 1)
            return 0;
        if (status < 0)
            return to_tenant_judge(&response, report, err);
    }
    to_tenant_fail(report, TO_TENANT_FAILED, "upload_session", "the service lost the session again and again");
    return 0;
}
