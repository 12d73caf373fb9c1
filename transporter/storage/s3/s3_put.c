#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"
#include "transporter/storage/s3/s3_internal.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SINGLE_MAX ((uint64_t)16 << 20)
#define READ_BLOCK ((size_t)256 << 10)
#define MD5_LEN    16

void
s3_put_id(const struct s3 *s3, char out[S3_PUT_ID_LEN])
{
    uint8_t random[(S3_PUT_ID_LEN - 1) / 2];
    clock_random(s3->clock, random, sizeof(random));
    encoding_hex(random, sizeof(random), out);
}

static int
hash_file(int fd, uint64_t offset, uint64_t len, struct digest *sha256, EVP_MD_CTX *md5, struct error *err)
{
    CLEANUP(memory_free_p) uint8_t *block = memory_array(1, READ_BLOCK, READ_BLOCK, err);
    if (block == NULL)
        return -1;
    for (uint64_t at = 0; at < len;) {
        size_t want = len - at < READ_BLOCK ? (size_t)(len - at) : READ_BLOCK;
        ssize_t n = pread(fd, block, want, (off_t)(offset + at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return FAIL(err, ERROR_IO, errno, "reading the file to upload: %s",
                        n == 0 ? "it became shorter" : strerror(errno));
        digest_update(sha256, block, (size_t)n);
        EVP_DigestUpdate(md5, block, (size_t)n);
        at += (uint64_t)n;
    }
    return 0;
}

int
s3_put_hash(const struct storage_content *content, uint64_t offset, uint64_t len, struct s3_put_digest *out,
            struct error *err)
{
    CLEANUP(digest_free_p) struct digest *sha256 = digest_new();
    EVP_MD_CTX *md5 = EVP_MD_CTX_new();
    uint8_t sha256_bytes[DIGEST_LEN], md5_bytes[MD5_LEN];
    int failed = 0;
    if (md5 == NULL || EVP_DigestInit_ex(md5, EVP_md5(), NULL) != 1) {
        EVP_MD_CTX_free(md5);
        return FAIL(err, ERROR_INTERNAL, 0, "OpenSSL offers no MD5, which S3 needs to check what arrives");
    }
    if (content->data != NULL) {
        const uint8_t *data = (const uint8_t *)content->data + offset;
        digest_update(sha256, data, (size_t)len);
        EVP_DigestUpdate(md5, data, (size_t)len);
    } else {
        failed = hash_file(content->fd, offset, len, sha256, md5, err);
    }
    digest_final(sha256, sha256_bytes);
    EVP_DigestFinal_ex(md5, md5_bytes, NULL);
    EVP_MD_CTX_free(md5);
    encoding_hex(sha256_bytes, sizeof(sha256_bytes), out->sha256);
    encoding_base64(sha256_bytes, sizeof(sha256_bytes), out->sha256_base64);
    encoding_base64(md5_bytes, sizeof(md5_bytes), out->md5_base64);
    return failed;
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
send_single(struct s3 *s3, const struct s3_put_order *order, const struct s3_put_digest *digest,
            char version[S3_VERSION_LEN], struct error *err)
{
    struct http_response response;
    struct s3_request request = {
        .method = "PUT",
        .key = order->key,
        .content = order->content,
        .len = order->content->size,
        .sha256 = digest->sha256,
    };
    s3_put_headers(s3, order, &request);
    s3_request_header(&request, "content-md5", digest->md5_base64);
    s3_request_header(&request, "x-amz-checksum-sha256", digest->sha256_base64);
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
    struct s3_put_digest digest;
    if (s3_put_hash(order->content, 0, order->content->size, &digest, err) != 0)
        return -1;
    if (send_single(s3, order, &digest, version, err) == 0)
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
