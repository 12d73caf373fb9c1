#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/storage/s3/s3_internal.h"

#include <stdio.h>
#include <string.h>

#define SINGLE_MAX ((uint64_t)16 << 20)

void
s3_put_id(const struct s3 *s3, char out[S3_PUT_ID_LEN])
{
    uint8_t random[(S3_PUT_ID_LEN - 1) / 2];
    clock_random(s3->clock, random, sizeof(random));
    encoding_hex(random, sizeof(random), out);
}

void
s3_put_condition(struct s3 *s3, struct s3_request *request)
{
    if (atomic_load(&s3->condition) != S3_CONDITION_REFUSED)
        s3_request_header(request, "if-none-match", "*");
}

void
s3_put_headers(const struct s3 *s3, const struct s3_put_order *order, struct s3_request *request)
{
    s3_request_header(request, "content-type", "application/octet-stream");
    s3_request_header(request, "x-amz-meta-longhaul-put", order->put_id);
    if (order->lock_until_ms != 0 && !order->lock_later) {
        s3_request_header(request, "x-amz-object-lock-mode", s3_lock_mode_name(s3->location.lock_mode));
        s3_request_header(request, "x-amz-object-lock-retain-until-date", order->lock_time);
    }
}

bool
s3_put_is_ours(struct s3 *s3, const struct s3_put_order *order, const char *which, char version[S3_VERSION_LEN])
{
    struct error ignored = ERROR_INIT;
    struct s3_head head;
    if (s3_stat_head(s3, order->key, which, &head, &ignored) != 0 || strcmp(head.put_id, order->put_id) != 0)
        return false;
    memcpy(version, head.version, S3_VERSION_LEN);
    return true;
}

int
s3_put_absent(struct s3 *s3, const char *key, struct error *err)
{
    struct s3_head head;
    struct error missing = ERROR_INIT;
    if (s3_stat_head(s3, key, NULL, &head, &missing) == 0)
        return FAIL(err, ERROR_EXISTS, 0, "%s already has an object %s", s3->location.where, s3_request_name(s3, key));
    if (missing.kind == ERROR_NOT_FOUND)
        return 0;
    *err = missing;
    return -1;
}

static int
send_single(struct s3 *s3, const struct s3_put_order *order, const struct s3_hash *hash, char version[S3_VERSION_LEN],
            struct error *err)
{
    struct http_response response;
    struct s3_request request = {
        .method = "PUT",
        .key = order->key,
        .content = order->content,
        .len = order->content->size,
        .sha256 = hash->sha256,
    };
    s3_put_headers(s3, order, &request);
    if (hash->md5_base64[0] != '\0')
        s3_request_header(&request, "content-md5", hash->md5_base64);
    s3_request_header(&request, "x-amz-checksum-sha256", hash->sha256_base64);
    s3_put_condition(s3, &request);
    int failed = s3_request_run(s3, &request, &response, err);
    const char *id = failed == 0 ? http_response_header(&response, "x-amz-version-id") : NULL;
    snprintf(version, S3_VERSION_LEN, "%s", id != NULL ? id : "");
    http_response_clear(&response);
    return failed;
}

static int
put_single(struct s3 *s3, const struct s3_put_order *order, char version[S3_VERSION_LEN], struct error *err)
{
    struct s3_hash hash;
    bool md5 = order->lock_until_ms != 0; /* where objects are locked, S3 insists on it */
    if (s3_hash_content(order->content, 0, order->content->size, md5, &hash, err) != 0)
        return -1;
    if (send_single(s3, order, &hash, version, err) == 0)
        return 0;
    if (err->kind != ERROR_EXISTS || !s3_put_is_ours(s3, order, NULL, version))
        return -1;
    error_clear(err);
    return 0;
}

/* Believed only when the storage tells it back. */
static int
confirm(struct s3 *s3, const struct s3_put_order *order, const char *version, struct error *err)
{
    const char *where = s3->location.where, *name = s3_request_name(s3, order->key);
    struct s3_head head;
    for (int repaired = 0;; repaired++) {
        if (s3_stat_head(s3, order->key, version, &head, err) != 0)
            return error_wrap(err, "reading back what was written");
        if (head.stat.size != order->content->size)
            return FAIL(err, ERROR_CORRUPT, 0, "%s took object %s and shows another size", where, name);
        if (head.stat.lock_until_ms >= order->lock_until_ms)
            return 0;
        if (repaired == 1)
            return FAIL(err, ERROR_UNSUPPORTED, 0, "%s does not lock object %s, which must be immutable", where, name);
        /* Ceph 16 forgets the lock of a multipart upload. */
        if (s3_lock_retain(s3, order->key, head.version, order->lock_until_ms, err) != 0) {
            err->kind = err->kind == ERROR_DENIED ? ERROR_UNSUPPORTED : err->kind;
            return error_wrap(err, "object %s is there without its lock", name);
        }
    }
}

int
s3_put(struct storage *storage, const char *name, const struct storage_content *content, int64_t lock_until_ms,
       struct error *err)
{
    struct s3 *s3 = s3_of(storage);
    char key[S3_KEY_LEN], version[S3_VERSION_LEN] = "";
    struct s3_put_order order = { .key = key, .content = content, .lock_until_ms = lock_until_ms };
    enum s3_condition condition = S3_CONDITION_KEPT;
    bool large = content->size > SINGLE_MAX;
    s3_request_key(s3, name, key);
    s3_put_id(s3, order.put_id);
    s3_lock_time(lock_until_ms, order.lock_time);
    if (strcmp(name, S3_MARKER) != 0 && s3_condition_learn(s3, &condition, err) != 0)
        return -1;
    if (lock_until_ms != 0 && s3_lock_marker(s3, lock_until_ms, err) != 0)
        return -1;
    order.lock_later = condition != S3_CONDITION_KEPT && s3->versioned;
    if ((large || condition != S3_CONDITION_KEPT) && s3_put_absent(s3, key, err) != 0)
        return -1;
    if ((large ? s3_multipart_put(s3, &order, version, err) : put_single(s3, &order, version, err)) != 0)
        return -1;
    /* A completion may ignore the condition where a put does not. */
    if (s3->versioned && (large || condition != S3_CONDITION_KEPT) &&
        s3_condition_settle(s3, &order, version, err) != 0)
        return -1;
    return confirm(s3, &order, version, err);
}
