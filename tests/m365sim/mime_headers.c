#include "common/base/memory.h"
#include "tests/m365sim/mime.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEADER_CEILING ((size_t)1 << 20)
#define FIELD_LIMIT    1000u

static size_t
line_length(const char *p, const char *end)
{
    const char *lf = memchr(p, '\n', (size_t)(end - p));
    return lf != NULL ? (size_t)(lf - p) + 1 : (size_t)(end - p);
}

static bool
is_blank(const char *p, size_t len)
{
    return len == 0 || p[0] == '\n' || (p[0] == '\r' && (len == 1 || p[1] == '\n'));
}

static void
add_field(struct mime_headers *h, const char *p, size_t len)
{
    const char *colon = memchr(p, ':', len);
    if (colon == NULL || colon == p || h->count == FIELD_LIMIT)
        return;
    size_t name_len = (size_t)(colon - p);
    while (name_len > 0 && isspace((unsigned char)p[name_len - 1]))
        name_len--;
    for (size_t i = 0; i < name_len; i++)
        if (p[i] <= ' ')
            return;
    h->fields[h->count++] = (struct mime_field){ p, name_len, colon + 1, len - (size_t)(colon + 1 - p) };
}

void
mime_headers_parse(struct mime_headers *h, const char *data, size_t len)
{
    const char *end = data + (len < HEADER_CEILING ? len : HEADER_CEILING);
    const char *p = data;
    h->fields = memory_new(FIELD_LIMIT * sizeof(*h->fields));
    h->count = 0;
    if (len >= 5 && strncmp(p, "From ", 5) == 0)
        p += line_length(p, end);
    while (p < end) {
        size_t n = line_length(p, end);
        if (is_blank(p, n)) {
            p += n;
            break;
        }
        while (p + n < end && (p[n] == ' ' || p[n] == '\t') && !is_blank(p + n, (size_t)(end - p) - n))
            n += line_length(p + n, end);
        add_field(h, p, n);
        p += n;
    }
    h->end = (size_t)(p - data);
}

void
mime_headers_clear(struct mime_headers *h)
{
    free(h->fields);
    h->fields = NULL;
    h->count = 0;
}

static char *
unfold(const char *value, size_t len)
{
    char *out = memory_new(len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        if (value[i] != '\r' && value[i] != '\n' && value[i] != '\0')
            out[n++] = value[i];
    while (n > 0 && isspace((unsigned char)out[n - 1]))
        n--;
    out[n] = '\0';
    size_t lead = strspn(out, " \t");
    memmove(out, out + lead, n - lead + 1);
    return out;
}

static bool
is_named(const struct mime_field *f, const char *name)
{
    return f->name_len == strlen(name) && strncasecmp(f->name, name, f->name_len) == 0;
}

static char *
unfold_utf8(const struct mime_field *f)
{
    CLEANUP(memory_free_p) char *flat = unfold(f->value, f->value_len);
    return mime_to_utf8(NULL, flat, strlen(flat));
}

char *
mime_headers_raw(const struct mime_headers *h, const char *name)
{
    for (size_t i = 0; i < h->count; i++)
        if (is_named(&h->fields[i], name))
            return unfold_utf8(&h->fields[i]);
    return NULL;
}

char *
mime_headers_text(const struct mime_headers *h, const char *name)
{
    CLEANUP(memory_free_p) char *raw = mime_headers_raw(h, name);
    return raw == NULL ? NULL : mime_decode_words(raw);
}

char *
mime_headers_all(const struct mime_headers *h, const char *name)
{
    char *all = NULL;
    for (size_t i = 0; i < h->count; i++) {
        if (!is_named(&h->fields[i], name))
            continue;
        CLEANUP(memory_free_p) char *one = unfold_utf8(&h->fields[i]);
        char *joined = all == NULL ? memory_strdup(one) : memory_printf("%s, %s", all, one);
        free(all);
        all = joined;
    }
    return all;
}

/* One "name=value" of a parameter list at *cursor; the value is unquoted into out. false at the end. */
static bool
next_parameter(const char **cursor, char *name, size_t name_size, char *out)
{
    const char *p = *cursor;
    size_t n = 0;
    p += strspn(p, "; \t");
    if (*p == '\0')
        return false;
    for (; *p != '\0' && *p != '=' && *p != ';'; p++)
        if (!isspace((unsigned char)*p) && n + 1 < name_size)
            name[n++] = (char)tolower((unsigned char)*p);
    name[n] = '\0';
    n = 0;
    if (*p == '=') {
        p += 1 + strspn(p + 1, " \t");
        if (*p == '"') {
            for (p++; *p != '\0' && *p != '"'; p++) {
                if (*p == '\\' && p[1] != '\0')
                    p++;
                out[n++] = *p;
            }
            p += strcspn(p, ";");
        } else {
            for (; *p != '\0' && *p != ';'; p++)
                out[n++] = *p;
            while (n > 0 && isspace((unsigned char)out[n - 1]))
                n--;
        }
    }
    out[n] = '\0';
    *cursor = p;
    return true;
}

static size_t
decode_percent(char *text)
{
    char *out = text;
    for (const char *in = text; *in != '\0';) {
        if (in[0] == '%' && isxdigit((unsigned char)in[1]) && isxdigit((unsigned char)in[2])) {
            const char digits[3] = { in[1], in[2], '\0' };
            *out++ = (char)strtoul(digits, NULL, 16);
            in += 3;
        } else {
            *out++ = *in++;
        }
    }
    *out = '\0';
    return (size_t)(out - text);
}

/* RFC 2231: the pieces name*0, name*1*, ... or name*, joined; charset'language'value when extended. */
static char *
join_extended(const char *value, const char *name)
{
    size_t size = strlen(value) + 1, name_len = strlen(name), n = 0;
    CLEANUP(memory_free_p) char *joined = memory_new(size);
    CLEANUP(memory_free_p) char *piece = memory_new(size);
    char found[80];
    bool extended = false, any = false;
    for (const char *cursor = value + strcspn(value, ";"); next_parameter(&cursor, found, sizeof(found), piece);) {
        if (strncmp(found, name, name_len) != 0 || found[name_len] != '*')
            continue;
        any = true;
        extended = extended || found[strlen(found) - 1] == '*';
        memcpy(joined + n, piece, strlen(piece));
        n += strlen(piece);
    }
    joined[n] = '\0';
    if (!any)
        return NULL;
    if (!extended)
        return memory_strdup(joined);
    char *first = strchr(joined, '\'');
    char *second = first == NULL ? NULL : strchr(first + 1, '\'');
    if (second == NULL)
        return mime_to_utf8(NULL, joined, decode_percent(joined));
    *first = '\0';
    size_t len = decode_percent(second + 1);
    return mime_to_utf8(joined, second + 1, len);
}

char *
mime_parameter(const char *value, const char *name)
{
    char *extended = join_extended(value, name);
    if (extended != NULL)
        return extended;
    CLEANUP(memory_free_p) char *piece = memory_new(strlen(value) + 1);
    char found[80];
    for (const char *cursor = value + strcspn(value, ";"); next_parameter(&cursor, found, sizeof(found), piece);)
        if (strcmp(found, name) == 0)
            return mime_decode_words(piece);
    return NULL;
}
