#include "transporter/restore/restore_decode.h"

#include "common/base/encoding.h"

#include <gmime/gmime.h>
#include <string.h>
#include <strings.h>

enum restore_encoding
restore_decode_kind(const char *value)
{
    if (value == NULL)
        return RESTORE_IDENTITY;
    if (strncasecmp(value, "base64", 6) == 0)
        return RESTORE_BASE64;
    if (strncasecmp(value, "quoted-printable", 16) == 0)
        return RESTORE_QUOTED;
    if (strncasecmp(value, "x-uu", 4) == 0 || strncasecmp(value, "uuencode", 8) == 0)
        return RESTORE_UUENCODE;
    return RESTORE_IDENTITY;
}

static size_t
decode_base64(struct restore_decode *d, const char *in, size_t len, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        int digit = encoding_base64_digit(in[i]);
        if (in[i] == '=')
            d->bits = d->have = 0;
        if (digit < 0)
            continue;
        d->bits = d->bits << 6 | (uint32_t)digit;
        d->have += 6;
        if (d->have >= 8) {
            d->have -= 8;
            out[n++] = (char)(d->bits >> d->have);
        }
    }
    return n;
}

static int
digit16(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Length of a soft line break after '='; 0 when it is none. */
static size_t
soft_break(const char *in, size_t len)
{
    size_t n = 0;

    while (n < len && (in[n] == ' ' || in[n] == '\t' || in[n] == '\r'))
        n++;
    return n < len && in[n] == '\n' ? n + 1 : 0;
}

static size_t
decode_quoted(const char *in, size_t len, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (in[i] != '=') {
            out[n++] = in[i];
            continue;
        }
        if (len - i > 2 && digit16(in[i + 1]) >= 0 && digit16(in[i + 2]) >= 0) {
            out[n++] = (char)(digit16(in[i + 1]) << 4 | digit16(in[i + 2]));
            i += 2;
            continue;
        }
        size_t gap = soft_break(in + i + 1, len - i - 1);
        if (gap == 0)
            out[n++] = '=';
        i += gap;
    }
    return n;
}

/* How much may be taken so that no code is cut in half: whole lines, or what ends well before a '='. */
static size_t
quoted_piece(const char *in, size_t len, size_t block)
{
    if (len <= block)
        return len;
    const char *lf = memrchr(in, '\n', block);
    if (lf != NULL)
        return (size_t)(lf - in) + 1;
    for (size_t cut = block; cut > block - 3; cut--)
        if (in[cut - 1] == '=')
            return cut - 1;
    return block;
}

void
restore_decode_begin(struct restore_decode *decode, enum restore_encoding encoding, const char *data, size_t len)
{
    *decode = (struct restore_decode){ .encoding = encoding, .at = data, .left = len };
    if (encoding != RESTORE_UUENCODE)
        return;
    const char *begin =
        len > 6 && strncmp(data, "begin ", 6) == 0 ? data : memmem(data, len, "\nbegin ", sizeof("\nbegin ") - 1);
    const char *first = begin != NULL ? memchr(begin + 1, '\n', len - (size_t)(begin + 1 - data)) : NULL;
    if (first == NULL) { /* not what it says it is */
        decode->encoding = RESTORE_IDENTITY;
        return;
    }
    decode->left = len - (size_t)(first + 1 - data);
    decode->at = first + 1;
    decode->uu_state = GMIME_UUDECODE_STATE_BEGIN;
}

bool
restore_decode_next(struct restore_decode *decode, char *out, size_t *len)
{
    const char *in = decode->at;
    size_t n = decode->left < RESTORE_DECODE_BLOCK ? decode->left : RESTORE_DECODE_BLOCK;

    *len = 0;
    if (n == 0)
        return false;
    switch (decode->encoding) {
    case RESTORE_BASE64:
        *len = decode_base64(decode, in, n, out);
        break;
    case RESTORE_QUOTED:
        n = quoted_piece(in, decode->left, n);
        *len = decode_quoted(in, n, out);
        break;
    case RESTORE_UUENCODE:
        *len = g_mime_encoding_uudecode_step((const unsigned char *)in, n, (unsigned char *)out, &decode->uu_state,
                                             &decode->uu_save);
        break;
    case RESTORE_IDENTITY:
        memcpy(out, in, n);
        *len = n;
        break;
    }
    decode->at += n;
    decode->left -= n;
    return true;
}
