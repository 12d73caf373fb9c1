#include "tests/m365sim/vcard.h"

#include "common/base/memory.h"
#include "tests/m365sim/mime.h"
#include "tests/m365sim/mime_codec.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct cursor {
    const char *at, *end;
};

/* The next line without its end; false when there is none. */
static bool
next_line(struct cursor *c, const char **line, size_t *len)
{
    if (c->at >= c->end)
        return false;
    const char *stop = c->at;
    while (stop < c->end && *stop != '\n' && *stop != '\r')
        stop++;
    *line = c->at;
    *len = (size_t)(stop - c->at);
    if (stop < c->end && *stop == '\r')
        stop++;
    if (stop < c->end && *stop == '\n')
        stop++;
    c->at = stop;
    return true;
}

/* Where the value begins: behind the first colon outside quotes; len when there is none. */
static size_t
value_at(const char *line, size_t len)
{
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        if (line[i] == '"')
            quoted = !quoted;
        else if (line[i] == ':' && !quoted)
            return i + 1;
    }
    return len;
}

static bool
mentions(const char *head, size_t len, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= len; i++)
        if (strncasecmp(head + i, word, n) == 0)
            return true;
    return false;
}

/* One logical line, put together in out (as large as the whole file); its length. */
static size_t
logical_line(struct cursor *c, char *out)
{
    const char *line;
    size_t len, total = 0;
    if (!next_line(c, &line, &len))
        return 0;
    memcpy(out, line, len);
    total = len;
    size_t value = value_at(out, total);
    bool quoted = mentions(out, value, "QUOTED-PRINTABLE");
    bool base64 = mentions(out, value, "ENCODING=B") || mentions(out, value, ";BASE64");
    for (;;) {
        struct cursor before = *c;
        if (!next_line(c, &line, &len))
            break;
        bool soft = quoted && total > 0 && out[total - 1] == '=';
        bool folded = len > 0 && (line[0] == ' ' || line[0] == '\t');
        bool bare = base64 && len > 0 && memchr(line, ':', len) == NULL;
        if (!soft && !folded && !bare) {
            *c = before;
            break;
        }
        if (soft)
            total--;
        else if (folded)
            line++, len--;
        memcpy(out + total, line, len);
        total += len;
    }
    return total;
}

/* The value of a parameter in upper-case parameters; the caller frees it. */
static char *
parameter(const char *parameters, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = parameters; (p = strchr(p, ';')) != NULL;) {
        p++;
        if (strncmp(p, name, n) == 0 && p[n] == '=')
            return memory_printf("%.*s", (int)strcspn(p + n + 1, ";"), p + n + 1);
    }
    return NULL;
}

static char *
decode_value(const char *parameters, const char *value, size_t len)
{
    CLEANUP(memory_free_p) char *charset = parameter(parameters, "CHARSET");
    CLEANUP(memory_free_p) char *copy = memory_new(len + 1);
    memcpy(copy, value, len);
    if (strstr(parameters, "QUOTED-PRINTABLE") != NULL)
        len = mime_codec_quoted(copy, len, copy, false);
    return mime_to_utf8(charset, copy, len);
}

static void
add_property(struct vcard_file *f, size_t *capacity, const char *line, size_t len, unsigned card)
{
    size_t value = value_at(line, len), head = value > 0 && value <= len && line[value - 1] == ':' ? value - 1 : 0;
    size_t name_end = 0, start = 0;
    while (name_end < head && line[name_end] != ';')
        name_end++;
    for (size_t i = 0; i < name_end; i++)
        if (line[i] == '.')
            start = i + 1;
    struct vcard_property p = { .card = card };
    if (name_end == start || name_end - start >= sizeof(p.name) || f->count == VCARD_PROPERTY_LIMIT)
        return;
    for (size_t i = start; i < name_end; i++)
        p.name[i - start] = (char)toupper((unsigned char)line[i]);
    p.parameters = memory_new(head - name_end + 1);
    for (size_t i = name_end; i < head; i++)
        p.parameters[i - name_end] = (char)(line[i] == '\0' ? ' ' : toupper((unsigned char)line[i]));
    p.value = decode_value(p.parameters, line + value, len - value);
    if (f->count == *capacity) {
        *capacity = *capacity * 2 + 32;
        struct vcard_property *more = memory_new(*capacity * sizeof(*more));
        if (f->count > 0)
            memcpy(more, f->properties, f->count * sizeof(*more));
        free(f->properties);
        f->properties = more;
    }
    f->properties[f->count++] = p;
}

static bool
is_line(const char *line, size_t len, const char *text)
{
    while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
        len--;
    return len == strlen(text) && strncasecmp(line, text, len) == 0;
}

void
vcard_parse(struct vcard_file *f, const char *data, size_t len)
{
    memset(f, 0, sizeof(*f));
    if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        data += 3, len -= 3;
    CLEANUP(memory_free_p) char *line = memory_new(len + 1);
    struct cursor c = { data, data + len };
    size_t capacity = 0, depth = 0;
    while (c.at < c.end) {
        size_t n = logical_line(&c, line);
        if (is_line(line, n, "BEGIN:VCARD")) {
            depth++; /* a card inside a card is the agent's: left out */
        } else if (is_line(line, n, "END:VCARD")) {
            f->cards += depth == 1;
            depth -= depth > 0;
        } else if (depth == 1) {
            add_property(f, &capacity, line, n, f->cards);
        }
    }
    f->cards += depth > 0; /* cut off */
}

void
vcard_clear(struct vcard_file *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->properties[i].parameters);
        free(f->properties[i].value);
    }
    free(f->properties);
    memset(f, 0, sizeof(*f));
}

bool
vcard_has_type(const struct vcard_property *p, const char *type)
{
    size_t n = strlen(type);
    for (const char *at = p->parameters; (at = strstr(at, type)) != NULL; at += n)
        if (strchr(";,=\"", at[-1]) != NULL && (at[n] == '\0' || strchr(";,\"", at[n]) != NULL))
            return true;
    return false;
}

bool
vcard_is_base64(const struct vcard_property *p)
{
    CLEANUP(memory_free_p) char *encoding = parameter(p->parameters, "ENCODING");
    return vcard_has_type(p, "BASE64") || (encoding != NULL && encoding[0] == 'B');
}

/* Text without escapes, in place. */
static char *
unescape(char *text)
{
    char *out = text;
    for (const char *in = text; *in != '\0'; in++) {
        if (*in == '\\' && in[1] != '\0') {
            in++;
            *out++ = *in == 'n' || *in == 'N' ? '\n' : *in;
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
    return text;
}

char *
vcard_text(const struct vcard_property *p)
{
    return unescape(memory_strdup(p->value));
}

char *
vcard_part(const struct vcard_property *p, char separator, size_t number)
{
    const char *from = p->value;
    for (const char *at = from;; at++) {
        if (*at == '\\' && at[1] != '\0') {
            at++;
        } else if (*at == separator || *at == '\0') {
            if (number-- == 0)
                return unescape(memory_printf("%.*s", (int)(at - from), from));
            if (*at == '\0')
                return NULL;
            from = at + 1;
        }
    }
}
