#include "transporter/restore/restore_parts.h"

#include "common/base/memory.h"
#include "transporter/restore/restore_headers.h"

#include <gmime/gmime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEPTH_LIMIT 64u

/* A range of the message. */
struct span {
    size_t from, to;
};

/* NULL when there is nothing; what is not UTF-8 becomes replacement marks. */
static char *
copy_or_null(const char *text)
{
    if (text == NULL || text[0] == '\0')
        return NULL;
    char *valid = g_utf8_make_valid(text, -1), *copy = memory_strdup(valid);
    g_free(valid);
    return copy;
}

static char *
unquoted(char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;

    if (len > 1 && text[0] == '"' && text[len - 1] == '"') {
        memmove(text, text + 1, len - 2);
        text[len - 2] = '\0';
    }
    return text;
}

/* A Content-Type that cannot be understood counts as none (RFC 2045, 5.2), unless the part is a file anyway. */
static bool
is_type(const char *value)
{
    size_t n = strcspn(value, "/; \t");
    size_t sub = value[n] == '/' ? strcspn(value + n + 1, "; \t") : 0;

    return n > 0 && sub > 0 && strcspn(value, "<>@,:\"") >= n + 1 + sub;
}

static char *
read_type(struct restore_part *part, const char *head, size_t len, bool digest)
{
    CLEANUP(memory_free_p) char *value = restore_headers_find(head, len, "Content-Type");
    char *boundary = NULL;

    if (value != NULL) {
        bool known = is_type(value);
        CLEANUP(memory_free_p) char *bare = memory_printf("x/y%s", value + strcspn(value, ";"));
        GMimeContentType *type = g_mime_content_type_parse(NULL, known ? value : bare);
        if (known)
            snprintf(part->type, sizeof(part->type), "%s/%s", g_mime_content_type_get_media_type(type),
                     g_mime_content_type_get_media_subtype(type));
        part->charset = copy_or_null(g_mime_content_type_get_parameter(type, "charset"));
        part->name = copy_or_null(g_mime_content_type_get_parameter(type, "name"));
        boundary = copy_or_null(g_mime_content_type_get_parameter(type, "boundary"));
        g_object_unref(type);
    } else if (digest) {
        snprintf(part->type, sizeof(part->type), "message/rfc822");
    }
    for (char *p = part->type; *p != '\0'; p++)
        *p = g_ascii_tolower(*p);
    if (strncmp(part->type, "multipart/", 10) == 0)
        return boundary;
    free(boundary);
    return NULL;
}

static void
read_disposition(struct restore_part *part, const char *head, size_t len)
{
    CLEANUP(memory_free_p) char *value = restore_headers_find(head, len, "Content-Disposition");

    if (value == NULL)
        return;
    GMimeContentDisposition *disposition = g_mime_content_disposition_parse(NULL, value);
    const char *what = g_mime_content_disposition_get_disposition(disposition);
    char *name = copy_or_null(g_mime_content_disposition_get_parameter(disposition, "filename"));
    part->attachment = what != NULL && strcasecmp(what, "attachment") == 0;
    part->is_inline = what != NULL && strcasecmp(what, "inline") == 0;
    if (name != NULL) {
        free(part->name);
        part->name = name;
    }
    g_object_unref(disposition);
}

static void
read_rest(struct restore_part *part, const char *head, size_t len)
{
    CLEANUP(memory_free_p) char *encoding = restore_headers_find(head, len, "Content-Transfer-Encoding");
    CLEANUP(memory_free_p) char *id = restore_headers_find(head, len, "Content-ID");

    part->encoding = restore_decode_kind(unquoted(encoding));
    if (id != NULL && id[0] != '\0') {
        const char *from = id[0] == '<' ? id + 1 : id;
        part->content_id = memory_printf("%.*s", (int)strcspn(from, ">"), from);
    }
    if (part->type[0] == '\0')
        snprintf(part->type, sizeof(part->type),
                 part->attachment || part->name != NULL ? "application/octet-stream" : "text/plain");
}

/* The next line that is "--boundary", perhaps with "--" and blanks; offsets of it and of the line after it. */
static bool
find_delimiter(const char *data, struct span in, const char *boundary, struct span *line, bool *last)
{
    size_t len = strlen(boundary);

    for (size_t at = in.from; at + len + 2 <= in.to;) {
        const char *hit = memmem(data + at, in.to - at, "--", 2);
        if (hit == NULL)
            return false;
        size_t start = (size_t)(hit - data), rest = start + 2 + len;
        at = start + 1;
        if ((start > in.from && hit[-1] != '\n') || rest > in.to || memcmp(hit + 2, boundary, len) != 0)
            continue;
        *last = in.to - rest >= 2 && data[rest] == '-' && data[rest + 1] == '-';
        if (!*last && rest < in.to && memchr(" \t\r\n", data[rest], 4) == NULL)
            continue;
        const char *lf = memchr(data + rest, '\n', in.to - rest);
        *line = (struct span){ start, lf != NULL ? (size_t)(lf - data) + 1 : in.to };
        return true;
    }
    return false;
}

