#include "common/base/memory.h"
#include "tests/m365sim/mime.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct collector {
    char *text; /* display name so far, or the bare address */
    size_t len;
    char *angle; /* what stood in <> */
    char *comment;
    bool has_angle;
};

static void
trim(char *text)
{
    size_t n = strlen(text), lead = strspn(text, " \t");
    while (n > lead && isspace((unsigned char)text[n - 1]))
        n--;
    text[n] = '\0';
    memmove(text, text + lead, n - lead + 1);
}

static bool
finish(struct collector *c, struct mime_address *out)
{
    c->text[c->len] = '\0';
    trim(c->text);
    trim(c->angle);
    bool any = c->has_angle ? c->angle[0] != '\0' || c->text[0] != '\0' : strchr(c->text, '@') != NULL;
    if (any) {
        out->address = memory_strdup(c->has_angle ? c->angle : c->text);
        const char *name = c->has_angle ? c->text : c->comment;
        out->name = mime_decode_words(name);
    }
    c->len = 0;
    c->angle[0] = c->comment[0] = '\0';
    c->has_angle = false;
    return any;
}

static const char *
take_quoted(const char *p, char *out, size_t *len)
{
    for (p++; *p != '\0' && *p != '"'; p++) {
        if (*p == '\\' && p[1] != '\0')
            p++;
        out[(*len)++] = *p;
    }
    return *p == '"' ? p + 1 : p;
}

static const char *
take_comment(const char *p, char *out)
{
    size_t n = 0;
    int depth = 0;
    for (; *p != '\0'; p++) {
        if (*p == '\\' && p[1] != '\0') {
            out[n++] = *++p;
            continue;
        }
        if (*p == '(' && depth++ == 0)
            continue;
        if (*p == ')' && --depth == 0) {
            p++;
            break;
        }
        out[n++] = *p;
    }
    out[n] = '\0';
    return p;
}

size_t
mime_addresses(const char *text, struct mime_address *out, size_t limit)
{
    size_t size = strlen(text) + 1, count = 0;
    struct collector c = { .text = memory_new(size), .angle = memory_new(size), .comment = memory_new(size) };
    const char *p = text;
    while (*p != '\0' && count < limit) {
        if (*p == '"') {
            p = take_quoted(p, c.text, &c.len);
        } else if (*p == '(') {
            p = take_comment(p, c.comment);
        } else if (*p == '<') {
            size_t n = strcspn(p + 1, ">");
            memcpy(c.angle, p + 1, n);
            c.angle[n] = '\0';
            c.has_angle = true;
            p += 1 + n + (p[1 + n] == '>');
        } else if (*p == ',' || *p == ';') {
            count += finish(&c, &out[count]);
            p++;
        } else if (*p == ':') { /* what stood before named a group */
            c.len = 0;
            p++;
        } else {
            c.text[c.len++] = *p++;
        }
    }
    if (count < limit)
        count += finish(&c, &out[count]);
    free(c.text);
    free(c.angle);
    free(c.comment);
    return count;
}

void
mime_addresses_free(struct mime_address *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(list[i].name);
        free(list[i].address);
    }
}
