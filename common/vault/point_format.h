#ifndef LONGHAUL_COMMON_VAULT_POINT_FORMAT_H
#define LONGHAUL_COMMON_VAULT_POINT_FORMAT_H

/* A recovery point as bytes. proto/FORMAT.md, "Recovery point". Pure. */

#include "common/vault/point.h"

#define POINT_BODY_MAX ((size_t)4096)
#define POINT_SALT_LEN 32

struct point_parts {
    const uint8_t *salt; /* POINT_SALT_LEN bytes */
    const uint8_t *sealed;
    size_t sealed_len;
    size_t header_len; /* everything before the sealed bytes: what they are bound to */
};

int point_format_encode_header(const struct point_header *header, const uint8_t salt[POINT_SALT_LEN], size_t sealed_len,
                               struct buffer *out, struct error *err);
int point_format_append_digest(struct buffer *out, struct error *err);
/* Checks the digest. ERROR_FORMAT, ERROR_UNSUPPORTED, ERROR_CORRUPT. */
int point_format_decode(const uint8_t *data, size_t len, struct point_header *header, struct point_parts *parts,
                        struct error *err);

int point_format_encode_body(const struct point *point, struct buffer *out, struct error *err);
/* Fills everything but the header. */
int point_format_decode_body(const uint8_t *data, size_t len, struct point *point, struct error *err);

#endif
