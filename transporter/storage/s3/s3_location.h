#ifndef LONGHAUL_TRANSPORTER_STORAGE_S3_S3_LOCATION_H
#define LONGHAUL_TRANSPORTER_STORAGE_S3_S3_LOCATION_H

/* What a location's JSON says, checked. Pure. */

#include <jansson.h>
#include <stdbool.h>

struct error;
struct secret;

#define S3_PREFIX_MAX 256

enum s3_lock_mode { S3_LOCK_NONE, S3_LOCK_GOVERNANCE, S3_LOCK_COMPLIANCE };

struct s3_location {
    char *where;       /* "S3 bucket b at host", for error texts */
    char *origin;      /* "https://host[:port]", with the bucket in front of the host in virtual-host style */
    const char *host;  /* inside origin: what the Host header says */
    char *bucket_path; /* "/bucket", or "" in virtual-host style */
    char *prefix;      /* "a/b/", or "" */
    char *region, *access_key_id;
    char *ca_pem;                 /* NULL: none */
    struct secret *secret_key;    /* never NULL */
    struct secret *session_token; /* NULL: none */
    enum s3_lock_mode lock_mode;
    bool first_versions;
    unsigned tries; /* 0: as storage_retry.h has it */
};

/* Copies what it needs of json. ERROR_CONFIG says what is wrong. */
int s3_location_read(struct s3_location *location, const json_t *json, struct error *err);
/* Also after a failed read. */
void s3_location_clear(struct s3_location *location);

#endif
