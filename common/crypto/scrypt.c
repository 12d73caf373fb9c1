#include "common/crypto/scrypt.h"

#include "common/base/secret.h"
#include "common/crypto/crypto_internal.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <pthread.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

int
scrypt_derive(const struct scrypt_input *input, uint8_t *out, size_t out_len, struct error *err)
{
    uint64_t n = input->n, most = input->memory_most;
    uint32_t r = input->r, p = input->p;
    /* OSSL_PARAM has no pointer to const; password and salt are only read. */
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, (void *)(uintptr_t)secret_bytes(input->password),
                                          secret_len(input->password)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)input->salt, input->salt_len),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &most),
        OSSL_PARAM_construct_end()
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
    EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    pthread_mutex_lock(&one_at_a_time);
    int ok = ctx != NULL && EVP_KDF_derive(ctx, out, out_len, params) == 1;
    pthread_mutex_unlock(&one_at_a_time);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    if (ok)
        return 0;
    secret_zero(out, out_len);
    return crypto_internal_fail(err, ERROR_INTERNAL, "cannot derive the key of a password (is memory short?)");
}
