#include "tests/m365sim/batch.h"

#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/mime_codec.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/service.h"
#include "tests/m365sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define PART_LIMIT            20u
#define BODY_CEILING_IN_BATCH ((size_t)32 << 20)

static void
put_headers(struct request *part, const struct request *outer, const json_t *given)
{
    const char *name;
    json_t *value;
    const char *token = request_header(outer, "Authorization"), *host = request_header(outer, "Host");
    part->headers[part->header_count++] = (struct request_pair){ "Authorization", token != NULL ? token : "" };
    part->headers[part->header_count++] = (struct request_pair){ "Host", host != NULL ? host : "" };
    json_object_foreach ((json_t *)(uintptr_t)given, name, value) {
        if (json_is_string(value) && part->header_count < REQUEST_HEADERS)
            part->headers[part->header_count++] = (struct request_pair){ name, json_string_value(value) };
    }
}

static int
put_body(struct request *part, const json_t *body, struct error *err)
{
    if (body == NULL || json_is_null(body))
        return 0;
    if (json_is_string(body)) {
        CLEANUP(memory_free_p) char *bytes = memory_strdup(json_string_value(body));
        return body_append(&part->body, bytes, mime_codec_base64(bytes, strlen(bytes), bytes), err);
    }
    char *text = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
    int result = body_append(&part->body, text, strlen(text), err);
    free(text);
    return result;
}

static json_t *
base64_json(const void *data, size_t len)
{
    CLEANUP(memory_free_p) char *text = memory_new(ENCODING_BASE64_LEN(len));
    encoding_base64(data, len, text);
    return json_string(text);
}

static json_t *
body_json(const struct reply *reply)
{
    if (reply->json != NULL)
        return json_incref(reply->json);
    if (reply->data != NULL)
        return base64_json(reply->data, reply->len);
    if (reply->fd < 0 || reply->length > BODY_CEILING_IN_BATCH)
        return NULL;
    CLEANUP(memory_free_p) char *data = memory_new(reply->length + 1);
    ssize_t n = pread(reply->fd, data, reply->length, (off_t)reply->offset);
    return base64_json(data, n > 0 ? (size_t)n : 0);
}

static json_t *
part_answer(const char *id, const struct reply *reply)
{
    json_t *headers = json_object(), *body = body_json(reply);
    for (size_t i = 0; i < reply->header_count; i++)
        json_object_set_new(headers, reply->headers[i].name, json_string(reply->headers[i].value));
    json_t *o = json_pack("{s:s,s:i,s:o}", "id", id, "status", (int)reply->status, "headers", headers);
    if (body != NULL)
        json_object_set_new(o, "body", body);
    return o;
}

static bool
predecessor_failed(const json_t *given, const json_t *answers)
{
    size_t i, k;
    const json_t *need, *one;
    json_array_foreach (json_object_get(given, "dependsOn"), i, need) {
        bool good = false;
        json_array_foreach (answers, k, one) {
            const char *id = json_string_value(json_object_get(one, "id"));
            if (json_is_string(need) && strcasecmp(id, json_string_value(need)) == 0)
                good = json_integer_value(json_object_get(one, "status")) < 400;
        }
        if (!good)
            return true;
    }
    return false;
}

static json_t *
run_part(struct request *outer, const json_t *given, const json_t *answers)
{
    struct error err = ERROR_INIT;
    struct request part;
    struct reply reply;
    const char *id = json_string_value(json_object_get(given, "id"));
    const char *url = json_string_value(json_object_get(given, "url"));
    reply_init(&reply, outer->sim->clock, request_header(outer, "client-request-id"));
    CLEANUP(memory_free_p) char *full = memory_printf("/v1.0%s%s", url[0] == '/' ? "" : "/", url);
    int result = request_init(&part, outer->sim, json_string_value(json_object_get(given, "method")), full, &err);
    part.in_batch = true;
    request_set_base(&part, request_header(outer, "Host"));
    put_headers(&part, outer, json_object_get(given, "headers"));
    if (result == 0)
        result = put_body(&part, json_object_get(given, "body"), &err);
    if (result != 0)
        reply_error(&reply, 400, "BadRequest", err.text, NULL);
    else if (part.segment_count > 1 && strcasecmp(part.segments[1], "$batch") == 0)
        reply_error(&reply, 400, "BadRequest", "Batches cannot be nested.", NULL);
    else if (predecessor_failed(given, answers))
        reply_error(&reply, 424, "FailedDependency", "A dependent request failed.", NULL);
    else
        service_handle(&part, &reply);
    json_t *answer = part_answer(id, &reply);
    request_clear(&part);
    reply_clear(&reply);
    return answer;
}

/* NULL, or what is wrong with the batch as a whole. */
static const char *
batch_problem(const json_t *parts)
{
    size_t i, k;
    const json_t *one, *other;
    if (!json_is_array(parts) || json_array_size(parts) == 0)
        return "Invalid batch payload format.";
    if (json_array_size(parts) > PART_LIMIT)
        return "Number of batch request steps exceeds the maximum value of 20.";
    json_array_foreach (parts, i, one) {
        const char *id = json_string_value(json_object_get(one, "id"));
        if (id == NULL || !json_is_string(json_object_get(one, "url")) ||
            !json_is_string(json_object_get(one, "method")))
            return "Each batch request needs id, method and url.";
        json_array_foreach (parts, k, other) {
            const char *other_id = json_string_value(json_object_get(other, "id"));
            if (k < i && strcasecmp(id, other_id) == 0)
                return "Request Id values must be unique.";
        }
    }
    return NULL;
}

void
batch_handle(struct request *r, struct reply *reply)
{
    size_t i;
    const json_t *one;
    json_t *given = request_json(r), *parts = json_object_get(given, "requests");
    const char *problem = batch_problem(parts);
    if (problem != NULL) {
        reply_error(reply, 400, "BadRequest", problem, NULL);
    } else {
        json_t *answers = json_array();
        json_array_foreach (parts, i, one) {
            json_array_append_new(answers, run_part(r, one, answers));
        }
        reply_json(reply, 200, json_pack("{s:o}", "responses", answers));
    }
    json_decref(given);
}
