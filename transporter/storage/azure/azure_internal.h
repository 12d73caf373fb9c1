#ifndef LONGHAUL_TRANSPORTER_STORAGE_AZURE_AZURE_INTERNAL_H
#define LONGHAUL_TRANSPORTER_STORAGE_AZURE_AZURE_INTERNAL_H

/* Object a/b/cdef is the block blob <prefix>a/b/cdef. It is written with If-None-Match: *, so a name is taken once, and
 * carries a random token in its metadata: after a lost answer the writer knows its own blob again. Locks are version
 * level immutability policies. Where the account keeps versions, a removed name leaves the data behind as an older
 * version, so remove() deletes every version, and a locked object whose name somebody deleted is read from the version
 * that is left. */

#include "common/net/http_client.h"
#include "transporter/storage/azure/azure_sign.h"
#include "transporter/storage/azure/azure_xml.h"
#include "transporter/storage/storage.h"

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

struct secret;

#define AZURE_MARKER        ".longhaul-repository"
#define AZURE_PREFIX_LEN    256 /* with the final '/' and the NUL */
#define AZURE_BLOB_LEN      (AZURE_PREFIX_LEN + STORAGE_NAME_LEN)
#define AZURE_TOKEN_LEN     33 /* 16 random bytes in hexadecimal */
#define AZURE_TOKEN_HEADER  "x-ms-meta-longhaulput"
#define AZURE_UNTIL_HEADER  "x-ms-immutability-policy-until-date"
#define AZURE_MODE_HEADER   "x-ms-immutability-policy-mode"
#define AZURE_SINGLE_MAX    ((uint64_t)20 << 20) /* larger ones go in blocks */
#define AZURE_BLOCK_MIN     ((uint64_t)8 << 20)
#define AZURE_BLOCKS_MAX    50000
#define AZURE_BLOCK_THREADS 4

enum azure_lock_mode { AZURE_LOCK_NONE, AZURE_LOCK_UNLOCKED, AZURE_LOCK_LOCKED };

struct azure {
    struct storage storage;
    const struct clock *clock;
    struct http_client *http;
    char *origin; /* "https://account.blob.core.windows.net", and a path when the endpoint has one; no '/' at the end */
    char *account, *container;
    char prefix[AZURE_PREFIX_LEN]; /* "" or with a '/' at the end */
    struct secret *key;            /* decoded; NULL with a SAS */
    struct secret *sas;            /* without '?' */
    enum azure_lock_mode lock_mode;
    bool first_versions;             /* read what was written first, not what is there now */
    unsigned tries_max;              /* of a request; 0: as storage_retry has it */
    atomic_bool versioned;           /* learnt from answers */
    _Atomic int64_t marker_until_ms; /* learnt: the marker is locked until then */
    pthread_mutex_t extend_lock;     /* one extension at a time */
};

/* Reads the fields of location; sends nothing. ERROR_CONFIG. */
struct azure *azure_location_read(const json_t *location, const struct clock *clock, struct error *err);
void azure_location_free(struct azure *azure);

/* One request. Names are encoded as they stand in the URL. */
struct azure_call {
    const char *method;
    const char *what;  /* for texts: "writing" */
    const char *name;  /* for texts: the object's name, or NULL for the container */
    const char *blob;  /* the whole blob name; NULL: the container */
    const char *query; /* "comp=block&blockid=…"; NULL */
    const struct azure_sign_header *headers;
    size_t header_count;
    const struct storage_content *content; /* NULL: no body */
    uint64_t offset, len;                  /* of the content */
    http_sink_fn *sink;
    http_head_fn *head;
    void *sink_ctx;
    size_t body_ceiling;
};

/* 0 with a 2xx answer. Otherwise the error tells what an operator can do; the response's status and headers are there
 * when one came. The response is initialised here and cleared by the caller in either case. *tries (may be NULL) counts
 * how often it was sent. */
int azure_request(struct azure *azure, const struct azure_call *call, struct http_response *response, unsigned *tries,
                  struct error *err);

/* The same, sent once. *passing: trying again may help. err is not NULL and clear. */
int azure_request_once(struct azure *azure, const struct azure_call *call, struct http_response *response,
                       bool *passing, struct error *err);

