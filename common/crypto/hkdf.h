#ifndef LONGHAUL_COMMON_CRYPTO_HKDF_H
#define LONGHAUL_COMMON_CRYPTO_HKDF_H

/* HKDF-SHA256 (RFC 5869), extract and expand in one step. Any thread. */

#include <stddef.h>
#include <stdint.h>

struct error;

#define HKDF_INFO_MAX 1024
#define HKDF_OUT_MAX  (255 * 32)

struct hkdf_input {
    const void *key; /* input keying material, 1 byte or more */
    size_t key_len;
    const void *salt; /* may be NULL */
    size_t salt_len;
    const void *info; /* what the output is for; may be NULL; at most HKDF_INFO_MAX bytes */
    size_t info_len;
};

/* out_len is 1 to HKDF_OUT_MAX. The caller zeroes out when done with it. ERROR_INTERNAL on a wrong length. */
int hkdf_sha256(const struct hkdf_input *input, uint8_t *out, size_t out_len, struct error *err);

#endif
