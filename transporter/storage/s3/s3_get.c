#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/storage/s3/s3_internal.h"
#include "transporter/storage/storage_retry.h"

#include <stdlib.h>

struct reading {
    struct buffer bytes;
    const char *name;
};

static int
on_http_head(void *ctx, const struct http_response *response, struct error *err)
{
    struct reading *reading = ctx;
    const char *length = http_response_header(response, "Content-Length");
    unsigned long long size = length != NULL ? strtoull(length, NULL, 10) : 0;
    buffer_consume(&reading->bytes, reading->bytes.len); /* of a try that was cut off */
    if (size > reading->bytes.ceiling)
        return FAIL(err, ERROR_LIMIT, 0, "object %s has %llu bytes; %zu are possible", reading->name, size,
                    reading->bytes.ceiling);
    return buffer_reserve(&reading->bytes, (size_t)size, err);
}

static int
on_http_bytes(void *ctx, const void *data, size_t len, struct error *err)
{
    struct reading *reading = ctx;
    return buffer_append(&reading->bytes, data, len, err);
}

static int
read_whole(struct s3 *s3, const char *key, const char *version, struct reading *reading, struct error *err)
{
    struct http_response response;
    struct s3_request request = {
        .method = "GET", .key = key, .sink = on_http_bytes, .head = on_http_head, .sink_ctx = reading
    };
    if (version[0] != '\0')
        s3_request_query(&request, "versionId", version);
    /* The head callback starts over: a try again is safe with this sink. */
    int failed = s3_request_run(s3, &request, &response, err);
    http_response_clear(&response);
    return failed;
}

int
s3_get(struct storage *storage, const char *name, size_t ceiling, uint8_t **data, size_t *len, struct error *err)
{
    struct s3 *s3 = s3_of(storage);
    char key[S3_KEY_LEN], version[S3_VERSION_LEN];
    struct reading reading = { .name = name };
    s3_request_key(s3, name, key);
    buffer_init(&reading.bytes, ceiling);
    int failed = s3_versions_choose(s3, key, version, err);
    if (failed == 0)
        failed = read_whole(s3, key, version, &reading, err);
    if (failed != 0 && s3_versions_hidden(s3, key, version, err))
        failed = read_whole(s3, key, version, &reading, err);
    if (failed == 0) {
        *data = buffer_take(&reading.bytes, len);
        if (*data == NULL)
            *data = memory_new(1); /* of an empty object: freed like any other */
    }
    buffer_clear(&reading.bytes);
    return failed;
}
