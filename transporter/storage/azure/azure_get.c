#include "common/base/error.h"
#include "common/net/http_content_range.h"
#include "common/base/memory.h"
#include "transporter/storage/azure/azure_internal.h"
#include "transporter/storage/storage_retry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_LEN (AZURE_XML_VERSION_LEN + 16)

struct whole {
    const char *name;
    uint8_t *data;
    size_t len, size, ceiling;
};

static int
on_whole_head(void *ctx, const struct http_response *response, struct error *err)
{
    struct whole *whole = ctx;
    const char *length = http_response_header(response, "Content-Length");
    char *end;

    if (length == NULL || length[0] < '0' || length[0] > '9' || response->status != 200)
        return FAIL(err, ERROR_FORMAT, 0, "the answer about %s tells no length", whole->name);
    unsigned long long size = strtoull(length, &end, 10);
    if (size > whole->ceiling)
        return FAIL(err, ERROR_LIMIT, 0, "object %s has %llu bytes; %zu are possible", whole->name, size,
                    whole->ceiling);
    free(whole->data);
    whole->size = (size_t)size;
    whole->len = 0;
    whole->data = memory_array(1, whole->size, whole->ceiling, err);
    return whole->data != NULL ? 0 : -1;
}

static int
on_whole_data(void *ctx, const void *data, size_t len, struct error *err)
{
    struct whole *whole = ctx;

    if (len > whole->size - whole->len)
        return FAIL(err, ERROR_FORMAT, 0, "the storage sends more of %s than announced", whole->name);
    memcpy(whole->data + whole->len, data, len);
    whole->len += len;
    return 0;
}

static int
get_version(struct azure *azure, const char *name, const char *version, struct whole *whole, struct error *err)
{
    char blob[AZURE_BLOB_LEN], query[QUERY_LEN];
    CLEANUP(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

    azure_blob_name(azure, name, blob);
    snprintf(query, sizeof(query), "versionid=%s", version);
    const struct azure_call call = { .method = "GET",
                                     .what = "reading",
                                     .name = name,
                                     .blob = blob,
                                     .query = version[0] != '\0' ? query : NULL,
                                     .sink = on_whole_data,
                                     .head = on_whole_head,
                                     .sink_ctx = whole };
    return azure_request(azure, &call, &response, NULL, err);
}

int
azure_get(struct storage *storage, const char *name, size_t ceiling, uint8_t **data, size_t *len, struct error *err)
{
    struct azure *azure = (struct azure *)storage;
    struct whole whole = { .name = name, .ceiling = ceiling };
    char version[AZURE_XML_VERSION_LEN];
    struct error why = ERROR_INIT;

    if (azure_version_choose(azure, name, version, &why) == 0 && get_version(azure, name, version, &whole, &why) != 0 &&
        azure_version_left(azure, name, version, &why))
        get_version(azure, name, version, &whole, &why);
    if (error_is_set(&why)) {
        free(whole.data);
        return azure_pass(&why, err);
    }
    *data = whole.data;
    *len = whole.len;
    return 0;
}

/* What was handed on is not asked for again when the connection breaks. */
struct range {
    const char *name;
    uint64_t at, end;
    storage_block_fn *sink;
    void *ctx;
    bool refused; /* the sink's own failure: nothing to try again */
};

static int
on_range_head(void *ctx, const struct http_response *response, struct error *err)
{
    const struct range *range = ctx;
    const char *text = http_response_header(response, "Content-Range");
    uint64_t first = 0, last = 0, total = 0;

    if (response->status != 206 || http_content_range_parse(text, &first, &last, &total) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "the storage does not answer with the part of %s that was asked for",
                    range->name);
    if (total < range->end)
        return FAIL(err, ERROR_CORRUPT, 0, "object %s is shorter than what refers to it: it was cut off", range->name);
    if (first != range->at || last != range->end - 1)
        return FAIL(err, ERROR_FORMAT, 0, "the storage answers with another part of %s", range->name);
    return 0;
}

static int
on_range_data(void *ctx, const void *data, size_t len, struct error *err)
{
    struct range *range = ctx;

    if (len > range->end - range->at)
        return FAIL(err, ERROR_FORMAT, 0, "the storage sends more of %s than announced", range->name);
    if (range->sink(range->ctx, data, len, err) != 0) {
        range->refused = true;
        return -1;
    }
    range->at += len;
    return 0;
}

static int
range_once(struct azure *azure, const char *version, struct range *range, bool *passing, struct error *err)
{
    char blob[AZURE_BLOB_LEN], query[QUERY_LEN], bytes[64];
    CLEANUP(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

    azure_blob_name(azure, range->name, blob);
    snprintf(query, sizeof(query), "versionid=%s", version);
    snprintf(bytes, sizeof(bytes), "bytes=%llu-%llu", (unsigned long long)range->at,
             (unsigned long long)range->end - 1);
    const struct azure_sign_header headers[] = { { "x-ms-range", bytes } };
    const struct azure_call call = { .method = "GET",
                                     .what = "reading",
                                     .name = range->name,
                                     .blob = blob,
                                     .query = version[0] != '\0' ? query : NULL,
                                     .headers = headers,
                                     .header_count = ARRAY_LEN(headers),
                                     .sink = on_range_data,
                                     .head = on_range_head,
                                     .sink_ctx = range };
    int failed = azure_request_once(azure, &call, &response, passing, err);
    *passing = *passing && !range->refused;
    return failed;
}

static int
range_version(struct azure *azure, const char *version, struct range *range, struct error *err)
{
    struct storage_retry retry;
    bool passing;

    storage_retry_begin(&retry, azure->clock, 0);
    while (range->at < range->end && range_once(azure, version, range, &passing, err) != 0)
        if (!passing || !storage_retry_again(&retry, err))
            return -1;
    return 0;
}

/* The service has no range of no bytes. */
static int
check_empty_range(struct storage *storage, const char *name, uint64_t offset, struct error *err)
{
    struct storage_stat stat;

    if (azure_stat(storage, name, &stat, err) != 0)
        return -1;
    if (offset > stat.size)
        return FAIL(err, ERROR_CORRUPT, 0, "object %s is shorter than what refers to it: it was cut off", name);
    return 0;
}

int
azure_get_range(struct storage *storage, const char *name, uint64_t offset, uint64_t len, storage_block_fn *sink,
                void *ctx, struct error *err)
{
    struct azure *azure = (struct azure *)storage;
    char version[AZURE_XML_VERSION_LEN];
    struct error why = ERROR_INIT;

    if (len > INT64_MAX || offset > INT64_MAX - len)
        return FAIL(err, ERROR_CORRUPT, 0, "object %s is shorter than what refers to it: it was cut off", name);
    if (len == 0)
        return check_empty_range(storage, name, offset, err);
    struct range range = { .name = name, .at = offset, .end = offset + len, .sink = sink, .ctx = ctx };
    if (azure_version_choose(azure, name, version, &why) == 0 && range_version(azure, version, &range, &why) != 0 &&
        !range.refused && azure_version_left(azure, name, version, &why))
        range_version(azure, version, &range, &why);
    return azure_pass(&why, err);
}
