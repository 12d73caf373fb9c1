#include "transporter/graph/graph_url.h"

#include "common/base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool
is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

static size_t
encode(const char *text, char *out)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t n = 0;

    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (is_unreserved(*p)) {
            if (out != NULL)
                out[n] = (char)*p;
            n++;
        } else {
            if (out != NULL) {
                out[n] = '%';
                out[n + 1] = digits[*p >> 4];
                out[n + 2] = digits[*p & 15];
            }
            n += 3;
        }
    }
    return n;
}

static size_t
build(const char *fmt, va_list args, char *out)
{
    size_t n = 0;

    for (const char *p = fmt; *p != '\0'; p++) {
        if (p[0] == '%' && p[1] == 's') {
            n += encode(va_arg(args, const char *), out != NULL ? out + n : NULL);
            p++;
            continue;
        }
        if (p[0] == '%' && p[1] == '%')
            p++;
        if (out != NULL)
            out[n] = *p;
        n++;
    }
    return n;
}

char *
graph_url(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    size_t len = build(fmt, args, NULL);
    va_end(args);
    char *out = memory_new(len + 1);
    va_start(args, fmt);
    build(fmt, args, out);
    va_end(args);
    return out;
}

bool
graph_url_is_https(const char *url)
{
    return strncasecmp(url, "https://", 8) == 0 && url[8] != '\0' && url[8] != '/';
}

bool
graph_url_same_origin(const char *a, const char *b)
{
    if (!graph_url_is_https(a) || !graph_url_is_https(b))
        return false;
    size_t len = strcspn(a + 8, "/?#"), other = strcspn(b + 8, "/?#");
    /* "@" would move what follows into the host. */
    return len == other && strncasecmp(a + 8, b + 8, len) == 0 && memchr(b + 8, '@', len) == NULL;
}
