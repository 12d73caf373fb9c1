#include "tests/m365sim/reply.h"

#include "common/base/clock.h"
#include "common/base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

void
reply_init(struct reply *reply, const struct clock *clock, const char *client_request_id)
{
    uint8_t r[16];
    memset(reply, 0, sizeof(*reply));
    reply->fd = -1;
    reply->cut_after = UINT64_MAX;
    clock_random(clock, r, sizeof(r));
    snprintf(reply->request_id, sizeof(reply->request_id),
             "%02x%02x%02x%02x-%02x%02x-4%01x%02x-8%01x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1], r[2], r[3], r[4],
             r[5], r[6] & 15, r[7], r[8] & 15, r[9], r[10], r[11], r[12], r[13], r[14], r[15]);
    snprintf(reply->client_request_id, sizeof(reply->client_request_id), "%s",
             client_request_id != NULL ? client_request_id : reply->request_id);
    clock_format_ms(clock_wall_ms(clock), reply->date);
    reply->date[19] = '\0';
}

static void
reply_drop_body(struct reply *reply)
{
    json_decref(reply->json);
    free(reply->data);
    if (reply->fd >= 0)
        close(reply->fd);
    reply->json = NULL;
    reply->data = NULL;
    reply->len = 0;
    reply->fd = -1;
}

void
reply_clear(struct reply *reply)
{
    reply_drop_body(reply);
    for (size_t i = 0; i < reply->header_count; i++)
        free(reply->headers[i].value);
    reply->header_count = 0;
}

void
reply_header(struct reply *reply, const char *name, const char *fmt, ...)
{
    char *value = NULL;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&value, fmt, args);
    va_end(args);
    if (n < 0)
        return;
    for (size_t i = 0; i < reply->header_count; i++) {
        if (strcasecmp(reply->headers[i].name, name) == 0) {
            free(reply->headers[i].value);
            reply->headers[i].value = value;
            return;
        }
    }
    if (reply->header_count == REPLY_HEADERS) {
        free(value);
        return;
    }
    reply->headers[reply->header_count++] = (struct reply_header){ name, value };
}

const char *
reply_header_value(const struct reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->header_count; i++)
        if (strcasecmp(reply->headers[i].name, name) == 0)
            return reply->headers[i].value;
    return NULL;
}

void
reply_empty(struct reply *reply, unsigned status)
{
    reply_drop_body(reply);
    reply->status = status;
}

void
reply_json(struct reply *reply, unsigned status, json_t *takes)
{
    reply_drop_body(reply);
    reply->status = status;
    reply->json = takes;
    reply_header(reply, "Content-Type",
                 "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8");
}

void
reply_error(struct reply *reply, unsigned status, const char *code, const char *message, const char *inner)
{
    json_t *more = json_object();
    if (inner != NULL)
        json_object_set_new(more, "code", json_string(inner));
    json_object_set_new(more, "date", json_string(reply->date));
    json_object_set_new(more, "request-id", json_string(reply->request_id));
    json_object_set_new(more, "client-request-id", json_string(reply->client_request_id));
    reply_json(reply, status,
               json_pack("{s:{s:s,s:s,s:o}}", "error", "code", code, "message", message, "innerError", more));
    reply_header(reply, "Content-Type", "application/json");
}

void
reply_bytes(struct reply *reply, unsigned status, const char *type, const void *data, size_t len)
{
    reply_drop_body(reply);
    reply->status = status;
    reply->data = memory_new(len + 1);
    if (len > 0)
        memcpy(reply->data, data, len);
    reply->len = len;
    reply_header(reply, "Content-Type", "%s", type);
}

void
reply_file(struct reply *reply, unsigned status, const char *type, int fd, uint64_t offset, uint64_t length)
{
    reply_drop_body(reply);
    reply->status = status;
    reply->fd = fd;
    reply->offset = offset;
    reply->length = length;
    reply_header(reply, "Content-Type", "%s", type);
}
