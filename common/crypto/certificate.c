#include "common/crypto/certificate.h"

#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/identifier.h"
#include "common/base/memory.h"
#include "common/crypto/certificate_internal.h"
#include "common/crypto/crypto_internal.h"
#include "common/crypto/digest.h"
#include "common/crypto/key_pair_internal.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

/* SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING { 65-byte point } } (RFC 5480) */
#define SPKI_LEN 91

static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

X509 *
certificate_internal_parse(const char *pem, struct error *err)
{
    size_t len = strnlen(pem, CERTIFICATE_PEM_MAX + 1);
    X509 *x509 = NULL;
    if (len <= CERTIFICATE_PEM_MAX) {
        BIO *bio = BIO_new_mem_buf(pem, (int)len);
        x509 = bio != NULL ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
        BIO_free(bio);
    }
    if (x509 == NULL)
        crypto_internal_fail(err, ERROR_FORMAT, "not a certificate in PEM");
    return x509;
}

int
certificate_internal_key_sha256(X509_PUBKEY *key, uint8_t out[32])
{
    uint8_t point[KEY_POINT_LEN], *der = NULL;
    EVP_PKEY *pkey = X509_PUBKEY_get0(key);
    int len = i2d_X509_PUBKEY(key, &der);
    int rc = -1;
    if (len == SPKI_LEN && pkey != NULL && key_pair_internal_point(pkey, point) == 0) {
        digest_sha256(der, (size_t)len, out);
        rc = 0;
    }
    OPENSSL_free(der);
    ERR_clear_error();
    return rc;
}

static int64_t
time_ms(const ASN1_TIME *t)
{
    struct tm tm;
    return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : INT64_MIN;
}

/* The node id of the one URI SAN that is ours; "" when there is none or more than one. */
static void
node_id_of(X509 *x509, char out[IDENTIFIER_LEN])
{
    static const size_t prefix_len = sizeof(CERTIFICATE_NODE_URI_PREFIX) - 1;
    int found = 0;
    *out = '\0';
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_URI)
            continue;
        const char *uri = (const char *)ASN1_STRING_get0_data(name->d.uniformResourceIdentifier);
        size_t len = (size_t)ASN1_STRING_length(name->d.uniformResourceIdentifier);
        if (len <= prefix_len || memcmp(uri, CERTIFICATE_NODE_URI_PREFIX, prefix_len) != 0)
            continue;
        size_t id_len = len - prefix_len;
        found++;
        if (id_len >= IDENTIFIER_LEN || memchr(uri, '\0', len) != NULL)
            continue;
        memcpy(out, uri + prefix_len, id_len);
        out[id_len] = '\0';
    }
    GENERAL_NAMES_free(names);
    if (found != 1 || !identifier_valid(out))
        *out = '\0';
}

int
certificate_inspect(const char *pem, struct certificate_info *info, struct error *err)
{
    X509 *x509 = certificate_internal_parse(pem, err);
    if (x509 == NULL)
        return -1;
    *info = (struct certificate_info){ .not_before_ms = time_ms(X509_get0_notBefore(x509)),
                                       .not_after_ms = time_ms(X509_get0_notAfter(x509)) };
    node_id_of(x509, info->node_id);
    unsigned len = 0;
    int rc = certificate_internal_key_sha256(X509_get_X509_PUBKEY(x509), info->key_sha256);
    if (rc != 0 || X509_digest(x509, crypto_internal_sha256(), info->fingerprint, &len) != 1)
        rc = FAIL(err, ERROR_FORMAT, 0, "the certificate's key is not a P-256 key");
    else if (info->not_before_ms == INT64_MIN || info->not_after_ms == INT64_MIN)
        rc = FAIL(err, ERROR_FORMAT, 0, "the certificate's times cannot be read");
    X509_free(x509);
    return rc;
}

int
certificate_fingerprint(const char *pem, char out[CERTIFICATE_FINGERPRINT_LEN], struct error *err)
{
    struct certificate_info info;
    if (certificate_inspect(pem, &info, err) != 0)
        return -1;
    encoding_hex(info.fingerprint, sizeof(info.fingerprint), out);
    return 0;
}

/* Does the chain (leaf, root) hold at this time? */
static int
check_chain(X509 *leaf, X509 *root, int64_t now_ms, struct error *err)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    crypto_internal_must(store != NULL && ctx != NULL && X509_STORE_add_cert(store, root) == 1 &&
                             X509_STORE_CTX_init(ctx, store, leaf, NULL) == 1,
                         "a certificate store");
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), (time_t)(now_ms / 1000));
    int rc = 0;
    if (X509_verify_cert(ctx) != 1)
        rc = FAIL(err, ERROR_DENIED, 0, "the certificate is not good: %s",
                  X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    ERR_clear_error();
    return rc;
}

int
certificate_check_issued(const char *leaf_pem, const char *authority_pem, const struct key_pair *key,
                         const char *node_id, int64_t now_ms, struct error *err)
{
    struct certificate_info info;
    uint8_t own[32];
    if (certificate_inspect(leaf_pem, &info, err) != 0)
        return -1;
    key_pair_spki_sha256(key, own);
    if (memcmp(own, info.key_sha256, sizeof(own)) != 0)
        return FAIL(err, ERROR_DENIED, 0, "the certificate is for another key than ours");
    if (node_id != NULL && strcmp(node_id, info.node_id) != 0)
        return FAIL(err, ERROR_DENIED, 0, "the certificate is for node \"%s\", not %s", info.node_id, node_id);
    X509 *leaf = certificate_internal_parse(leaf_pem, err);
    X509 *root = leaf != NULL ? certificate_internal_parse(authority_pem, err) : NULL;
    int rc = root != NULL ? check_chain(leaf, root, now_ms, err) : -1;
    X509_free(leaf);
    X509_free(root);
    return rc;
}
