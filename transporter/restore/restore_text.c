#include "transporter/restore/restore_text.h"

#include "common/base/memory.h"

#include <errno.h>
#include <iconv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utf8proc.h>

#define GROWTH 4u /* UTF-8 bytes for one byte of input, at the most */

static bool
is_utf8(const char *data, size_t len)
{
    utf8proc_int32_t c;

    for (size_t i = 0; i < len;) {
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
    return out;
}

/* NULL when the charset is unknown. */
static char *
convert(const char *charset, const char *data, size_t len)
{
    iconv_t cd = iconv_open("UTF-8", charset);
    if (cd == (iconv_t)-1)
        return NULL;
    size_t capacity = len * GROWTH + 16, left = capacity, in_left = len;
    char *out = memory_new(capacity + 1), *to = out, *in;
    memcpy(&in, &data, sizeof(in)); /* iconv does not write there */
    while (in_left > 0 && left > 8 && iconv(cd, &in, &in_left, &to, &left) == (size_t)-1 && errno != E2BIG) {
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
restore_text_utf8(const char *charset, const char *data, size_t len)
{
    bool plain = charset == NULL || charset[0] == '\0' || strcasecmp(charset, "us-ascii") == 0 ||
                 strcasecmp(charset, "utf-8") == 0 || strcasecmp(charset, "utf8") == 0;

    if (plain && is_utf8(data, len))
        return without_nul(data, len);
    char *out = plain ? NULL : convert(charset, data, len);
    if (out != NULL)
        return out;
    if (is_utf8(data, len))
        return without_nul(data, len);
    out = convert("WINDOWS-1252", data, len);
    return out != NULL ? out : memory_strdup("");
}
