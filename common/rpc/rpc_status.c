#include "common/rpc/rpc_status.h"

#include "common/net/h2_session.h"
#include "common/rpc/rpc_status_details.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TIMEOUT UINT64_C(99999999) /* eight digits */

void
rpc_status_encode_message(const char *text, char *out, size_t size)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t used = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        bool plain = *p >= 0x20 && *p <= 0x7e && *p != '%';
        if (used + (plain ? 1 : 3) >= size)
            break;
        if (plain) {
            out[used++] = (char)*p;
            continue;
        }
        out[used++] = '%';
        out[used++] = digits[*p >> 4];
        out[used++] = digits[*p & 15];
    }
    out[used] = '\0';
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void
rpc_status_decode_message(const char *text, size_t len, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < len && used + 1 < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '%' && len - i > 2) {
            int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
            if (high >= 0 && low >= 0) {
                c = (unsigned char)(high << 4 | low);
                i += 2;
            }
        }
        out[used++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
    }
    out[used] = '\0';
}

void
rpc_status_format_timeout(uint64_t ms, char *out)
{
    if (ms <= MAX_TIMEOUT) {
        snprintf(out, 16, "%" PRIu64 "m", ms);
        return;
    }
    uint64_t seconds = ms / 1000 + 1;
    snprintf(out, 16, "%" PRIu64 "S", seconds < MAX_TIMEOUT ? seconds : MAX_TIMEOUT);
}

int
rpc_status_parse_timeout(const char *text, size_t len, uint64_t *ms)
{
    if (len < 2 || len > 9)
        return -1;
    uint64_t value = 0;
    for (size_t i = 0; i < len - 1; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    switch (text[len - 1]) {
    case 'H':
        *ms = value * 3600 * 1000;
        return 0;
    case 'M':
        *ms = value * 60 * 1000;
        return 0;
    case 'S':
        *ms = value * 1000;
        return 0;
    case 'm':
        *ms = value;
        return 0;
    case 'u':
        *ms = (value + 999) / 1000;
        return 0;
    case 'n':
        *ms = (value + 999999) / 1000000;
        return 0;
    default:
        return -1;
    }
}

void
rpc_status_write(struct h2_headers *trailers, const struct error *err)
{
    if (!error_is_set(err)) {
        h2_headers_add_text(trailers, "grpc-status", "0", NULL);
        return;
    }
    char number[16], text[RPC_STATUS_TEXT];
    snprintf(number, sizeof(number), "%d", error_kind_rpc_status(err->kind));
    h2_headers_add_text(trailers, "grpc-status", number, NULL);
    rpc_status_encode_message(err->text, text, sizeof(text));
    h2_headers_add_text(trailers, "grpc-message", text, NULL);
    h2_headers_add_text(trailers, "longhaul-error-kind", error_kind_name(err->kind), NULL);
    if (err->retry_after_ms != 0) {
        snprintf(number, sizeof(number), "%" PRIu32, err->retry_after_ms);
        h2_headers_add_text(trailers, "grpc-retry-pushback-ms", number, NULL);
    }
    rpc_status_details_write(trailers, err);
}

/* Our own kind when the peer is one of us and the kind agrees with the status, else what the status stands for. */
static enum error_kind
kind_of(const struct h2_headers *headers, const struct rpc_status_details *details, int status)
{
    const char *name = h2_headers_get(headers, "longhaul-error-kind", NULL);
    enum error_kind kind = name != NULL ? error_kind_from_name(name) : details->kind;
    if (kind != ERROR_NONE && error_kind_rpc_status(kind) == status)
        return kind;
    return error_kind_from_rpc_status(status);
}

int
rpc_status_read(const struct h2_headers *headers, struct error *err)
{
    size_t len = 0;
    const char *text = h2_headers_get(headers, "grpc-status", &len);
    if (text == NULL)
        return 0;
    char *end = NULL;
    long status = strtol(text, &end, 10);
    if (len == 0 || len > 3 || *end != '\0' || status < 0)
        return FAIL(err, ERROR_FORMAT, 0, "the peer ended the call with a malformed status");
    if (status == 0)
        return 1;
    struct rpc_status_details details = { .kind = ERROR_NONE };
    if (rpc_status_details_read(headers, &details) == 1 && details.code != status)
        details = (struct rpc_status_details){ .kind = ERROR_NONE }; /* it tells of another failure */
    char message[sizeof(err->text)] = "";
    const char *encoded = h2_headers_get(headers, "grpc-message", &len);
    if (encoded != NULL)
        rpc_status_decode_message(encoded, len, message, sizeof(message));
    else
        memcpy(message, details.message, sizeof(message));
    if (message[0] == '\0')
        snprintf(message, sizeof(message), "the peer ended the call with status %ld", status);
    FAIL(err, kind_of(headers, &details, (int)status), (int)status, "%s", message);
    const char *pushback = h2_headers_get(headers, "grpc-retry-pushback-ms", NULL);
    long ms = pushback != NULL ? strtol(pushback, NULL, 10) : (long)details.retry_after_ms;
    if (err != NULL)
        err->retry_after_ms = ms > 0 && ms < INT32_MAX ? (uint32_t)ms : 0;
    return -1;
}

int
rpc_status_from_reset(uint32_t code, struct error *err)
{
    switch (code) {
    case H2_CANCEL:
        return FAIL(err, ERROR_CANCELLED, (int)code, "the peer cancelled the call");
    case H2_REFUSED_STREAM:
        return FAIL(err, ERROR_UNAVAILABLE, (int)code, "the peer takes no new calls now");
    case H2_ENHANCE_YOUR_CALM:
        return FAIL(err, ERROR_THROTTLED, (int)code, "the peer asks for fewer calls");
    case H2_INADEQUATE_SECURITY:
        return FAIL(err, ERROR_DENIED, (int)code, "the peer refused the call");
    default: /* any other value from the wire */
        return FAIL(err, ERROR_INTERNAL, (int)code, "the peer reset the call (HTTP/2 code %u)", code);
    }
}

int
rpc_status_from_http(int http_status, struct error *err)
{
    enum error_kind kind = ERROR_INTERNAL;
    if (http_status == 401)
        kind = ERROR_UNAUTHENTICATED;
    else if (http_status == 403)
        kind = ERROR_DENIED;
    else if (http_status == 404)
        kind = ERROR_UNSUPPORTED;
    else if (http_status == 429 || (http_status >= 502 && http_status <= 504))
        kind = ERROR_UNAVAILABLE;
    return FAIL(err, kind, http_status, "the peer answered with HTTP status %d", http_status);
}
