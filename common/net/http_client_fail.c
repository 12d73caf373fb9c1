#include "common/base/error.h"
#include "common/net/http_client_internal.h"

#include <string.h>

static int
fail_handshake(CURLcode code, const char *host, const char *detail, struct error *err)
{
    if (strstr(detail, "unsupported protocol") != NULL || strstr(detail, "protocol version") != NULL ||
        strstr(detail, "no protocols available") != NULL)
        return FAIL(err, ERROR_CONFIG, (int)code, "%s offers no TLS version from 1.2 on", host);
    return FAIL(err, ERROR_NETWORK, (int)code, "TLS handshake with %s failed: %s", host, detail);
}

int
http_client_fail(CURLcode code, const char *host, const char *detail, struct error *err)
{
    /* CURLcode is the library's enum, open-ended by nature: what is not named here is a lost connection. */
    switch ((int)code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        return FAIL(err, ERROR_CONFIG, (int)code, "not an https URL");
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return FAIL(err, ERROR_NETWORK, (int)code, "name of %s cannot be resolved", host);
    case CURLE_COULDNT_CONNECT:
        return FAIL(err, ERROR_NETWORK, (int)code, "%s does not accept connections", host);
    case CURLE_OPERATION_TIMEDOUT:
        return FAIL(err, ERROR_TIMEOUT, (int)code, "%s does not answer in time", host);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        return FAIL(err, ERROR_CONFIG, (int)code, "certificate of %s is not trusted: %s", host, detail);
    case CURLE_SSL_CONNECT_ERROR:
        return fail_handshake(code, host, detail, err);
    case CURLE_PARTIAL_FILE:
        return FAIL(err, ERROR_NETWORK, (int)code, "%s sent less than it announced", host);
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return FAIL(err, ERROR_NETWORK, (int)code, "connection to %s was lost", host);
    case CURLE_BAD_CONTENT_ENCODING:
        return FAIL(err, ERROR_NETWORK, (int)code, "%s sent a damaged compressed answer", host);
    case CURLE_OUT_OF_MEMORY:
        return FAIL(err, ERROR_LIMIT, (int)code, "out of memory for a request to %s", host);
    }
    return FAIL(err, ERROR_NETWORK, (int)code, "request to %s failed: %s", host, curl_easy_strerror(code));
}
