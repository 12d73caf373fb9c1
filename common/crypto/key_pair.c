#include "common/crypto/key_pair.h"

#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/crypto_internal.h"
#include "common/crypto/digest.h"
#include "common/crypto/key_pair_internal.h"
#include "common/crypto/private_file.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURE_DER_MAX 80 /* two integers of 33 bytes and their heads: 72 */

struct key_pair {
    EVP_PKEY *pkey;
    uint8_t point[KEY_POINT_LEN];
};

/* Takes the key, also on failure. */
static struct key_pair *
wrap(EVP_PKEY *pkey, struct error *err)
{
    struct key_pair *key = MEMORY_NEW(struct key_pair);
    key->pkey = pkey;
    if (key_pair_internal_point(pkey, key->point) == 0)
        return key;
    crypto_internal_fail(err, ERROR_FORMAT, "not a P-256 key");
    key_pair_free(key);
    return NULL;
}

struct key_pair *
key_pair_new(struct error *err)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    if (pkey == NULL) {
        crypto_internal_fail(err, ERROR_INTERNAL, "cannot make a key");
        return NULL;
    }
    return wrap(pkey, err);
}

void
key_pair_free(struct key_pair *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pkey);
    free(key);
}

void
key_pair_free_p(struct key_pair **key)
{
    key_pair_free(*key);
    *key = NULL;
}

/* An encrypted PEM would make OpenSSL ask on the terminal. */
static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

struct key_pair *
key_pair_from_pem(const struct secret *pem, struct error *err)
{
    BIO *bio = BIO_new_mem_buf(secret_bytes(pem), (int)secret_len(pem));
    EVP_PKEY *pkey = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    if (pkey == NULL) {
        crypto_internal_fail(err, ERROR_FORMAT, "not an unencrypted private key in PEM");
        return NULL;
    }
    return wrap(pkey, err);
}

struct secret *
key_pair_to_pem(const struct key_pair *key, struct error *err)
{
    struct secret *pem = NULL;
    BIO *bio = BIO_new(BIO_s_secmem()); /* zeroed when freed */
    if (bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) == 1) {
        char *data = NULL;
        long len = BIO_get_mem_data(bio, &data);
        pem = secret_new(data, (size_t)len, err);
    } else {
        crypto_internal_fail(err, ERROR_INTERNAL, "cannot write a key");
    }
    BIO_free(bio);
    return pem;
}

struct key_pair *
key_pair_load(const char *path, struct error *err)
{
    CLEANUP(secret_free_p) struct secret *pem = private_file_read(path, err);
    if (pem == NULL)
        return NULL;
    struct key_pair *key = key_pair_from_pem(pem, err);
    if (key == NULL)
        error_wrap(err, "%s", path);
    return key;
}

int
key_pair_save(const struct key_pair *key, const char *path, struct error *err)
{
    CLEANUP(secret_free_p) struct secret *pem = key_pair_to_pem(key, err);
    return pem != NULL ? private_file_create(path, secret_bytes(pem), secret_len(pem), err) : -1;
}

const uint8_t *
key_pair_point(const struct key_pair *key)
{
    return key->point;
}

void
key_pair_spki_sha256(const struct key_pair *key, uint8_t out[32])
{
    uint8_t *der = NULL;
    int len = i2d_PUBKEY(key->pkey, &der);
    crypto_internal_must(len > 0, "to encode a public key");
    digest_sha256(der, (size_t)len, out);
    OPENSSL_free(der);
}

struct evp_pkey_st *
key_pair_openssl(const struct key_pair *key)
{
    return key->pkey;
}

int
key_pair_internal_point(EVP_PKEY *pkey, uint8_t out[KEY_POINT_LEN])
{
    char group[32];
    size_t len = 0;
    if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), &len) != 1 ||
        OBJ_sn2nid(group) != NID_X9_62_prime256v1)
        return -1;
    if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, out, KEY_POINT_LEN, &len) != 1)
        return -1;
    return len == KEY_POINT_LEN && out[0] == POINT_CONVERSION_UNCOMPRESSED ? 0 : -1;
}

