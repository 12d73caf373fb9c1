#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/storage/s3/s3_internal.h"

#include <string.h>

/* A lock that ends about now may still have held for the storage's clock. */
#define CLOCK_SLACK_MS 60000

int
s3_remove_version(struct s3 *s3, const char *key, const char *version, struct error *err)
{
    struct http_response response;
    struct s3_head head;
    struct error ignored = ERROR_INIT;
    struct s3_request request = { .method = "DELETE", .key = key };
    if (version[0] != '\0')
        s3_request_query(&request, "versionId", version);
    int failed = s3_request_run(s3, &request, &response, err);
    http_response_clear(&response);
    if (failed == 0 || err->kind != ERROR_DENIED || s3_stat_head(s3, key, version, &head, &ignored) != 0 ||
        head.stat.lock_until_ms == 0 || head.stat.lock_until_ms + CLOCK_SLACK_MS <= clock_wall_ms(s3->clock))
        return failed;
    char until[CLOCK_TEXT_LEN];
    clock_format_ms(head.stat.lock_until_ms, until);
    error_clear(err);
    return FAIL(err, ERROR_LOCKED, 403, "%s: object %s is locked until %s", s3->location.where,
                s3_request_name(s3, key), until);
}

/* The oldest first: when a lock holds it, nothing has changed yet. */
static int
delete_versions(struct s3 *s3, const char *key, struct error *err)
{
    CLEANUP(memory_free_p) struct s3_version *versions = NULL;
    size_t count = 0;
    bool data = false;
    if (s3_versions_of(s3, key, &versions, &count, err) != 0)
        return -1;
    for (size_t i = count; i-- > 0;) {
        data |= !versions[i].marker;
        if (s3_remove_version(s3, key, versions[i].id, err) != 0)
            return -1;
    }
    if (!data)
        return FAIL(err, ERROR_NOT_FOUND, 404, "%s has no object %s", s3->location.where, s3_request_name(s3, key));
    return 0;
}

int
s3_remove(struct storage *storage, const char *name, struct error *err)
{
    struct s3 *s3 = s3_of(storage);
    char key[S3_KEY_LEN];
    struct s3_head head;
    s3_request_key(s3, name, key);
    if (s3->versioned)
        return delete_versions(s3, key, err);
    /* S3 deletes what is not there without a word. */
    return s3_stat_head(s3, key, NULL, &head, err) != 0 ? -1 : s3_remove_version(s3, key, "", err);
}
