#include "common/vault/base64_line.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
#define BAD 0xff

static uint8_t values[256];

__attribute__((constructor)) static void
build_values(void)
{
    memset(values, BAD, sizeof(values));
    for (int i = 0; i < 64; i++)
        values[(uint8_t)alphabet[i]] = (uint8_t)i;
}

static size_t
decode_last(const uint8_t *q, uint8_t *out)
{
    uint8_t a = values[q[0]], b = values[q[1]], c = values[q[2]];
    if (q[3] != '=' || a == BAD || b == BAD)
        return 0;
    if (q[2] == '=') {
        out[0] = (uint8_t)(a << 2 | b >> 4);
        return (b & 15) == 0 ? 1 : 0;
    }
    if (c == BAD || (c & 3) != 0)
        return 0;
    out[0] = (uint8_t)(a << 2 | b >> 4);
    out[1] = (uint8_t)(b << 4 | c >> 2);
    return 2;
}

size_t
base64_line_decode(const uint8_t *line, size_t len, uint8_t *out, bool *padded)
{
    size_t n = 0, whole = len;
    *padded = len >= 4 && line[len - 1] == '=';
    if (*padded)
        whole -= 4;
    uint8_t bad = 0;
    for (size_t i = 0; i < whole; i += 4, n += 3) {
        uint8_t a = values[line[i]], b = values[line[i + 1]], c = values[line[i + 2]], d = values[line[i + 3]];
        bad |= (uint8_t)(a | b | c | d);
        out[n] = (uint8_t)(a << 2 | b >> 4);
        out[n + 1] = (uint8_t)(b << 4 | c >> 2);
        out[n + 2] = (uint8_t)(c << 6 | d);
    }
    if ((bad & 0x80) != 0)
        return 0;
    if (!*padded)
        return n;
    size_t last = decode_last(line + whole, out + n);
    return last == 0 ? 0 : n + last;
}

static size_t
put_group(struct base64_lines *lines, const uint8_t g[3], uint8_t *out)
{
    size_t n = 0;
    if (lines->column == lines->line_len) {
        if (lines->crlf)
            out[n++] = '\r';
        out[n++] = '\n';
        lines->column = 0;
    }
    out[n++] = (uint8_t)alphabet[g[0] >> 2];
    out[n++] = (uint8_t)alphabet[(g[0] & 3) << 4 | g[1] >> 4];
    out[n++] = (uint8_t)alphabet[(g[1] & 15) << 2 | g[2] >> 6];
    out[n++] = (uint8_t)alphabet[g[2] & 63];
    lines->column += 4;
    return n;
}

size_t
base64_lines_encode(struct base64_lines *lines, const uint8_t *data, size_t len, uint8_t *out)
{
    size_t n = 0;
    while (lines->carried > 0 && lines->carried < 3 && len > 0) {
        lines->carry[lines->carried++] = *data++;
        len--;
    }
    if (lines->carried == 3) {
        n += put_group(lines, lines->carry, out);
        lines->carried = 0;
    }
    for (; lines->carried == 0 && len >= 3; data += 3, len -= 3)
        n += put_group(lines, data, out + n);
    while (len > 0) {
        lines->carry[lines->carried++] = *data++;
        len--;
    }
    return n;
}

size_t
base64_lines_finish(struct base64_lines *lines, uint8_t *out)
{
    if (lines->carried == 0)
        return 0;
    uint8_t group[3] = { 0 };
    memcpy(group, lines->carry, lines->carried);
    size_t n = put_group(lines, group, out);
    out[n - 1] = '=';
    if (lines->carried == 1)
        out[n - 2] = '=';
    lines->carried = 0;
    return n;
}
