#include "transporter/graph/graph_batch.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_client_internal.h"
#include "transporter/graph/graph_error.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_retry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ROUNDS         8u
#define FOLLOW_MAX     40u
#define RETRY_AFTER_MS 10000u

static json_t *
part_json(const struct graph_batch *batch, size_t index)
{
    const struct graph_batch_part *part = &batch->parts[index];
    char id[24];
    json_t *headers = json_object();

    snprintf(id, sizeof(id), "%zu", index);
    if (batch->service == GRAPH_EXCHANGE)
        json_object_set_new(headers, "Prefer", json_string("IdType=\"ImmutableId\""));
    json_t *json =
        json_pack("{s:s,s:s,s:s}", "id", id, "method", part->method != NULL ? part->method : "GET", "url", part->url);
    if (part->body != NULL) {
        json_object_set_new(headers, "Content-Type", json_string("application/json"));
        json_object_set(json, "body", part->body);
    }
    json_object_set_new(json, "headers", headers);
    return json;
}

/* The parts that have no answer yet; NULL when there is none. */
static char *
request_body(const struct graph_batch *batch, size_t *len)
{
    CLEANUP(graph_json_unref) json_t *body = json_object();
    json_t *requests = json_array();

    json_object_set_new(body, "requests", requests);
    for (size_t i = 0; i < batch->count; i++)
        if (batch->parts[i].status == 0)
            json_array_append_new(requests, part_json(batch, i));
    return json_array_size(requests) > 0 ? graph_json_dump(body, len) : NULL;
}

static uint32_t
part_hint_ms(const json_t *response)
{
    const json_t *headers = graph_json_object(response, "headers");
    const char *key;
    const json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)headers, key, value) {
        if (strcasecmp(key, "Retry-After") != 0)
            continue;
        int64_t seconds = json_is_integer(value)  ? json_integer_value(value)
                          : json_is_string(value) ? strtoll(json_string_value(value), NULL, 10)
                                                  : 0;
        if (seconds > 0)
            return seconds > GRAPH_RETRY_HINT_MAX_MS / 1000 ? GRAPH_RETRY_HINT_MAX_MS : (uint32_t)seconds * 1000;
    }
    return 0;
}

/* Takes one part's answer, or leaves it open to be asked again; *wait_ms grows with what it asks for. */
static void
take_response(struct graph_batch *batch, const json_t *response, bool last_round, uint32_t *wait_ms)
{
    const char *id = graph_json_text(response, "id");
    char *end;
    unsigned long index = strtoul(id, &end, 10);
    int64_t status = graph_json_int(response, "status");

    if (end == id || *end != '\0' || index >= batch->count || status < 100 || status > 599)
        return;
    struct graph_batch_part *part = &batch->parts[index];
    json_t *body = json_object_get(response, "body");
    uint32_t hint = part_hint_ms(response);
    graph_error_codes(body, part->code, part->inner, sizeof(part->code));
    struct graph_verdict verdict = graph_error_judge((int)status, part->code, part->inner, hint != 0);
    bool again = verdict.action == GRAPH_WAIT || verdict.action == GRAPH_BACKOFF;
    if (again && !last_round) {
        if (hint == 0)
            hint = verdict.action == GRAPH_WAIT ? RETRY_AFTER_MS : 1000;
        *wait_ms = hint > *wait_ms ? hint : *wait_ms;
        return;
    }
    part->status = (int)status;
    json_decref(part->answer);
    part->answer = json_is_object(body) ? json_incref(body) : NULL;
}

/* One POST and the further portions of its answer. */
static int
run_once(struct graph_batch *batch, const char *body, size_t len, bool last_round, uint32_t *wait_ms, struct error *err)
{
    CLEANUP(memory_free_p) char *url = memory_strdup("/$batch");

    for (unsigned portion = 0; portion < FOLLOW_MAX; portion++) {
        const struct graph_request request = {
            .method = portion == 0 ? "POST" : "GET",
            .url = url,
            .service = batch->service,
            .mailbox = batch->mailbox,
            .body = portion == 0 ? body : NULL,
            .body_len = portion == 0 ? len : 0,
            .cancel = batch->cancel,
        };
        CLEANUP(graph_json_unref) json_t *answer = graph_client_json(batch->client, &request, NULL, err);
        if (answer == NULL)
            return error_wrap(err, "batch");
        size_t index;
        const json_t *response;
        json_array_foreach (json_object_get(answer, "responses"), index, response) {
            take_response(batch, response, last_round, wait_ms);
        }
        const char *next = graph_json_text(answer, "@odata.nextLink");
        if (next[0] == '\0')
            return 0;
        free(url);
        url = memory_strdup(next);
    }
    return FAIL(err, ERROR_FORMAT, 200, "Microsoft Graph: the answer to a batch does not end");
}

int
graph_batch_run(struct graph_batch *batch, struct error *err)
{
    for (unsigned round = 1; round <= ROUNDS; round++) {
        size_t len;
        uint32_t wait_ms = 0;
        CLEANUP(memory_free_p) char *body = request_body(batch, &len);
        if (body == NULL)
            return 0;
        if (run_once(batch, body, len, round == ROUNDS, &wait_ms, err) != 0)
            return -1;
        if (wait_ms > 0)
            graph_budget_pause(batch->client->budget, batch->service, batch->mailbox, wait_ms);
    }
    for (size_t i = 0; i < batch->count; i++)
        if (batch->parts[i].status == 0)
            return FAIL(err, ERROR_UNAVAILABLE, 200, "Microsoft Graph left parts of a batch unanswered");
    return 0;
}

void
graph_batch_clear(struct graph_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        free(batch->parts[i].url);
        json_decref(batch->parts[i].body);
        json_decref(batch->parts[i].answer);
    }
    memset(batch->parts, 0, sizeof(batch->parts));
    batch->count = 0;
}
