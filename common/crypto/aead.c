#include "common/crypto/aead.h"

#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/crypto_internal.h"

#include <stdlib.h>
#include <string.h>

struct aead {
    EVP_CIPHER_CTX *cipher;
};

struct aead *
aead_new(const uint8_t key[AEAD_KEY_LEN])
{
    struct aead *aead = MEMORY_NEW(struct aead);
    aead->cipher = EVP_CIPHER_CTX_new();
    crypto_internal_must(aead->cipher != NULL, "AES-256-GCM");
    aead_rekey(aead, key);
    return aead;
}

void
aead_free(struct aead *aead)
{
    if (aead == NULL)
        return;
    EVP_CIPHER_CTX_free(aead->cipher);
    free(aead);
}

void
aead_free_p(struct aead **aead)
{
    aead_free(*aead);
    *aead = NULL;
}

void
aead_rekey(struct aead *aead, const uint8_t key[AEAD_KEY_LEN])
{
    /* The direction set here does not stick: each message states its own and keeps the key. */
    crypto_internal_must(EVP_CipherInit_ex2(aead->cipher, crypto_internal_aes_256_gcm(), key, NULL, 1, NULL),
                         "AES-256-GCM");
}

static void
begin(struct aead *aead, const uint8_t *nonce, struct aead_bound bound, int encrypt)
{
    int done = 0;
    crypto_internal_must(EVP_CipherInit_ex2(aead->cipher, NULL, NULL, nonce, encrypt, NULL), "AES-256-GCM");
    crypto_internal_must(bound.len == 0 || EVP_CipherUpdate(aead->cipher, NULL, &done, bound.data, (int)bound.len) == 1,
                         "AES-256-GCM");
}

int
aead_seal(struct aead *aead, const uint8_t nonce[AEAD_NONCE_LEN], struct aead_bound bound, const void *plain,
          size_t len, uint8_t *out, struct error *err)
{
    if (len > AEAD_MAX || bound.len > AEAD_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "%zu bytes to seal in one message, %zu at the most", len, AEAD_MAX);
    int done = 0;
    begin(aead, nonce, bound, 1);
    crypto_internal_must(len == 0 || EVP_CipherUpdate(aead->cipher, out, &done, plain, (int)len) == 1, "AES-256-GCM");
    crypto_internal_must(EVP_CipherFinal_ex(aead->cipher, out + len, &done), "AES-256-GCM");
    crypto_internal_must(EVP_CIPHER_CTX_ctrl(aead->cipher, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_LEN, out + len),
                         "AES-256-GCM");
    return 0;
}

int
aead_open(struct aead *aead, const uint8_t nonce[AEAD_NONCE_LEN], struct aead_bound bound, const uint8_t *sealed,
          size_t len, uint8_t *out, struct error *err)
{
    if (len < AEAD_TAG_LEN)
        return FAIL(err, ERROR_CORRUPT, 0, "a sealed message of %zu bytes is cut off", len);
    size_t plain_len = len - AEAD_TAG_LEN;
    if (plain_len > AEAD_MAX || bound.len > AEAD_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "%zu bytes to open in one message, %zu at the most", plain_len, AEAD_MAX);
    uint8_t tag[AEAD_TAG_LEN], rest[AEAD_TAG_LEN]; /* GCM leaves no rest */
    memcpy(tag, sealed + plain_len, sizeof(tag));  /* out may overlap */
    int done = 0;
    begin(aead, nonce, bound, 0);
    crypto_internal_must(plain_len == 0 || EVP_CipherUpdate(aead->cipher, out, &done, sealed, (int)plain_len) == 1,
                         "AES-256-GCM");
    crypto_internal_must(EVP_CIPHER_CTX_ctrl(aead->cipher, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_LEN, tag), "AES-256-GCM");
    if (EVP_CipherFinal_ex(aead->cipher, rest, &done) == 1)
        return 0;
    if (plain_len > 0)
        secret_zero(out, plain_len);
    return crypto_internal_fail(err, ERROR_CORRUPT, "sealed bytes do not open: changed, or sealed with another key");
}
