#ifndef LONGHAUL_COMMON_CRYPTO_CERTIFICATE_INTERNAL_H
#define LONGHAUL_COMMON_CRYPTO_CERTIFICATE_INTERNAL_H

#include "common/crypto/certificate.h"

#include <openssl/x509.h>

/* certificate.c. The first certificate of the text; NULL with ERROR_FORMAT. Free with X509_free(). */
X509 *certificate_internal_parse(const char *pem, struct error *err);
/* SHA-256 of a SubjectPublicKeyInfo; -1 unless it is a P-256 key with an uncompressed point and a named curve. */
int certificate_internal_key_sha256(X509_PUBKEY *key, uint8_t out[32]);
/* certificate_request.c. Well-formed DER and nothing after it; NULL with ERROR_FORMAT. Free with X509_REQ_free(). */
X509_REQ *certificate_request_parse(const void *der, size_t len, struct error *err);

#endif
