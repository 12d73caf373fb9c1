#include "common/base/error.h"
#include "common/net/tls_context_internal.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <stdio.h>

/* https://www.iana.org/assignments/tls-parameters, alert descriptions */
enum {
    ALERT_BAD_CERTIFICATE = 42,
    ALERT_UNSUPPORTED_CERTIFICATE = 43,
    ALERT_CERTIFICATE_REVOKED = 44,
    ALERT_CERTIFICATE_EXPIRED = 45,
    ALERT_CERTIFICATE_UNKNOWN = 46,
    ALERT_UNKNOWN_CA = 48,
    ALERT_ACCESS_DENIED = 49,
    ALERT_PROTOCOL_VERSION = 70,
    ALERT_CERTIFICATE_REQUIRED = 116,
    ALERT_NO_APPLICATION_PROTOCOL = 120,
};

const char *
tls_failure_reason(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
    ERR_clear_error();
    return reason != NULL ? reason : "unknown reason";
}

static const char *
version_name(int version)
{
    switch (version) {
    case SSL3_VERSION:
        return "SSL 3.0";
    case TLS1_VERSION:
        return "TLS 1.0";
    case TLS1_1_VERSION:
        return "TLS 1.1";
    case TLS1_2_VERSION:
        return "TLS 1.2";
    default:
        return "TLS 1.2 or older";
    }
}

static int
certificate_failure(const struct tls_context *context, long result, struct error *err)
{
    switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return FAIL(err, ERROR_UNAUTHENTICATED, (int)result,
                    "the peer's certificate has expired: renew it there, or check the clocks of both machines");
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return FAIL(err, ERROR_UNAUTHENTICATED, (int)result,
                    "the peer's certificate is not valid yet: check the clocks of both machines");
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return FAIL(err, ERROR_UNAUTHENTICATED, (int)result,
                    "the peer's certificate is not signed by an authority that is trusted here");
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return FAIL(err, ERROR_UNAUTHENTICATED, (int)result, "the peer's certificate is for another host name");
    default:
        break;
    }
    if (context->pinned && result == X509_V_ERR_APPLICATION_VERIFICATION)
        return FAIL(err, ERROR_UNAUTHENTICATED, (int)result,
                    "the peer's root certificate does not have the expected fingerprint: it is another director, or "
                    "somebody is in between");
    return FAIL(err, ERROR_UNAUTHENTICATED, (int)result, "the peer's certificate was refused: %s",
                X509_verify_cert_error_string(result));
}

static int
alert_failure(int alert, struct error *err)
{
    switch (alert) {
    case ALERT_CERTIFICATE_EXPIRED:
        return FAIL(err, ERROR_UNAUTHENTICATED, alert,
                    "the peer refused our certificate: it has expired, or the clocks differ");
    case ALERT_UNKNOWN_CA:
        return FAIL(err, ERROR_UNAUTHENTICATED, alert,
                    "the peer refused our certificate: it does not trust the authority that signed it");
    case ALERT_CERTIFICATE_REQUIRED:
        return FAIL(err, ERROR_UNAUTHENTICATED, alert, "the peer refused us: it wants a client certificate");
    case ALERT_CERTIFICATE_REVOKED:
        return FAIL(err, ERROR_UNAUTHENTICATED, alert, "the peer refused our certificate: it has been revoked");
    case ALERT_BAD_CERTIFICATE:
    case ALERT_UNSUPPORTED_CERTIFICATE:
    case ALERT_CERTIFICATE_UNKNOWN:
    case ALERT_ACCESS_DENIED:
        return FAIL(err, ERROR_UNAUTHENTICATED, alert, "the peer refused our certificate (TLS alert %d)", alert);
    case ALERT_PROTOCOL_VERSION:
        return FAIL(err, ERROR_UNSUPPORTED, alert, "peer offered TLS 1.2 or older, floor is TLS 1.3");
    case ALERT_NO_APPLICATION_PROTOCOL:
        return FAIL(err, ERROR_UNSUPPORTED, alert, "the peer does not speak HTTP/2 on this port");
    default:
        return FAIL(err, ERROR_NETWORK, alert, "the peer ended TLS with alert %d (%s)", alert,
                    SSL_alert_desc_string_long(alert));
    }
}

int
tls_failure_set(SSL *ssl, const struct tls_context *context, int offered, struct error *err)
{
    unsigned long code = ERR_peek_error();
    int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    long verified = SSL_get_verify_result(ssl);
    if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
        ERR_clear_error();
        return alert_failure(reason - SSL_AD_REASON_OFFSET, err);
    }
    switch (reason) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        ERR_clear_error();
        return certificate_failure(context, verified, err);
    case SSL_R_UNSUPPORTED_PROTOCOL:
        ERR_clear_error();
        return FAIL(err, ERROR_UNSUPPORTED, reason, "peer offered %s, floor is TLS 1.3", version_name(offered));
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        ERR_clear_error();
        return FAIL(err, ERROR_UNAUTHENTICATED, reason, "the peer sent no certificate");
    case SSL_R_NO_APPLICATION_PROTOCOL:
        ERR_clear_error();
        return FAIL(err, ERROR_UNSUPPORTED, reason, "the peer does not speak HTTP/2");
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
        ERR_clear_error();
        return FAIL(err, ERROR_UNSUPPORTED, reason, "the peer does not speak TLS");
    default:
        return FAIL(err, ERROR_NETWORK, (int)(code & 0x7fffffff), "TLS: %s", tls_failure_reason());
    }
}
