#include "common/base/error.h"
#include "common/net/xml_scan.h"
#include "transporter/storage/s3/s3_internal.h"

#include <string.h>

static const char marker_text[] = "A Longhaul repository. Without this object the bucket counts as never attached.\n";
const struct storage_content s3_attach_marker = { .data = marker_text, .fd = -1, .size = sizeof(marker_text) - 1 };

static int
on_versioning_element(void *ctx, const char *path, const char *text, struct error *err)
{
    (void)err;
    /* A bucket that once kept versions still has them. */
    if (strcmp(path, "VersioningConfiguration/Status") == 0 && text[0] != '\0')
        *(bool *)ctx = true;
    return 0;
}

static int
on_lock_element(void *ctx, const char *path, const char *text, struct error *err)
{
    (void)err;
    if (strcmp(path, "ObjectLockConfiguration/ObjectLockEnabled") == 0 && strcmp(text, "Enabled") == 0)
        *(bool *)ctx = true;
    return 0;
}

/* A subresource of the bucket; flag stays false when the peer has no such thing. */
static int
ask(struct s3 *s3, const char *subresource, const char *permission, xml_scan_fn *visit, bool *flag, struct error *err)
{
    struct http_response response;
    struct s3_request request = { .method = "GET" };
    s3_request_query(&request, subresource, "");
    int failed = s3_request_run(s3, &request, &response, err);
    if (failed == 0)
        failed = xml_scan(response.body.data, response.body.len, visit, flag, err);
    http_response_clear(&response);
    if (failed == 0)
        return 0;
    if (err->kind == ERROR_UNSUPPORTED || err->kind == ERROR_NOT_FOUND) {
        error_clear(err);
        return 0;
    }
    return err->kind == ERROR_DENIED ? error_wrap(err, "the access key needs %s", permission) : -1;
}

static int
learn(struct s3 *s3, struct error *err)
{
    bool locks = false;
    if (ask(s3, "versioning", "s3:GetBucketVersioning", on_versioning_element, &s3->versioned, err) != 0)
        return -1;
    if (s3->location.lock_mode == S3_LOCK_NONE)
        return 0;
    if (ask(s3, "object-lock", "s3:GetBucketObjectLockConfiguration", on_lock_element, &locks, err) != 0)
        return -1;
    if (!locks)
        return FAIL(err, ERROR_CONFIG, 0,
                    "%s has no object lock: make the bucket with it, or set \"lock_mode\":\"none\"",
                    s3->location.where);
    s3->storage.features |= STORAGE_HAS_LOCKS;
    return 0;
}

static int
make_marker(struct s3 *s3, struct error *err)
{
    bool any = false;
    if (s3_list_any(s3, &any, err) != 0)
        return -1;
    if (any)
        return FAIL(err, ERROR_CONFIG, 0, "%s holds other objects: give a prefix of its own", s3->location.where);
    if (s3_put(&s3->storage, S3_MARKER, &s3_attach_marker, 0, err) == 0)
        return 0;
    if (err->kind != ERROR_EXISTS) /* somebody else attaches it just now */
        return -1;
    error_clear(err);
    return 0;
}

int
s3_attach(struct s3 *s3, bool create, struct error *err)
{
    struct storage_stat stat;
    if (learn(s3, err) != 0)
        return -1;
    if (s3->location.first_versions)
        return 0;
    if (s3_stat(&s3->storage, S3_MARKER, &stat, err) == 0) {
        atomic_store(&s3->marker_lock_ms, stat.lock_until_ms);
        return 0;
    }
    if (err->kind != ERROR_NOT_FOUND)
        return -1;
    error_clear(err);
    if (!create)
        return FAIL(err, ERROR_UNAVAILABLE, 0, "%s is not a Longhaul repository, or its marker object %s%s was deleted",
                    s3->location.where, s3->location.prefix, S3_MARKER);
    return make_marker(s3, err);
}
