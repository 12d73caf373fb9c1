#include "common/base/error.h"
#include "common/base/log.h"
#include "transporter/storage/s3/s3_internal.h"

#include <stdio.h>
#include <string.h>

/* The marker is there: with its condition kept, this put must fail. */
static int
try_marker(struct s3 *s3, const char *key, char version[S3_VERSION_LEN], struct error *err)
{
    struct s3_hash hash;
    struct http_response response;
    if (s3_hash_content(&s3_attach_marker, 0, s3_attach_marker.size, true, &hash, err) != 0)
        return -1;
    struct s3_request request = {
        .method = "PUT", .key = key, .content = &s3_attach_marker, .len = s3_attach_marker.size, .sha256 = hash.sha256
    };
    s3_request_header(&request, "content-md5", hash.md5_base64);
    s3_request_header(&request, "if-none-match", "*");
    int failed = s3_request_run(s3, &request, &response, err);
    const char *id = failed == 0 ? http_response_header(&response, "x-amz-version-id") : NULL;
    snprintf(version, S3_VERSION_LEN, "%s", id != NULL ? id : "");
    http_response_clear(&response);
    return failed;
}

int
s3_condition_learn(struct s3 *s3, enum s3_condition *condition, struct error *err)
{
    char key[S3_KEY_LEN], version[S3_VERSION_LEN];
    struct error ignored = ERROR_INIT;
    *condition = (enum s3_condition)atomic_load(&s3->condition);
    if (*condition != S3_CONDITION_UNKNOWN)
        return 0;
    s3_request_key(s3, S3_MARKER, key);
    if (try_marker(s3, key, version, err) == 0) {
        *condition = S3_CONDITION_IGNORED;
        if (version[0] != '\0')
            (void)s3_remove_version(s3, key, version, &ignored);
    } else if (err->kind == ERROR_EXISTS) {
        *condition = S3_CONDITION_KEPT;
    } else if (err->kind == ERROR_UNSUPPORTED) {
        *condition = S3_CONDITION_REFUSED;
    } else {
        return -1;
    }
    error_clear(err);
    if (*condition != S3_CONDITION_KEPT)
        log_warn("storage", "conditional puts are not kept there: two that write one name at a time %s storage=\"%s\"",
                 s3->versioned ? "are told apart by their versions" : "may both succeed", s3->location.where);
    atomic_store(&s3->condition, *condition);
    return 0;
}

int
s3_condition_settle(struct s3 *s3, const struct s3_put_order *order, char version[S3_VERSION_LEN], struct error *err)
{
    char first[S3_VERSION_LEN];
    struct error ignored = ERROR_INIT;
    if (version[0] == '\0')
        return 0;
    if (s3_versions_first(s3, order->key, first, err) != 0)
        return -1;
    if (strcmp(first, version) == 0)
        return 0;
    (void)s3_remove_version(s3, order->key, version, &ignored);
    if (s3_put_is_ours(s3, order, first, version))
        return 0;
    return FAIL(err, ERROR_EXISTS, 0, "%s already has an object %s", s3->location.where,
                s3_request_name(s3, order->key));
}
