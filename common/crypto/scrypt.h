#ifndef LONGHAUL_COMMON_CRYPTO_SCRYPT_H
#define LONGHAUL_COMMON_CRYPTO_SCRYPT_H

/* scrypt (RFC 7914): a key from a password, at a cost in memory and time that the caller has bounded. Any thread;
 * one at a time in the process, so that tasks that begin together do not need that memory each. */

#include <stddef.h>
#include <stdint.h>

struct error;
struct secret;

struct scrypt_input {
    const struct secret *password;
    const void *salt;
    size_t salt_len;
    uint64_t n; /* a power of two */
    uint32_t r, p;
    uint64_t memory_most; /* bytes; more is refused */
};

/* The caller zeroes out when done with it. ERROR_INTERNAL: parameters that make no sense, or no memory. */
int scrypt_derive(const struct scrypt_input *input, uint8_t *out, size_t out_len, struct error *err);

#endif
