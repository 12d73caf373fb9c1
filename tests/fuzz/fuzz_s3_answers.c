#include "common/base/clock.h"
#include "common/base/error.h"
#include "transporter/storage/s3/s3_internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
on_object(void *ctx, const char *name, const struct storage_stat *stat, struct error *err)
{
    (void)ctx;
    (void)stat;
    (void)err;
    if (!storage_name_valid(name) || strlen(name) >= STORAGE_NAME_LEN)
        abort();
    return 0;
}

/* The first byte chooses: a listing, a listing of versions, or an error document with some status. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char prefix[] = "p/", where[] = "S3 bucket b at h", region[] = "eu-central-1";
    struct s3 s3 = { .clock = clock_system(), .location = { .prefix = prefix, .where = where, .region = region } };
    if (size == 0)
        return 0;
    if (data[0] % 3 == 0)
        return s3_list_read(&s3, data + 1, size - 1, on_object, NULL, NULL) > 0;
    if (data[0] % 3 == 1)
        return s3_versions_read(&s3, data + 1, size - 1, on_object, NULL, NULL) > 0;
    struct http_response response = { .status = 300 + data[0] };
    const struct s3_request request = { .method = "PUT", .key = data[0] > 127 ? "p/name" : NULL };
    struct error err = ERROR_INIT;
    buffer_init(&response.body, size);
    buffer_init(&response.headers, 0);
    if (buffer_append(&response.body, data + 1, size - 1, NULL) != 0)
        abort();
    if (s3_error_fail(&s3, &request, &response, &err) != -1 || !error_is_set(&err))
        abort();
    http_response_clear(&response);
    return 0;
}
