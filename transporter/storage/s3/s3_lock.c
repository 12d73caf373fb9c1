#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/storage/s3/s3_internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MARKER_AHEAD_MS INT64_C(86400000)

void
s3_lock_time(int64_t lock_until_ms, char out[S3_LOCK_TIME_LEN])
{
    time_t seconds = (time_t)((lock_until_ms + 999) / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(out, S3_LOCK_TIME_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

const char *
s3_lock_mode_name(enum s3_lock_mode mode)
{
    return mode == S3_LOCK_COMPLIANCE ? "COMPLIANCE" : "GOVERNANCE";
}

int64_t
s3_lock_of(const struct http_response *response, enum s3_lock_mode mode)
{
    const char *held = http_response_header(response, "x-amz-object-lock-mode");
    const char *until = http_response_header(response, "x-amz-object-lock-retain-until-date");
    int64_t ms = 0;
    /* Whoever may bypass governance can undo it: it does not stand for compliance. */
    if (held == NULL || until == NULL || (mode == S3_LOCK_COMPLIANCE && strcmp(held, "COMPLIANCE") != 0))
        return 0;
    return clock_parse_ms(until, &ms) == 0 ? ms : 0;
}

int
s3_lock_retain(struct s3 *s3, const char *key, const char *version, int64_t lock_until_ms, struct error *err)
{
    char until[S3_LOCK_TIME_LEN];
    struct s3_hash hash;
    struct http_response response;
    s3_lock_time(lock_until_ms, until);
    CLEANUP(memory_free_p)
    char *body = memory_printf("<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>%s</Mode>"
                               "<RetainUntilDate>%s</RetainUntilDate></Retention>",
                               s3_lock_mode_name(s3->location.lock_mode), until);
    const struct storage_content content = { .data = body, .fd = -1, .size = strlen(body) };
    if (s3_hash_content(&content, 0, content.size, true, &hash, err) != 0)
        return -1;
    struct s3_request request = {
        .method = "PUT", .key = key, .content = &content, .len = content.size, .sha256 = hash.sha256
    };
    s3_request_query(&request, "retention", "");
    if (version[0] != '\0')
        s3_request_query(&request, "versionId", version);
    s3_request_header(&request, "content-md5", hash.md5_base64);
    int failed = s3_request_run(s3, &request, &response, err);
    http_response_clear(&response);
    return failed;
}

static int
extend(struct s3 *s3, const char *name, int64_t lock_until_ms, struct error *err)
{
    char key[S3_KEY_LEN], version[S3_VERSION_LEN];
    struct s3_head head;
    s3_request_key(s3, name, key);
    if (s3_versions_choose(s3, key, version, err) != 0)
        return -1;
    if (s3_stat_head(s3, key, version, &head, err) != 0 &&
        (!s3_versions_hidden(s3, key, version, err) || s3_stat_head(s3, key, version, &head, err) != 0))
        return -1;
    if (head.stat.lock_until_ms >= lock_until_ms)
        return 0;
    if (s3_lock_retain(s3, key, head.version, lock_until_ms, err) != 0)
        return error_wrap(err, "lock of %s", name);
    memcpy(version, head.version, sizeof(version));
    if (s3_stat_head(s3, key, version, &head, err) != 0)
        return -1;
    if (head.stat.lock_until_ms < lock_until_ms)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "%s took a longer lock for %s and does not show it", s3->location.where,
                    name);
    return 0;
}

int
s3_lock_marker(struct s3 *s3, int64_t lock_until_ms, struct error *err)
{
    if (lock_until_ms <= atomic_load(&s3->marker_lock_ms))
        return 0;
    /* A little longer each time: locks of one run end at about the same time. */
    if (extend(s3, S3_MARKER, lock_until_ms + MARKER_AHEAD_MS, err) != 0)
        return -1;
    atomic_store(&s3->marker_lock_ms, lock_until_ms + MARKER_AHEAD_MS);
    return 0;
}

int
s3_lock_extend(struct storage *storage, const char *name, int64_t lock_until_ms, struct error *err)
{
    struct s3 *s3 = s3_of(storage);
    return s3_lock_marker(s3, lock_until_ms, err) != 0 ? -1 : extend(s3, name, lock_until_ms, err);
}
