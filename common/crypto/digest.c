#include "common/crypto/digest.h"

#include "common/base/memory.h"
#include "common/crypto/crypto_internal.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdlib.h>

struct digest {
    EVP_MD_CTX *md;
};

struct hmac {
    EVP_MAC_CTX *mac;
};

void
digest_sha256(const void *data, size_t len, uint8_t out[DIGEST_LEN])
{
    unsigned out_len = 0;
    crypto_internal_must(EVP_Digest(data, len, out, &out_len, crypto_internal_sha256(), NULL), "SHA-256");
}

struct digest *
digest_new(void)
{
    struct digest *digest = MEMORY_NEW(struct digest);
    digest->md = EVP_MD_CTX_new();
    crypto_internal_must(digest->md != NULL && EVP_DigestInit_ex2(digest->md, crypto_internal_sha256(), NULL) == 1,
                         "SHA-256");
    return digest;
}

void
digest_free(struct digest *digest)
{
    if (digest == NULL)
        return;
    EVP_MD_CTX_free(digest->md);
    free(digest);
}

void
digest_free_p(struct digest **digest)
{
    digest_free(*digest);
    *digest = NULL;
}

void
digest_update(struct digest *digest, const void *data, size_t len)
{
    crypto_internal_must(EVP_DigestUpdate(digest->md, data, len), "SHA-256");
}

void
digest_final(struct digest *digest, uint8_t out[DIGEST_LEN])
{
    unsigned out_len = 0;
    crypto_internal_must(EVP_DigestFinal_ex(digest->md, out, &out_len), "SHA-256");
    crypto_internal_must(EVP_DigestInit_ex2(digest->md, NULL, NULL), "SHA-256");
}

struct hmac *
hmac_new(const void *key, size_t key_len)
{
    char name[] = "SHA256";
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                            OSSL_PARAM_construct_end() };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    struct hmac *hmac = MEMORY_NEW(struct hmac);
    hmac->mac = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    /* An empty key is a key to HMAC, but a NULL pointer means "the old one" to OpenSSL. */
    crypto_internal_must(hmac->mac != NULL &&
                             EVP_MAC_init(hmac->mac, key_len > 0 ? key : (const void *)"", key_len, params) == 1,
                         "HMAC");
    return hmac;
}

struct hmac *
hmac_copy(const struct hmac *hmac)
{
    struct hmac *copy = MEMORY_NEW(struct hmac);
    copy->mac = EVP_MAC_CTX_dup(hmac->mac);
    crypto_internal_must(copy->mac != NULL, "HMAC");
    return copy;
}

void
hmac_free(struct hmac *hmac)
{
    if (hmac == NULL)
        return;
    EVP_MAC_CTX_free(hmac->mac);
    free(hmac);
}

void
hmac_free_p(struct hmac **hmac)
{
    hmac_free(*hmac);
    *hmac = NULL;
}

void
hmac_compute(struct hmac *hmac, const void *data, size_t len, uint8_t out[DIGEST_LEN])
{
    size_t out_len = 0;
    crypto_internal_must(EVP_MAC_init(hmac->mac, NULL, 0, NULL), "HMAC");
    crypto_internal_must(len == 0 || EVP_MAC_update(hmac->mac, data, len) == 1, "HMAC");
    crypto_internal_must(EVP_MAC_final(hmac->mac, out, &out_len, DIGEST_LEN), "HMAC");
}

void
hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[DIGEST_LEN])
{
    struct hmac *hmac = hmac_new(key, key_len);
    hmac_compute(hmac, data, len, out);
    hmac_free(hmac);
}
