#include "common/base/memory.h"
#include "tests/m365sim/mime.h"
#include "tests/m365sim/mime_codec.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PART_LIMIT  400u
#define DEPTH_LIMIT 30

static bool
is_type(const char *type, size_t len)
{
    const char *slash = memchr(type, '/', len);
    return slash != NULL && slash > type && slash + 1 < type + len && strcspn(type, "<>@,:\"") >= len;
}

static void
settle_type(struct mime_part *part)
{
    if (part->type[0] == '\0')
        snprintf(part->type, sizeof(part->type),
                 part->attachment || part->name != NULL ? "application/octet-stream" : "text/plain");
}

static void
read_type(struct mime_part *part, const struct mime_headers *h, bool digest, char **boundary)
{
    CLEANUP(memory_free_p) char *type = mime_headers_raw(h, "Content-Type");
    if (type == NULL)
        type = memory_strdup(digest ? "message/rfc822" : "text/plain");
    size_t n = strcspn(type, "; \t");
    if (!is_type(type, n)) /* counts as none (RFC 2045, 5.2); see settle_type() for files */
        n = 0;
    snprintf(part->type, sizeof(part->type), "%.*s", (int)(n < 79 ? n : 79), type);
    for (char *p = part->type; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    CLEANUP(memory_free_p) char *charset = mime_parameter(type, "charset");
    snprintf(part->charset, sizeof(part->charset), "%s", charset != NULL ? charset : "");
    part->name = mime_parameter(type, "name");
    *boundary = strncmp(part->type, "multipart/", 10) == 0 ? mime_parameter(type, "boundary") : NULL;
}

static void
read_disposition(struct mime_part *part, const struct mime_headers *h)
{
    CLEANUP(memory_free_p) char *disposition = mime_headers_raw(h, "Content-Disposition");
    if (disposition == NULL)
        return;
    part->attachment = strncasecmp(disposition, "attachment", 10) == 0;
    part->inline_ = strncasecmp(disposition, "inline", 6) == 0;
    char *name = mime_parameter(disposition, "filename");
    if (name != NULL) {
        free(part->name);
        part->name = name;
    }
}

static void
read_encoding(struct mime_part *part, const struct mime_headers *h)
{
    CLEANUP(memory_free_p) char *encoding = mime_headers_raw(h, "Content-Transfer-Encoding");
    if (encoding == NULL)
        return;
    if (strncasecmp(encoding, "base64", 6) == 0)
        part->encoding = MIME_BASE64;
    else if (strncasecmp(encoding, "quoted-printable", 16) == 0)
        part->encoding = MIME_QUOTED;
}

static void
read_content_id(struct mime_part *part, const struct mime_headers *h)
{
    CLEANUP(memory_free_p) char *id = mime_headers_raw(h, "Content-ID");
    if (id == NULL || id[0] == '\0')
        return;
    const char *from = id[0] == '<' ? id + 1 : id;
    part->content_id = memory_printf("%.*s", (int)strcspn(from, ">"), from);
}

/* The next line "--boundary" at or after from; NULL when there is none. *last: it is the closing one. */
static const char *
find_boundary(const char *from, const char *end, const char *boundary, bool *last, const char **after)
{
    size_t len = strlen(boundary);
    for (const char *p = from; p < end;) {
        const char *dash = memmem(p, (size_t)(end - p), "--", 2);
        if (dash == NULL)
            return NULL;
        bool starts = dash == from || dash[-1] == '\n';
        const char *rest = dash + 2 + len;
        bool same = starts && (size_t)(end - dash) >= len + 2 && memcmp(dash + 2, boundary, len) == 0;
        *last = same && end - rest >= 2 && rest[0] == '-' && rest[1] == '-';
        /* A boundary that only begins like this one is another one's. */
        if (same && (*last || rest == end || isspace((unsigned char)*rest))) {
            const char *lf = memchr(rest, '\n', (size_t)(end - rest));
            *after = lf != NULL ? lf + 1 : end;
            return dash;
        }
        p = dash + 1;
    }
    return NULL;
}

static bool
is_blank(const struct mime_message *m, size_t i)
{
    const char *p = m->data + m->parts[i].offset, *end = p + m->parts[i].len;
    while (p < end && isspace((unsigned char)*p))
        p++;
    return p == end;
}

static void parse_part(struct mime_message *m, int parent, int depth, size_t from, size_t to);

static void
parse_children(struct mime_message *m, int parent, int depth, const char *boundary)
{
    const struct mime_part part = m->parts[parent];
    const char *end = m->data + part.offset + part.len, *after;
    bool last = false;
    const char *at = find_boundary(m->data + part.offset, end, boundary, &last, &after);
    while (at != NULL && !last && m->part_count < PART_LIMIT) {
        const char *begin = after;
        const char *stop = find_boundary(begin, end, boundary, &last, &after);
        at = stop;
        if (stop == NULL)
            stop = end;
        else if (stop > begin && stop[-1] == '\n')
            stop -= stop - 1 > begin && stop[-2] == '\r' ? 2 : 1;
        parse_part(m, parent, depth + 1, (size_t)(begin - m->data), (size_t)((stop > begin ? stop : begin) - m->data));
    }
}

static void
parse_part(struct mime_message *m, int parent, int depth, size_t from, size_t to)
{
    struct mime_headers own, *h = parent < 0 ? &m->headers : &own;
    char *boundary = NULL;
    size_t index = m->part_count++;
    struct mime_part *part = &m->parts[index];
    bool digest = parent >= 0 && strcmp(m->parts[parent].type, "multipart/digest") == 0;
    mime_headers_parse(h, m->data + from, to - from);
    bool starts = h->count > 0 && h->fields[0].name == m->data + from;
    if (parent >= 0 && !starts && from < to && strchr("\r\n", m->data[from]) == NULL)
        h->count = h->end = 0; /* a part that begins with its text */
    part->parent = parent;
    part->depth = depth;
    part->offset = from + h->end;
    part->len = to - part->offset;
    read_type(part, h, digest, &boundary);
    read_disposition(part, h);
    settle_type(part);
    read_encoding(part, h);
    read_content_id(part, h);
    if (parent >= 0)
        mime_headers_clear(&own);
    if (boundary != NULL && boundary[0] != '\0' && depth < DEPTH_LIMIT)
        parse_children(m, (int)index, depth, boundary);
    free(boundary);
    /* A multipart whose boundary never comes is read as text. */
    if (strncmp(part->type, "multipart/", 10) == 0 && m->part_count == index + 1 && !is_blank(m, index))
        snprintf(part->type, sizeof(part->type), "text/plain");
}

static bool
is_body_candidate(const struct mime_message *m, size_t i, const char *type)
{
    const struct mime_part *p = &m->parts[i];
    return strcmp(p->type, type) == 0 && !p->attachment && (p->name == NULL || i == 0) && !is_blank(m, i);
}

/* Of texts beside each other the first is the body and the others are files; only alternatives stand for each other. */
static void
settle_body(struct mime_message *m)
{
    int a = m->plain, b = m->html;
    if (a < 0 || b < 0)
        return;
    while (a != b) {
        int *deeper = m->parts[a].depth >= m->parts[b].depth ? &a : &b;
        *deeper = m->parts[*deeper].parent;
    }
    if (strcmp(m->parts[a].type, "multipart/alternative") == 0)
        return;
    if (m->plain < m->html)
        m->html = -1;
    else
        m->plain = -1;
}

void
mime_message_parse(struct mime_message *m, const char *data, size_t len)
{
    memset(m, 0, sizeof(*m));
    m->data = data;
    m->len = len;
    m->parts = memory_new(PART_LIMIT * sizeof(*m->parts));
    m->plain = m->html = -1;
    parse_part(m, -1, 0, 0, len);
    for (size_t i = 0; i < m->part_count; i++) {
        if (m->plain < 0 && is_body_candidate(m, i, "text/plain"))
            m->plain = (int)i;
        if (m->html < 0 && is_body_candidate(m, i, "text/html"))
            m->html = (int)i;
    }
    settle_body(m);
}

void
mime_message_clear(struct mime_message *m)
{
    for (size_t i = 0; i < m->part_count; i++) {
        free(m->parts[i].name);
        free(m->parts[i].content_id);
    }
    free(m->parts);
    mime_headers_clear(&m->headers);
    memset(m, 0, sizeof(*m));
}

bool
mime_message_is_attachment(const struct mime_message *m, size_t part)
{
    const struct mime_part *p = &m->parts[part];
    bool multipart = strncmp(p->type, "multipart/", 10) == 0;
    bool file = p->name != NULL || p->content_id != NULL || p->attachment || strncmp(p->type, "text/", 5) != 0;
    return !multipart && (file || !is_blank(m, part)) && (int)part != m->plain && (int)part != m->html;
}

char *
mime_message_content(const struct mime_message *m, size_t part, size_t *len)
{
    const struct mime_part *p = &m->parts[part];
    char *out = memory_new(p->len + 1);
    switch (p->encoding) {
    case MIME_BASE64:
        *len = mime_codec_base64(m->data + p->offset, p->len, out);
        break;
    case MIME_QUOTED:
        *len = mime_codec_quoted(m->data + p->offset, p->len, out, false);
        break;
    case MIME_IDENTITY:
        memcpy(out, m->data + p->offset, p->len);
        *len = p->len;
        break;
    }
    out[*len] = '\0';
    return out;
}

char *
mime_message_text(const struct mime_message *m, size_t part)
{
    size_t len;
    CLEANUP(memory_free_p) char *bytes = mime_message_content(m, part, &len);
    return mime_to_utf8(m->parts[part].charset, bytes, len);
}
