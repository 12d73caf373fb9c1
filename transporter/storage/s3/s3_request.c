#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "transporter/storage/s3/s3_internal.h"
#include "transporter/storage/storage_retry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_CEILING ((size_t)16 << 10)
#define LINES_MAX    (ARRAY_LEN(((struct s3_request *)0)->headers) + 5)
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

void
s3_request_query(struct s3_request *request, const char *name, const char *value)
{
    request->query[request->query_count++] = (struct aws_sigv4_pair){ name, value };
}

void
s3_request_header(struct s3_request *request, const char *name, const char *value)
{
    request->headers[request->header_count++] = (struct aws_sigv4_pair){ name, value };
}

void
s3_request_key(const struct s3 *s3, const char *name, char out[S3_KEY_LEN])
{
    snprintf(out, S3_KEY_LEN, "%s%s", s3->location.prefix, name);
}

const char *
s3_request_name(const struct s3 *s3, const char *key)
{
    return key + strlen(s3->location.prefix);
}

static int
on_http_body(void *ctx, uint64_t offset, void *out, size_t capacity, size_t *len, struct error *err)
{
    const struct s3_request *request = ctx;
    for (;;) {
        ssize_t n = pread(request->content->fd, out, capacity, (off_t)(request->offset + offset));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return FAIL(err, ERROR_IO, errno, "reading the file to upload: %s",
                        n == 0 ? "it became shorter" : strerror(errno));
        *len = (size_t)n;
        return 0;
    }
}

/* The texts of one try, freed together. */
struct lines {
    struct buffer path, query, url, authorization;
    struct aws_sigv4_pair pairs[LINES_MAX];
    char *texts[LINES_MAX];
    size_t count;
};

static void
lines_init(struct lines *lines)
{
    *lines = (struct lines){ .count = 0 };
    buffer_init(&lines->path, LINE_CEILING);
    buffer_init(&lines->query, LINE_CEILING);
    buffer_init(&lines->url, LINE_CEILING);
    buffer_init(&lines->authorization, LINE_CEILING);
}

static void
lines_clear(struct lines *lines)
{
    buffer_clear(&lines->path);
    buffer_clear(&lines->query);
    buffer_clear(&lines->url);
    buffer_clear(&lines->authorization);
    for (size_t i = 0; i < lines->count; i++) {
        secret_zero(lines->texts[i], strlen(lines->texts[i])); /* one of them is the session token */
        memory_free_p(&lines->texts[i]);
    }
}

static void
add_line(struct lines *lines, const char *name, const char *value)
{
    lines->pairs[lines->count] = (struct aws_sigv4_pair){ name, value };
    lines->texts[lines->count++] = memory_printf("%s: %s", name, value);
}

static int
compose_url(const struct s3 *s3, const struct s3_request *request, struct lines *lines, struct error *err)
{
    if (buffer_append_text(&lines->path, s3->location.bucket_path, err) != 0)
        return -1;
    if ((request->key != NULL || lines->path.len == 0) && buffer_append(&lines->path, "/", 1, err) != 0)
        return -1;
    if (request->key != NULL && aws_sigv4_encode(&lines->path, request->key, true, err) != 0)
        return -1;
    if (aws_sigv4_query(&lines->query, request->query, request->query_count, err) != 0)
        return -1;
    const char *path = buffer_text(&lines->path, err), *query = buffer_text(&lines->query, err);
    return path == NULL || query == NULL ? -1
                                         : buffer_printf(&lines->url, err, "%s%s%s%s", s3->location.origin, path,
                                                         query[0] != '\0' ? "?" : "", query);
}

static int
compose(const struct s3 *s3, const struct s3_request *request, struct lines *lines, struct error *err)
{
    const struct s3_location *location = &s3->location;
    const char *payload = request->sha256 != NULL ? request->sha256 : EMPTY_SHA256;
    char date[AWS_SIGV4_DATE_LEN];

    if (compose_url(s3, request, lines, err) != 0)
        return -1;
    aws_sigv4_date(clock_wall_ms(s3->clock), date);
    for (size_t i = 0; i < request->header_count; i++)
        add_line(lines, request->headers[i].name, request->headers[i].value);
    add_line(lines, "host", location->host);
    add_line(lines, "x-amz-content-sha256", payload);
    add_line(lines, "x-amz-date", date);
    if (location->session_token != NULL)
        add_line(lines, "x-amz-security-token", secret_text(location->session_token));
    const struct aws_sigv4_key key = { location->region, "s3", location->access_key_id, location->secret_key };
    const struct aws_sigv4_request signed_request = {
        .method = request->method,
        .path = buffer_text(&lines->path, err),
        .query = buffer_text(&lines->query, err),
        .headers = lines->pairs,
        .header_count = lines->count,
        .payload = payload,
    };
    if (aws_sigv4_sign(&key, &signed_request, date, &lines->authorization, err) != 0)
        return -1;
    const char *authorization = buffer_text(&lines->authorization, err);
    if (authorization == NULL)
        return -1;
    add_line(lines, "authorization", authorization);
    return 0;
}

int
s3_request_try(struct s3 *s3, const struct s3_request *request, struct http_response *response, struct error *err)
{
    CLEANUP(lines_clear) struct lines lines;
    lines_init(&lines);
    *response = (struct http_response)HTTP_RESPONSE_INIT;
    if (compose(s3, request, &lines, err) != 0)
        return -1;
    struct http_request http = {
        .method = request->method,
        .url = buffer_text(&lines.url, err),
        .headers = (const char *const *)lines.texts,
        .header_count = lines.count,
        .sink = request->sink,
        .head = request->head,
        .sink_ctx = request->sink_ctx,
        .body_ceiling = request->ceiling,
    };
    if (http.url == NULL)
        return -1;
    if (request->content != NULL && request->content->data != NULL)
        http.body = (const uint8_t *)request->content->data + request->offset;
    else if (request->content != NULL && request->len > 0) {
        http.body_fn = on_http_body;
        http.body_ctx = (void *)(uintptr_t)request; /* which only reads it */
    }
    http.body_len = request->content != NULL ? request->len : 0;
    if (http_client_perform(s3->http, &http, response, err) != 0)
        return -1;
    if (response->status >= 200 && response->status <= 299)
        return 0;
    return s3_error_fail(s3, request, response, err);
}

int
s3_request_run(struct s3 *s3, const struct s3_request *request, struct http_response *response, struct error *err)
{
    struct storage_retry retry;
    storage_retry_begin(&retry, s3->clock, s3->location.tries);
    for (;;) {
        if (s3_request_try(s3, request, response, err) == 0)
            return 0;
        if (!storage_retry_again(&retry, err))
            return -1;
        http_response_clear(response);
    }
}
