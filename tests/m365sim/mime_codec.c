#include "tests/m365sim/mime_codec.h"

#include <ctype.h>
#include <stdint.h>

static int
digit64(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

size_t
mime_codec_base64(const char *in, size_t len, char *out)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        int d = digit64((unsigned char)in[i]);
        if (in[i] == '=') {
            have = 0;
            bits = 0;
        }
        if (d < 0)
            continue;
        bits = bits << 6 | (uint32_t)d;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (char)(bits >> have);
        }
    }
    return n;
}

static int
digit16(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t
mime_codec_quoted(const char *in, size_t len, char *out, bool word)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (word && in[i] == '_') {
            out[n++] = ' ';
        } else if (in[i] != '=') {
            out[n++] = in[i];
        } else if (i + 2 < len && digit16(in[i + 1]) >= 0 && digit16(in[i + 2]) >= 0) {
            out[n++] = (char)(digit16(in[i + 1]) << 4 | digit16(in[i + 2]));
            i += 2;
        } else {
            size_t k = i + 1;
            while (k < len && (in[k] == ' ' || in[k] == '\t' || in[k] == '\r'))
                k++;
            if (k < len && in[k] == '\n')
                i = k;
            else
                out[n++] = '=';
        }
    }
    return n;
}
