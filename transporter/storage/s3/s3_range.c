#include "common/base/error.h"
#include "common/net/http_content_range.h"
#include "common/base/memory.h"
#include "transporter/storage/s3/s3_internal.h"
#include "transporter/storage/storage_retry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_MAX    ((size_t)1 << 20)
#define WINDOW_AFTER ((uint64_t)8 << 20) /* below that one connection is as fast */

struct range {
    const char *key;
    uint64_t at, end; /* next byte to deliver, first one not to */
    char etag[S3_ETAG_LEN];
    storage_block_fn *sink;
    void *ctx;
    bool sink_failed;
    const struct s3 *s3;
};

/* "bytes 0-9/100" */
static int
check_answer(const struct range *range, const struct http_response *response, struct error *err)
{
    const char *text = http_response_header(response, "Content-Range"), *where = range->s3->location.where;
    uint64_t first = 0, last = 0, total = 0;
    if (response->status != 206 || http_content_range_parse(text, &first, &last, &total) != 0 || first != range->at)
        return FAIL(err, ERROR_UNSUPPORTED, response->status, "%s does not answer requests for a part of an object",
                    where);
    if (last + 1 != range->end)
        return FAIL(err, ERROR_CORRUPT, 0, "object %s is shorter than what refers to it: it was cut off",
                    s3_request_name(range->s3, range->key));
    return 0;
}

static int
on_http_head(void *ctx, const struct http_response *response, struct error *err)
{
    struct range *range = ctx;
    const char *etag = http_response_header(response, "ETag");
    if (check_answer(range, response, err) != 0)
        return -1;
    if (etag != NULL && strlen(etag) < sizeof(range->etag))
        snprintf(range->etag, sizeof(range->etag), "%s", etag);
    return 0;
}

static int
on_http_bytes(void *ctx, const void *data, size_t len, struct error *err)
{
    struct range *range = ctx;
    if (len > range->end - range->at)
        return FAIL(err, ERROR_FORMAT, 0, "%s sends more than was asked for", range->s3->location.where);
    for (size_t at = 0; at < len;) {
        size_t n = len - at < BLOCK_MAX ? len - at : BLOCK_MAX;
        if (range->sink(range->ctx, (const uint8_t *)data + at, n, err) != 0) {
            range->sink_failed = true;
            return -1;
        }
        at += n;
        range->at += n;
    }
    return 0;
}

static int
fetch_on(struct s3 *s3, struct range *range, const char *version, struct error *err)
{
    char bytes[64];
    struct http_response response;
    struct s3_request request = {
        .method = "GET", .key = range->key, .sink = on_http_bytes, .head = on_http_head, .sink_ctx = range
    };
    snprintf(bytes, sizeof(bytes), "bytes=%" PRIu64 "-%" PRIu64, range->at, range->end - 1);
    s3_request_header(&request, "range", bytes);
    if (range->etag[0] != '\0')
        s3_request_header(&request, "if-match", range->etag);
    if (version[0] != '\0')
        s3_request_query(&request, "versionId", version);
    int failed = s3_request_try(s3, &request, &response, err);
    if (failed != 0 && response.status == 412 && err->kind == ERROR_EXISTS) {
        error_clear(err);
        FAIL(err, ERROR_CORRUPT, 412, "%s: object %s changed while it was read", s3->location.where,
             s3_request_name(s3, range->key));
    }
    http_response_clear(&response);
    return failed;
}

int
s3_range_fetch(struct s3 *s3, const char *key, const char *version, uint64_t offset, uint64_t len,
               storage_block_fn *sink, void *ctx, struct error *err)
{
    struct range range = { .key = key, .at = offset, .end = offset + len, .sink = sink, .ctx = ctx, .s3 = s3 };
    struct storage_retry retry;
    storage_retry_begin(&retry, s3->clock, s3->location.tries);
    while (range.at < range.end) {
        uint64_t before = range.at;
        if (fetch_on(s3, &range, version, err) == 0)
            return 0;
        if (range.sink_failed)
            return -1;
        if (range.at > before) /* it moves: the count of tries starts again */
            storage_retry_begin(&retry, s3->clock, s3->location.tries);
        if (!storage_retry_again(&retry, err))
            return -1;
    }
    return 0;
}

static int
check_end(struct s3 *s3, const char *key, const char *version, uint64_t offset, struct error *err)
{
    struct s3_head head;
    if (s3_stat_head(s3, key, version, &head, err) != 0)
        return -1;
    if (offset > head.stat.size)
        return FAIL(err, ERROR_CORRUPT, 0, "object %s is shorter than what refers to it: it was cut off",
                    s3_request_name(s3, key));
    return 0;
}

static int
get_from(struct s3 *s3, const char *key, const char *version, uint64_t offset, uint64_t len, storage_block_fn *sink,
         void *ctx, struct error *err)
{
    if (len == 0)
        return check_end(s3, key, version, offset, err);
    if (len > WINDOW_AFTER)
        return s3_window_get(s3, key, version, offset, len, sink, ctx, err);
    return s3_range_fetch(s3, key, version, offset, len, sink, ctx, err);
}

int
s3_range_get(struct storage *storage, const char *name, uint64_t offset, uint64_t len, storage_block_fn *sink,
             void *ctx, struct error *err)
{
    struct s3 *s3 = s3_of(storage);
    char key[S3_KEY_LEN], version[S3_VERSION_LEN];
    s3_request_key(s3, name, key);
    if (len > UINT64_MAX / 2 || offset > UINT64_MAX / 2)
        return FAIL(err, ERROR_CORRUPT, 0, "object %s is shorter than what refers to it: it was cut off", name);
    if (s3_versions_choose(s3, key, version, err) != 0)
        return -1;
    if (get_from(s3, key, version, offset, len, sink, ctx, err) == 0)
        return 0;
    /* "Not found" comes before the first byte. */
    return s3_versions_hidden(s3, key, version, err) ? get_from(s3, key, version, offset, len, sink, ctx, err) : -1;
}
