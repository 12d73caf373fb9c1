#include "common/vault/base64_line.h"

#include "common/vault/base64_block.h"

#include <string.h>

static size_t
decode_last(const uint8_t *q, uint8_t *out)
{
    uint8_t a = base64_block_value(q[0]), b = base64_block_value(q[1]), c = base64_block_value(q[2]);
    if (q[3] != '=' || a == BASE64_BLOCK_BAD || b == BASE64_BLOCK_BAD)
        return 0;
    if (q[2] == '=') {
        out[0] = (uint8_t)(a << 2 | b >> 4);
        return (b & 15) == 0 ? 1 : 0;
    }
    if (c == BASE64_BLOCK_BAD || (c & 3) != 0)
        return 0;
    out[0] = (uint8_t)(a << 2 | b >> 4);
    out[1] = (uint8_t)(b << 4 | c >> 2);
    return 2;
}

size_t
base64_line_decode(const uint8_t *line, size_t len, uint8_t *out, bool *padded)
{
    *padded = len >= 4 && line[len - 1] == '=';
    size_t whole = *padded ? len - 4 : len, n = whole / 4 * 3;
    if (!base64_block_decode(line, whole, out))
        return 0;
    if (!*padded)
        return n;
    size_t last = decode_last(line + whole, out + n);
    return last == 0 ? 0 : n + last;
}

static size_t
end_line(struct base64_lines *lines, uint8_t *out)
{
    size_t n = 0;
    if (lines->column < lines->line_len)
        return 0;
    if (lines->crlf)
        out[n++] = '\r';
    out[n++] = '\n';
    lines->column = 0;
    return n;
}

/* len is a multiple of 3. A line end comes before what follows it. */
static size_t
put_groups(struct base64_lines *lines, const uint8_t *data, size_t len, uint8_t *out)
{
    size_t n = 0;
    while (len > 0) {
        n += end_line(lines, out + n);
        size_t room = (lines->line_len - lines->column) / 4 * 3, some = len < room ? len : room;
        base64_block_encode(data, some, out + n);
        n += some / 3 * 4;
        lines->column += some / 3 * 4;
        data += some;
        len -= some;
    }
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
        n += put_groups(lines, lines->carry, 3, out);
        lines->carried = 0;
    }
    size_t whole = lines->carried == 0 ? len / 3 * 3 : 0;
    n += put_groups(lines, data, whole, out + n);
    for (size_t i = whole; i < len; i++)
        lines->carry[lines->carried++] = data[i];
    return n;
}

size_t
base64_lines_finish(struct base64_lines *lines, uint8_t *out)
{
    if (lines->carried == 0)
        return 0;
    uint8_t group[3] = { 0 };
    memcpy(group, lines->carry, lines->carried);
    size_t n = put_groups(lines, group, 3, out);
    out[n - 1] = '=';
    if (lines->carried == 1)
        out[n - 2] = '=';
    lines->carried = 0;
    return n;
}
