#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "tests/m365sim/mime.h"
#include "tests/m365sim/mime_codec.h"

#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utf8proc.h>

/* A character for each broken byte: three bytes at most each, and converters may need more. */
#define GROWTH 4u

static bool
is_utf8(const char *data, size_t len)
{
    utf8proc_int32_t c;
    for (size_t i = 0; i < len;) {
        if ((unsigned char)data[i] < 0x80) {
            i++;
            continue;
        }
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)data + i, (utf8proc_ssize_t)(len - i), &c);
        if (n <= 0)
            return false;
        i += (size_t)n;
    }
    return true;
}

static char *
without_nul(const char *data, size_t len)
{
    char *out = memory_new(len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        if (data[i] != '\0')
            out[n++] = data[i];
    out[n] = '\0';
    return out;
}

/* NULL when the charset is unknown. */
static char *
convert(const char *charset, const char *data, size_t len)
{
    iconv_t cd = iconv_open("UTF-8", charset);
    if (cd == (iconv_t)-1)
        return NULL;
    size_t size = len * GROWTH + 16, left = size, in_left = len;
    char *out = memory_new(size + 1), *to = out, *in = (char *)(uintptr_t)data;
    while (in_left > 0 && left > 8) {
        if (iconv(cd, &in, &in_left, &to, &left) != (size_t)-1 || errno == E2BIG)
            break;
        memcpy(to, "\xef\xbf\xbd", 3);
        to += 3;
        left -= 3;
        in++;
        in_left--;
    }
    iconv(cd, NULL, NULL, &to, &left);
    iconv_close(cd);
    char *clean = without_nul(out, (size_t)(to - out));
    free(out);
    return clean;
}

char *
mime_to_utf8(const char *charset, const char *data, size_t len)
{
    bool ascii_like = charset == NULL || charset[0] == '\0' || strcasecmp(charset, "us-ascii") == 0 ||
                      strcasecmp(charset, "utf-8") == 0 || strcasecmp(charset, "utf8") == 0;
    if (ascii_like && is_utf8(data, len))
        return without_nul(data, len);
    char *out = ascii_like ? NULL : convert(charset, data, len);
    if (out == NULL && is_utf8(data, len))
        return without_nul(data, len);
    return out != NULL ? out : convert("WINDOWS-1252", data, len);
}

/* The encoded word at p ("=?charset?B?...?="): its length, and its bytes in *out. 0 when it is none. */
static size_t
encoded_word(const char *p, char **charset, char **bytes, size_t *bytes_len)
{
    const char *q1 = strchr(p + 2, '?');
    if (q1 == NULL || q1 - p > 80 || q1[1] == '\0' || q1[2] != '?')
        return 0;
    const char *end = strstr(q1 + 3, "?=");
    if (end == NULL || memchr(q1 + 3, ' ', (size_t)(end - q1 - 3)) != NULL)
        return 0;
    char *text = memory_printf("%.*s", (int)(end - q1 - 3), q1 + 3);
    if (tolower((unsigned char)q1[1]) == 'b') {
        *bytes_len = mime_codec_base64(text, strlen(text), text);
    } else if (tolower((unsigned char)q1[1]) == 'q') {
        *bytes_len = mime_codec_quoted(text, strlen(text), text, true);
    } else {
        free(text);
        return 0;
    }
    *charset = memory_printf("%.*s", (int)(q1 - p - 2), p + 2);
    (*charset)[strcspn(*charset, "*")] = '\0';
    *bytes = text;
    return (size_t)(end + 2 - p);
}

/* Neighbouring words of one charset are joined before conversion: some mailers cut characters in half. */
static void
flush_words(struct buffer *out, struct buffer *pending, char **charset)
{
    if (*charset == NULL)
        return;
    CLEANUP(memory_free_p) char *text = mime_to_utf8(*charset, (const char *)pending->data, pending->len);
    buffer_append_text(out, text, NULL);
    pending->len = 0;
    free(*charset);
    *charset = NULL;
}

char *
mime_decode_words(const char *text)
{
    struct buffer out = BUFFER_INIT(strlen(text) * GROWTH + 64), pending = BUFFER_INIT(strlen(text) + 64);
    char *charset = NULL;
    for (const char *p = text; *p != '\0';) {
        char *word_charset, *bytes;
        size_t bytes_len, n = p[0] == '=' && p[1] == '?' ? encoded_word(p, &word_charset, &bytes, &bytes_len) : 0;
        if (n > 0) {
            if (charset != NULL && strcasecmp(charset, word_charset) != 0)
                flush_words(&out, &pending, &charset);
            free(charset);
            charset = word_charset;
            buffer_append(&pending, bytes, bytes_len, NULL);
            free(bytes);
            p += n;
            size_t space = strspn(p, " \t");
            if (p[space] == '=' && p[space + 1] == '?')
                p += space;
            continue;
        }
        flush_words(&out, &pending, &charset);
        buffer_append(&out, p++, 1, NULL);
    }
    flush_words(&out, &pending, &charset);
    buffer_clear(&pending);
    char *result = mime_to_utf8(NULL, out.data != NULL ? (const char *)out.data : "", out.len);
    buffer_clear(&out);
    return result;
}
