#include "transporter/restore/restore_headers.h"

#include "common/base/memory.h"
#include "transporter/restore/restore_text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VALUE_CEILING ((size_t)64 << 10)

static size_t
line_length(const char *p, size_t left)
{
    const char *lf = memchr(p, '\n', left);
    return lf != NULL ? (size_t)(lf - p) + 1 : left;
}

static bool
is_empty(const char *p, size_t len)
{
    return len == 0 || p[0] == '\n' || (p[0] == '\r' && (len == 1 || p[1] == '\n'));
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Length of "Name:" without what stands between name and colon; 0 when the line is no field. */
static size_t
name_length(const char *p, size_t len)
{
    const char *colon = memchr(p, ':', len);
    size_t n = colon != NULL ? (size_t)(colon - p) : 0;

    while (n > 0 && is_blank(p[n - 1]))
        n--;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)p[i] <= ' ' || p[i] == 0x7f)
            return 0;
    return n;
}

/* The field at p with its folded lines. */
static size_t
folded_length(const char *p, size_t left)
{
    size_t n = line_length(p, left);

    while (n < left && is_blank(p[n]))
        n += line_length(p + n, left - n);
    return n;
}

size_t
restore_headers_end(const char *data, size_t len, bool top)
{
    bool any = false;

    for (size_t at = 0; at < len;) {
        size_t n = line_length(data + at, len - at);
        if (is_empty(data + at, n))
            return at + n;
        bool field = name_length(data + at, n) > 0;
        if (!field && !any && !top)
            return 0;
        any |= field;
        at += field ? folded_length(data + at, len - at) : n;
    }
    return any ? len : 0;
}

static char *
unfold(const char *value, size_t len)
{
    size_t n = 0, kept = len < VALUE_CEILING ? len : VALUE_CEILING;
    CLEANUP(memory_free_p) char *flat = memory_new(kept + 1);

    for (size_t i = 0; i < kept; i++)
        if (value[i] != '\r' && value[i] != '\n' && value[i] != '\0' && (n > 0 || !is_blank(value[i])))
            flat[n++] = value[i];
    while (n > 0 && is_blank(flat[n - 1]))
        n--;
    return restore_text_utf8(NULL, flat, n);
}

char *
restore_headers_find(const char *data, size_t len, const char *name)
{
    size_t name_len = strlen(name);

    for (size_t at = 0; at < len;) {
        const char *p = data + at;
        size_t found = name_length(p, line_length(p, len - at));
        size_t n = found > 0 ? folded_length(p, len - at) : line_length(p, len - at);
        if (found == name_len && strncasecmp(p, name, name_len) == 0) {
            size_t colon = (size_t)((const char *)memchr(p, ':', n) - p);
            return unfold(p + colon + 1, n - colon - 1);
        }
        at += n;
    }
    return NULL;
}
