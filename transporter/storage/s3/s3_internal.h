#ifndef LONGHAUL_TRANSPORTER_STORAGE_S3_S3_INTERNAL_H
#define LONGHAUL_TRANSPORTER_STORAGE_S3_S3_INTERNAL_H

/* What the files of the driver share. A key is the whole object key, prefix included; err is never NULL inside. */

#include "common/net/aws_sigv4.h"
#include "common/net/http_client.h"
#include "transporter/storage/s3/s3_location.h"
#include "transporter/storage/storage.h"

#include <stdatomic.h>

#define S3_KEY_LEN       (S3_PREFIX_MAX + STORAGE_NAME_LEN + 2)
#define S3_VERSION_LEN   1025 /* AWS: at most 1,024 bytes */
#define S3_UPLOAD_ID_LEN 1025
#define S3_ETAG_LEN      128
#define S3_PUT_ID_LEN    33
#define S3_CODE_LEN      64
#define S3_SHA256_LEN    65
#define S3_MARKER        ".longhaul-repository"
#define S3_LANES         4 /* connections of one large transfer */
#define S3_LANES_ALL     8 /* threads of the whole location beside those that call */

/* What a put with "If-None-Match: *" does when the name is taken. */
enum s3_condition {
    S3_CONDITION_UNKNOWN,
    S3_CONDITION_KEPT,    /* fails, as it should */
    S3_CONDITION_IGNORED, /* succeeds: Ceph 16 on a bucket with versions */
    S3_CONDITION_REFUSED, /* is not possible at all */
};

struct s3 {
    struct storage storage;
    const struct clock *clock;
    struct http_client *http;
    struct s3_location location;
    bool versioned;       /* the bucket keeps versions, or did */
    atomic_int condition; /* enum s3_condition */
    _Atomic int64_t marker_lock_ms;
    atomic_int lanes; /* threads at work */
};

static inline struct s3 *
s3_of(struct storage *storage)
{
    return (struct s3 *)storage;
}

/* s3_request.c. Names of headers are in lower case; all are signed. Everything is borrowed until the call returns. */
struct s3_request {
    const char *method;
    const char *key; /* NULL: the bucket itself */
    struct aws_sigv4_pair query[6], headers[14];
    size_t query_count, header_count;
    const struct storage_content *content; /* NULL: no body */
    uint64_t offset, len;                  /* of the body in content */
    const char *sha256;                    /* of the body; NULL without one */
    http_sink_fn *sink;
    http_head_fn *head;
    void *sink_ctx;
    size_t ceiling; /* of an answer kept in memory; 0: 64 KiB */
};
void s3_request_query(struct s3_request *request, const char *name, const char *value);
void s3_request_header(struct s3_request *request, const char *name, const char *value);
/* One try. 0 when the status is 2xx; the response is cleared by the caller in either case. */
int s3_request_try(struct s3 *s3, const struct s3_request *request, struct http_response *response, struct error *err);
/* As often as storage_retry.h has it; without a sink. */
int s3_request_run(struct s3 *s3, const struct s3_request *request, struct http_response *response, struct error *err);
void s3_request_key(const struct s3 *s3, const char *name, char out[S3_KEY_LEN]);
/* Without the prefix: for error texts. */
const char *s3_request_name(const struct s3 *s3, const char *key);

/* s3_error.c: makes err of an answer that is not 2xx. */
int s3_error_fail(const struct s3 *s3, const struct s3_request *request, const struct http_response *response,
                  struct error *err);
/* The <Code> of an error document, or "". */
void s3_error_code(const struct http_response *response, char out[S3_CODE_LEN]);

/* s3_stat.c */
struct s3_head {
    struct storage_stat stat; /* lock_until_ms: of a lock at least as strong as the location's lock_mode */
    char version[S3_VERSION_LEN];
    char put_id[S3_PUT_ID_LEN]; /* as s3_put_id() made it; "" when somebody else wrote the object */
};
/* version NULL: the latest. */
int s3_stat_head(struct s3 *s3, const char *key, const char *version, struct s3_head *head, struct error *err);
int s3_stat(struct storage *storage, const char *name, struct storage_stat *stat, struct error *err);

/* s3_lock.c */
#define S3_LOCK_TIME_LEN 25
/* "2026-01-02T03:04:05Z", not before lock_until_ms. */
void s3_lock_time(int64_t lock_until_ms, char out[S3_LOCK_TIME_LEN]);
const char *s3_lock_mode_name(enum s3_lock_mode mode);
/* The lock of an answer's headers in milliseconds, 0 when there is none or one that is weaker than mode. */
int64_t s3_lock_of(const struct http_response *response, enum s3_lock_mode mode);
int s3_lock_retain(struct s3 *s3, const char *key, const char *version, int64_t lock_until_ms, struct error *err);
int s3_lock_extend(struct storage *storage, const char *name, int64_t lock_until_ms, struct error *err);
/* Before anything gets a lock: keeps the marker locked as long, so that nobody can make the place unattachable. */
int s3_lock_marker(struct s3 *s3, int64_t lock_until_ms, struct error *err);

/* s3_hash.c: of a range of the content. The signature covers SHA-256, so every peer checks it, and S3 keeps it as the
 * object's checksum. MD5 costs more than all else the driver does and is made where S3 insists on it. */
struct s3_hash {
    char sha256[S3_SHA256_LEN];
    char sha256_base64[45], md5_base64[25]; /* the latter may be "" */
};
int s3_hash_content(const struct storage_content *content, uint64_t offset, uint64_t len, bool with_md5,
                    struct s3_hash *hash, struct error *err);