EVP_PKEY *
key_pair_internal_public(const uint8_t point[KEY_POINT_LEN], struct error *err)
{
    char group[] = "P-256";
    uint8_t copy[KEY_POINT_LEN];
    memcpy(copy, point, sizeof(copy));
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                            OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy, sizeof(copy)),
                            OSSL_PARAM_construct_end() };
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    /* Decoding the point checks that it is on the curve; the curve's cofactor is 1. */
    int ok = point[0] == POINT_CONVERSION_UNCOMPRESSED && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
             EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) == 1;
    EVP_PKEY_CTX_free(ctx);
    if (ok)
        return pkey;
    crypto_internal_fail(err, ERROR_FORMAT, "not a public key: the bytes are no uncompressed point on P-256");
    return NULL;
}

int
key_pair_check_point(const uint8_t *point, size_t len, struct error *err)
{
    if (len != KEY_POINT_LEN)
        return FAIL(err, ERROR_FORMAT, 0, "a public key of %zu bytes instead of %d", len, KEY_POINT_LEN);
    EVP_PKEY *pkey = key_pair_internal_public(point, err);
    EVP_PKEY_free(pkey);
    return pkey != NULL ? 0 : -1;
}

static int
signature_from_der(const uint8_t *der, size_t len, uint8_t out[KEY_SIGNATURE_LEN])
{
    const uint8_t *p = der;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
    int ok = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32) == 32 &&
             BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32) == 32;
    ECDSA_SIG_free(sig);
    return ok ? 0 : -1;
}

/* The length of the DER, or -1. */
static int
signature_to_der(const uint8_t raw[KEY_SIGNATURE_LEN], uint8_t der[SIGNATURE_DER_MAX])
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, 32, NULL), *s = BN_bin2bn(raw + 32, 32, NULL);
    int len = -1;
    if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL;
        if (i2d_ECDSA_SIG(sig, NULL) <= SIGNATURE_DER_MAX)
            len = i2d_ECDSA_SIG(sig, &der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return len;
}

int
key_pair_sign(const struct key_pair *key, const void *data, size_t len, uint8_t out[KEY_SIGNATURE_LEN],
              struct error *err)
{
    uint8_t der[SIGNATURE_DER_MAX];
    size_t der_len = sizeof(der);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int ok = ctx != NULL && EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key_pair_openssl(key), NULL) == 1 &&
             EVP_DigestSign(ctx, der, &der_len, data, len) == 1 && signature_from_der(der, der_len, out) == 0;
    EVP_MD_CTX_free(ctx);
    return ok ? 0 : crypto_internal_fail(err, ERROR_INTERNAL, "cannot sign");
}

int
key_pair_verify(const uint8_t point[KEY_POINT_LEN], const void *data, size_t len,
                const uint8_t signature[KEY_SIGNATURE_LEN], struct error *err)
{
    EVP_PKEY *pkey = key_pair_internal_public(point, err);
    if (pkey == NULL)
        return -1;
    uint8_t der[SIGNATURE_DER_MAX];
    int der_len = signature_to_der(signature, der);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int ok = der_len > 0 && ctx != NULL && EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL, NULL, pkey, NULL) == 1 &&
             EVP_DigestVerify(ctx, der, (size_t)der_len, data, len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return ok ? 0 : FAIL(err, ERROR_DENIED, 0, "bad signature");
}

int
key_pair_agree(const struct key_pair *key, const uint8_t peer[KEY_POINT_LEN], uint8_t out[32], struct error *err)
{
    EVP_PKEY *other = key_pair_internal_public(peer, err);
    if (other == NULL)
        return -1;
    size_t len = 32;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key_pair_openssl(key), NULL);
    int ok = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, other) == 1 &&
             EVP_PKEY_derive(ctx, out, &len) == 1 && len == 32;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(other);
    if (ok)
        return 0;
    secret_zero(out, 32);
    return crypto_internal_fail(err, ERROR_FORMAT, "cannot agree on a key");
}