/* The line break before a delimiter belongs to it. */
static size_t
without_break(const char *data, size_t from, size_t to)
{
    if (to > from && data[to - 1] == '\n')
        to -= to - from > 1 && data[to - 2] == '\r' ? 2 : 1;
    return to;
}

static bool
is_blank(const struct restore_parts *parts, const struct restore_part *part)
{
    for (size_t i = 0; i < part->len; i++)
        if (memchr(" \t\r\n", parts->data[part->offset + i], 4) == NULL)
            return false;
    return true;
}

static void read_part(struct restore_parts *parts, int parent, struct span at);

static void
read_children(struct restore_parts *parts, int index, const char *boundary)
{
    const struct restore_part *self = &parts->parts[index];
    struct span rest = { self->offset, self->offset + self->len }, line, next;
    bool last = false, more = find_delimiter(parts->data, rest, boundary, &line, &last);

    while (more && !last && parts->count < RESTORE_PARTS_LIMIT) {
        struct span child = { line.to, rest.to };
        more = find_delimiter(parts->data, child, boundary, &next, &last);
        if (more)
            child.to = without_break(parts->data, child.from, next.from);
        line = next;
        read_part(parts, index, child);
    }
}

static void
read_part(struct restore_parts *parts, int parent, struct span at)
{
    struct restore_part *part = &parts->parts[parts->count];
    const struct restore_part *outer = parent >= 0 ? &parts->parts[parent] : NULL;
    int index = (int)parts->count++;
    const char *head = parts->data + at.from;
    size_t head_len = restore_headers_end(head, at.to - at.from, parent < 0);

    *part = (struct restore_part){ .parent = parent, .depth = outer != NULL ? outer->depth + 1 : 0 };
    part->offset = at.from + head_len;
    part->len = at.to - part->offset;
    CLEANUP(memory_free_p)
    char *boundary = read_type(part, head, head_len, outer != NULL && strcmp(outer->type, "multipart/digest") == 0);
    read_disposition(part, head, head_len);
    read_rest(part, head, head_len);
    if (boundary != NULL && part->depth < DEPTH_LIMIT)
        read_children(parts, index, boundary);
    if (strncmp(part->type, "multipart/", 10) != 0)
        return;
    part->multipart = parts->count > (size_t)index + 1 || is_blank(parts, part);
    if (!part->multipart) /* nothing in it is a part, yet it says something */
        snprintf(part->type, sizeof(part->type), "text/plain");
}

static bool
is_shown(const struct restore_parts *parts, const struct restore_part *part, const char *type)
{
    return !part->multipart && !part->attachment && (part->name == NULL || part->parent < 0) &&
           strcmp(part->type, type) == 0 && !is_blank(parts, part);
}

/* Whether two parts say the same thing: they are in different branches of one multipart/alternative. */
static bool
are_alternatives(const struct restore_parts *parts, int a, int b)
{
    while (a != b) {
        int *deeper = parts->parts[a].depth >= parts->parts[b].depth ? &a : &b;
        *deeper = parts->parts[*deeper].parent;
    }
    return strcmp(parts->parts[a].type, "multipart/alternative") == 0;
}

static void
choose_body(struct restore_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        if (parts->plain < 0 && is_shown(parts, &parts->parts[i], "text/plain"))
            parts->plain = (int)i;
        if (parts->html < 0 && is_shown(parts, &parts->parts[i], "text/html"))
            parts->html = (int)i;
    }
    if (parts->plain < 0 || parts->html < 0 || are_alternatives(parts, parts->plain, parts->html))
        return;
    if (parts->plain < parts->html) /* two texts: the first is the body, the other stays a part */
        parts->html = -1;
    else
        parts->plain = -1;
}

void
restore_parts_read(struct restore_parts *parts, const char *data, size_t len)
{
    *parts = (struct restore_parts){ .data = data, .plain = -1, .html = -1 };
    parts->parts = memory_new(RESTORE_PARTS_LIMIT * sizeof(*parts->parts));
    read_part(parts, -1, (struct span){ 0, len });
    parts->body = parts->parts[0].offset;
    choose_body(parts);
}

void
restore_parts_clear(struct restore_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        free(parts->parts[i].charset);
        free(parts->parts[i].name);
        free(parts->parts[i].content_id);
    }
    free(parts->parts);
    *parts = (struct restore_parts){ .plain = -1, .html = -1 };
}

bool
restore_parts_is_attachment(const struct restore_parts *parts, size_t index)
{
    const struct restore_part *part = &parts->parts[index];

    if (part->multipart || (int)index == parts->plain || (int)index == parts->html)
        return false;
    /* A text of nothing that nobody named is a body left empty. */
    bool nameless = part->name == NULL && part->content_id == NULL && !part->attachment;
    return !nameless || strncmp(part->type, "text/", 5) != 0 || !is_blank(parts, part);
}
