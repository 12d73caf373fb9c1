#ifndef LONGHAUL_COMMON_CRYPTO_DIGEST_H
#define LONGHAUL_COMMON_CRYPTO_DIGEST_H

/* SHA-256 (FIPS 180-4) and HMAC-SHA256 (RFC 2104). OpenSSL does the work; it cannot fail short of memory, so
 * nothing here returns an error: a failure aborts. One context is used by one thread at a time. */

#include <stddef.h>
#include <stdint.h>

#define DIGEST_LEN 32

struct digest;
struct hmac;

void digest_sha256(const void *data, size_t len, uint8_t out[DIGEST_LEN]);

/* Streaming. digest_final() leaves the context ready for the next message. */
struct digest *digest_new(void);
void digest_free(struct digest *digest);
void digest_free_p(struct digest **digest);
void digest_update(struct digest *digest, const void *data, size_t len);
void digest_final(struct digest *digest, uint8_t out[DIGEST_LEN]);

void hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[DIGEST_LEN]);

/* A keyed context for millions of small messages: the key is hashed in once. The key is copied. */
struct hmac *hmac_new(const void *key, size_t key_len);
/* The same key in a context of its own, for another thread. */
struct hmac *hmac_copy(const struct hmac *hmac);
void hmac_free(struct hmac *hmac);
void hmac_free_p(struct hmac **hmac);
void hmac_compute(struct hmac *hmac, const void *data, size_t len, uint8_t out[DIGEST_LEN]);

#endif
