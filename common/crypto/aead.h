#ifndef LONGHAUL_COMMON_CRYPTO_AEAD_H
#define LONGHAUL_COMMON_CRYPTO_AEAD_H

/* AES-256-GCM (NIST SP 800-38D) with a context that is keyed once and used often. One thread at a time.
 * The caller makes sure that no nonce is used twice under one key. */

#include <stddef.h>
#include <stdint.h>

struct aead;
struct error;

#define AEAD_KEY_LEN   32
#define AEAD_NONCE_LEN 12
#define AEAD_TAG_LEN   16
#define AEAD_MAX       ((size_t)1 << 30) /* bytes in one message */

/* The key is copied into the cipher context; the caller zeroes its own. */
struct aead *aead_new(const uint8_t key[AEAD_KEY_LEN]);
void aead_free(struct aead *aead);
void aead_free_p(struct aead **aead);
/* Another key in the same context. */
void aead_rekey(struct aead *aead, const uint8_t key[AEAD_KEY_LEN]);

/* What a message is bound to. data may be NULL with len 0. */
struct aead_bound {
    const void *data;
    size_t len;
};

/* out receives len bytes of ciphertext, then the tag: len + AEAD_TAG_LEN in all. out may equal plain. Fails only
 * above AEAD_MAX (ERROR_LIMIT). */
int aead_seal(struct aead *aead, const uint8_t nonce[AEAD_NONCE_LEN], struct aead_bound bound, const void *plain,
              size_t len, uint8_t *out, struct error *err);
/* sealed is what aead_seal() wrote, len bytes with the tag; out receives len - AEAD_TAG_LEN and may equal sealed.
 * ERROR_CORRUPT when key, nonce, bound data, ciphertext or tag are not the ones it was sealed with; out is
 * zeroed then. */
int aead_open(struct aead *aead, const uint8_t nonce[AEAD_NONCE_LEN], struct aead_bound bound, const uint8_t *sealed,
              size_t len, uint8_t *out, struct error *err);

#endif
