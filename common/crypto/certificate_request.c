#include "common/base/buffer.h"
#include "common/crypto/certificate.h"
#include "common/crypto/certificate_internal.h"
#include "common/crypto/crypto_internal.h"

#include <openssl/err.h>

int
certificate_request_new(const struct key_pair *key, struct buffer *out, struct error *err)
{
    uint8_t *der = NULL;
    X509_REQ *request = X509_REQ_new();
    int len = -1;
    if (request != NULL && X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
        X509_REQ_set_pubkey(request, key_pair_openssl(key)) == 1 &&
        X509_REQ_sign(request, key_pair_openssl(key), crypto_internal_sha256()) > 0)
        len = i2d_X509_REQ(request, &der);
    int rc = len > 0 ? buffer_append(out, der, (size_t)len, err)
                     : crypto_internal_fail(err, ERROR_INTERNAL, "cannot make a certificate request");
    OPENSSL_free(der);
    X509_REQ_free(request);
    return rc;
}

X509_REQ *
certificate_request_parse(const void *der, size_t len, struct error *err)
{
    if (len == 0 || len > CERTIFICATE_REQUEST_MAX) {
        FAIL(err, ERROR_FORMAT, 0, "a certificate request of %zu bytes, 1 to %zu are possible", len,
             CERTIFICATE_REQUEST_MAX);
        return NULL;
    }
    const uint8_t *p = der;
    X509_REQ *request = d2i_X509_REQ(NULL, &p, (long)len);
    if (request == NULL || p != (const uint8_t *)der + len) {
        crypto_internal_fail(err, ERROR_FORMAT, "not a certificate request in DER");
        X509_REQ_free(request);
        return NULL;
    }
    return request;
}

int
certificate_request_check(const void *der, size_t len, uint8_t key_sha256[32], struct error *err)
{
    X509_REQ *request = certificate_request_parse(der, len, err);
    if (request == NULL)
        return -1;
    int rc = 0;
    if (certificate_internal_key_sha256(X509_REQ_get_X509_PUBKEY(request), key_sha256) != 0)
        rc = FAIL(err, ERROR_FORMAT, 0, "the certificate request's key is not a P-256 key with an uncompressed point");
    else if (X509_REQ_get_signature_nid(request) != NID_ecdsa_with_SHA256 ||
             X509_REQ_verify(request, X509_REQ_get0_pubkey(request)) != 1)
        rc = FAIL(err, ERROR_FORMAT, 0, "the certificate request is not signed with the key it carries");
    ERR_clear_error();
    X509_REQ_free(request);
    return rc;
}
