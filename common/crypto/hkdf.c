#include "common/crypto/hkdf.h"

#include "common/base/secret.h"
#include "common/crypto/crypto_internal.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

int
hkdf_sha256(const struct hkdf_input *input, uint8_t *out, size_t out_len, struct error *err)
{
    if (input->key_len == 0 || input->info_len > HKDF_INFO_MAX || out_len == 0 || out_len > HKDF_OUT_MAX)
        return FAIL(err, ERROR_INTERNAL, 0, "key derivation with lengths %zu, %zu, %zu", input->key_len,
                    input->info_len, out_len);
    char digest[] = "SHA256";
    OSSL_PARAM params[5];
    size_t n = 0;
    params[n++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    /* OSSL_PARAM has no pointer to const; these are only read. */
    params[n++] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)input->key, input->key_len);
    if (input->salt_len > 0)
        params[n++] =
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)input->salt, input->salt_len);
    if (input->info_len > 0)
        params[n++] =
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)input->info, input->info_len);
    params[n] = OSSL_PARAM_construct_end();

    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    int ok = ctx != NULL && EVP_KDF_derive(ctx, out, out_len, params) == 1;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    if (ok)
        return 0;
    secret_zero(out, out_len);
    return crypto_internal_fail(err, ERROR_INTERNAL, "cannot derive a key");
}
