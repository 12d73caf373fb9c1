#include "common/vault/quoted_line.h"

#include "common/base/error.h"

#include <string.h>

int
quoted_line_bit(uint8_t c)
{
    if (c == '\t')
        return 0x7f - 0x20;
    return c >= 0x20 && c < 0x7f && c != '=' ? c - 0x20 : -1;
}

static bool
is_escaped(const struct quoted_style *style, uint8_t c, bool last)
{
    int bit = quoted_line_bit(c);
    return bit < 0 || (last && (c == ' ' || c == '\t')) || (style->escaped[bit / 8] >> (bit % 8) & 1) != 0;
}

static size_t
put_end(const struct quoted_style *style, uint8_t *out)
{
    size_t n = 0;
    if (style->crlf)
        out[n++] = '\r';
    out[n++] = '\n';
    return n;
}

size_t
quoted_line_encode(const struct quoted_style *style, const uint8_t *line, size_t len, uint8_t *out)
{
    const char *digits = style->lower ? "0123456789abcdef" : "0123456789ABCDEF";
    size_t n = 0, column = 0;
    for (size_t i = 0; i < len; i++) {
        bool last = i + 1 == len, escaped = is_escaped(style, line[i], last);
        size_t width = escaped ? 3 : 1;
        if (column + width > (size_t)style->room + (last && style->loose ? 1 : 0)) {
            out[n++] = '=';
            n += put_end(style, out + n);
            column = 0;
        }
        if (escaped) {
            out[n++] = '=';
            out[n++] = (uint8_t)digits[line[i] >> 4];
            out[n++] = (uint8_t)digits[line[i] & 15];
        } else {
            out[n++] = line[i];
        }
        column += width;
    }
    return n;
}

int
quoted_lines_encode(struct quoted_lines *lines, const uint8_t *data, size_t len, quoted_sink_fn *sink, void *ctx,
                    struct error *err)
{
    uint8_t out[QUOTED_LINE_OUT];
    for (size_t i = 0; i < len; i++) {
        if (lines->len == sizeof(lines->line))
            return FAIL(err, ERROR_FORMAT, 0, "a message's recipe holds a line that is too long");
        lines->line[lines->len++] = data[i];
        bool ended = data[i] == '\n' && (!lines->style.crlf || (lines->len > 1 && lines->line[lines->len - 2] == '\r'));
        if (!ended)
            continue;
        size_t line = lines->len - (lines->style.crlf ? 2 : 1);
        if (line > QUOTED_LINE_MAX)
            return FAIL(err, ERROR_FORMAT, 0, "a message's recipe holds a line that is too long");
        size_t n = quoted_line_encode(&lines->style, lines->line, line, out);
        n += put_end(&lines->style, out + n);
        lines->len = 0;
        if (sink(ctx, out, n, err) != 0)
            return -1;
    }
    return 0;
}
