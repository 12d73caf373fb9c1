#include "common/base/encoding.h"

#include "common/base/error.h"

#include <stdbool.h>
#include <string.h>

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
encoding_hex(const void *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * len] = '\0';
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int
encoding_unhex(const char *text, void *out, size_t len)
{
    uint8_t *p = out;
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text[2 * i]);
        int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);
        if (low < 0)
            return -1;
        p[i] = (uint8_t)(high << 4 | low);
    }
    return text[2 * len] == '\0' ? 0 : -1;
}

static size_t
encode64(const uint8_t *p, size_t len, char *out, const char *alphabet, bool pad)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        uint32_t v = (uint32_t)p[i] << 16 | (have > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (have > 2 ? p[i + 2] : 0);
        for (size_t k = 0; k < 4; k++) {
            if (k <= have)
                out[n++] = alphabet[v >> (18 - 6 * k) & 63];
            else if (pad)
                out[n++] = '=';
        }
    }
    out[n] = '\0';
    return n;
}

size_t
encoding_base64(const void *data, size_t len, char *out)
{
    return encode64(data, len, out, standard, true);
}

size_t
encoding_base64url(const void *data, size_t len, char *out)
{
    return encode64(data, len, out, url, false);
}

int
encoding_base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    if (c == '/' || c == '_')
        return 63;
    return -1;
}

int
encoding_unbase64(const char *text, size_t text_len, uint8_t *out, size_t *len, struct error *err)
{
    size_t padding = 0;
    while (text_len > 0 && padding < 2 && text[text_len - 1] == '=') {
        text_len--;
        padding++;
    }
    if (text_len % 4 == 1 || (padding != 0 && (text_len + padding) % 4 != 0))
        return FAIL(err, ERROR_FORMAT, 0, "not base64: %zu characters", text_len);
    size_t wanted = text_len / 4 * 3 + (text_len % 4 != 0 ? text_len % 4 - 1 : 0);
    if (wanted > *len)
        return FAIL(err, ERROR_LIMIT, 0, "base64 of %zu bytes, %zu at the most", wanted, *len);
    uint32_t v = 0;
    size_t n = 0, bits = 0;
    for (size_t i = 0; i < text_len; i++) {
        int digit = encoding_base64_digit(text[i]);
        if (digit < 0)
            return FAIL(err, ERROR_FORMAT, 0, "not base64 at character %zu", i);
        v = v << 6 | (uint32_t)digit;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (uint8_t)(v >> bits);
        }
    }
    *len = n;
    return 0;
}