/* Turns an answer other than 2xx into an error. Returns whether trying again may help. */
bool azure_fail(const struct azure *azure, const struct azure_call *call, const struct http_response *response,
                struct error *err);
/* The service's own name for what went wrong; "" when it gave none. */
const char *azure_fail_code(const struct http_response *response);

/* Hands over what went wrong: -1 when why is set, 0 otherwise. */
int azure_pass(const struct error *why, struct error *err);

struct azure_properties {
    struct storage_stat stat;
    bool held;                   /* a legal hold */
    enum azure_lock_mode mode;   /* of its policy */
    char token[AZURE_TOKEN_LEN]; /* "" when it has none */
};
/* version "": the current one. */
int azure_properties_get(struct azure *azure, const char *name, const char *version, struct azure_properties *out,
                         struct error *err);

/* Whether the policy is the wanted one. */
bool azure_lock_lasts(const struct azure *azure, const struct azure_properties *properties, int64_t until_ms);
/* until_ms is rounded up to the second. Never shortens a policy. */
int azure_lock_set(struct azure *azure, const char *name, int64_t until_ms, struct error *err);
/* Makes the blob that tells an attached location; fine when it is there. */
int azure_marker_make(struct azure *azure, struct error *err);
/* Keeps it locked at least as long as what is stored. */
int azure_marker_lock(struct azure *azure, int64_t until_ms, struct error *err);
const char *azure_lock_mode_text(enum azure_lock_mode mode);

/* The headers that every write of a blob has; values live in the struct. */
struct azure_write_headers {
    char token[AZURE_TOKEN_LEN], until[40];
    struct azure_sign_header at[8];
    size_t count;
};
void azure_write_headers_init(struct azure_write_headers *headers, const struct azure *azure, int64_t lock_until_ms);

/* Uploads in blocks, several at a time, and commits them with these headers. */
int azure_blocks_put(struct azure *azure, const char *name, const struct storage_content *content,
                     const struct azure_write_headers *headers, struct error *err);
/* MD5 of a part of the content, in base64: 24 characters and a NUL. */
#define AZURE_MD5_LEN 25
int azure_content_md5(const struct storage_content *content, uint64_t offset, uint64_t len, char out[AZURE_MD5_LEN],
                      struct error *err);
/* An http_body_fn over a struct azure_content_part. */
struct azure_content_part {
    const struct storage_content *content;
    uint64_t offset, len;
};
int azure_content_read(void *ctx, uint64_t offset, void *out, size_t capacity, size_t *len, struct error *err);

/* One page after another of what lies below a blob name's beginning. include: "" or "versions,…". */
int azure_list_blobs(struct azure *azure, const char *prefix, const char *include, unsigned page,
                     azure_xml_found_fn *found, void *ctx, struct error *err);
/* Every version of one object. */
int azure_list_versions(struct azure *azure, const char *name, azure_xml_found_fn *found, void *ctx, struct error *err);
/* Whether an object that was not found (why) is one whose name somebody deleted while a lock holds its data: version
 * then takes the oldest, which is the one that was put, and why is clear. */
bool azure_version_left(struct azure *azure, const char *name, char version[AZURE_XML_VERSION_LEN], struct error *why);

/* The version to read: the first with first_versions, otherwise (and where none is kept) "" for the current one. */
int azure_version_choose(struct azure *azure, const char *name, char version[AZURE_XML_VERSION_LEN], struct error *err);

void azure_blob_name(const struct azure *azure, const char *name, char out[AZURE_BLOB_LEN]);

int azure_put(struct storage *storage, const char *name, const struct storage_content *content, int64_t lock_until_ms,
              struct error *err);
int azure_get(struct storage *storage, const char *name, size_t ceiling, uint8_t **data, size_t *len,
              struct error *err);
int azure_get_range(struct storage *storage, const char *name, uint64_t offset, uint64_t len, storage_block_fn *sink,
                    void *ctx, struct error *err);
int azure_list(struct storage *storage, const char *prefix, storage_found_fn *found, void *ctx, struct error *err);
int azure_stat(struct storage *storage, const char *name, struct storage_stat *stat, struct error *err);
int azure_remove(struct storage *storage, const char *name, struct error *err);
int azure_extend(struct storage *storage, const char *name, int64_t lock_until_ms, struct error *err);

#endif