/* s3_put.c */
int s3_put(struct storage *storage, const char *name, const struct storage_content *content, int64_t lock_until_ms,
           struct error *err);
/* Marks who wrote an object: a try whose answer was lost is recognised by it. */
void s3_put_id(const struct s3 *s3, char out[S3_PUT_ID_LEN]);
/* Fails with ERROR_EXISTS when there is an object, as its answer to a put would. */
int s3_put_absent(struct s3 *s3, const char *key, struct error *err);
struct s3_put_order {
    const char *key;
    const struct storage_content *content;
    int64_t lock_until_ms; /* 0: none */
    bool lock_later;       /* only once the name is known to be ours: a version that lost could not be deleted */
    char put_id[S3_PUT_ID_LEN];
    char lock_time[S3_LOCK_TIME_LEN];
};
/* Adds "If-None-Match: *" where it can be. */
void s3_put_condition(struct s3 *s3, struct s3_request *request);
/* Adds the headers that hold the lock and the put id. */
void s3_put_headers(const struct s3 *s3, const struct s3_put_order *order, struct s3_request *request);
/* True when the object that is there, or this version of it, is this order's; version is then of it. Any try may have
 * been carried out though its answer was lost, and libcurl repeats a request by itself on a connection that died. */
bool s3_put_is_ours(struct s3 *s3, const struct s3_put_order *order, const char *which, char version[S3_VERSION_LEN]);

/* s3_condition.c: finds out once, on the marker object. */
int s3_condition_learn(struct s3 *s3, enum s3_condition *condition, struct error *err);
/* After a put without a condition on a bucket with versions: the version that was written first has the name. When that
 * is not this one, deletes it; ERROR_EXISTS when the first one is not of this order either. */
int s3_condition_settle(struct s3 *s3, const struct s3_put_order *order, char version[S3_VERSION_LEN],
                        struct error *err);

/* s3_multipart.c; version: of the object made, "" when the bucket keeps none. */
int s3_multipart_put(struct s3 *s3, const struct s3_put_order *order, char version[S3_VERSION_LEN], struct error *err);

/* s3_parallel.c: work(index) for 0 to count - 1 on several threads, the calling one among them; the first failure ends
 * it. Each index is done once. */
typedef int s3_parallel_fn(void *ctx, size_t index, struct error *err);
int s3_parallel_run(struct s3 *s3, size_t count, s3_parallel_fn *work, void *ctx, struct error *err);
/* Threads that may be started, 0 to want; give them back. */
unsigned s3_parallel_take(struct s3 *s3, unsigned want);
void s3_parallel_give(struct s3 *s3, unsigned lanes);

/* s3_get.c */
int s3_get(struct storage *storage, const char *name, size_t ceiling, uint8_t **data, size_t *len, struct error *err);

/* s3_range.c: one connection; goes on where it was cut off. version "": the latest. */
int s3_range_fetch(struct s3 *s3, const char *key, const char *version, uint64_t offset, uint64_t len,
                   storage_block_fn *sink, void *ctx, struct error *err);
int s3_range_get(struct storage *storage, const char *name, uint64_t offset, uint64_t len, storage_block_fn *sink,
                 void *ctx, struct error *err);

/* s3_window.c: several connections, at most S3_LANES segments in memory; sink runs on the calling thread. */
#define S3_WINDOW_SEGMENT ((size_t)4 << 20)
int s3_window_get(struct s3 *s3, const char *key, const char *version, uint64_t offset, uint64_t len,
                  storage_block_fn *sink, void *ctx, struct error *err);

/* s3_list.c */
int s3_list(struct storage *storage, const char *prefix, storage_found_fn *found, void *ctx, struct error *err);
/* The objects of one page of a listing, as the peer sent it. */
int s3_list_read(const struct s3 *s3, const void *xml, size_t len, storage_found_fn *found, void *ctx,
                 struct error *err);
/* Whether any object begins with the location's prefix. */
int s3_list_any(struct s3 *s3, bool *any, struct error *err);

/* s3_versions.c */
struct s3_version {
    char id[S3_VERSION_LEN];
    bool marker; /* says "deleted", holds nothing */
};
/* All versions of one key, the newest first, allocated. */
int s3_versions_of(struct s3 *s3, const char *key, struct s3_version **versions, size_t *count, struct error *err);
/* What to read when the latest is not it: the first data that was written. ERROR_NOT_FOUND when there is none. */
int s3_versions_first(struct s3 *s3, const char *key, char version[S3_VERSION_LEN], struct error *err);
/* Version to read from the start: "" (the latest), or the first one where the location says so. */
int s3_versions_choose(struct s3 *s3, const char *key, char version[S3_VERSION_LEN], struct error *err);
/* After a read failed: true when the object is hidden behind a deletion on a location with locks; version is then of
 * the data and err is clear. */
bool s3_versions_hidden(struct s3 *s3, const char *key, char version[S3_VERSION_LEN], struct error *err);
/* Of one page, as the peer sent it: each object's first version but the last object's. */
int s3_versions_read(struct s3 *s3, const void *xml, size_t len, storage_found_fn *found, void *ctx, struct error *err);
int s3_versions_list(struct s3 *s3, const char *prefix, storage_found_fn *found, void *ctx, struct error *err);

/* s3_remove.c; version "": without versions. */
int s3_remove_version(struct s3 *s3, const char *key, const char *version, struct error *err);
int s3_remove(struct storage *storage, const char *name, struct error *err);

/* s3_attach.c */
extern const struct storage_content s3_attach_marker;
/* Learns what the bucket keeps and locks, finds or makes the marker. */
int s3_attach(struct s3 *s3, bool create, struct error *err);

#endif
