#include "transporter/source/mime_compose.h"

#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "transporter/source/source.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WORD_BYTES  ((size_t)42) /* of text in one encoded word */
#define PLAIN_MAX   ((size_t)900)
#define TYPE_TOKENS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&-^_.+"

static int
put(struct mime_compose *compose, const char *text, size_t len, struct error *err)
{
    compose->bytes += len;
    return compose->sink->write(compose->sink->ctx, text, len, err);
}

int
mime_compose_line(struct mime_compose *compose, const char *text, struct error *err)
{
    return put(compose, text, strlen(text), err) == 0 ? put(compose, "\r\n", 2, err) : -1;
}

int
mime_compose_header_as_is(struct mime_compose *compose, const char *name, const char *value, struct error *err)
{
    CLEANUP(memory_free_p) char *line = memory_printf("%s: %s", name, value);
    return mime_compose_line(compose, line, err);
}

int
mime_compose_header(struct mime_compose *compose, const char *name, const char *value, struct error *err)
{
    CLEANUP(memory_free_p) char *words = mime_compose_words(value);
    return mime_compose_header_as_is(compose, name, words, err);
}

static bool
is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
            return false;
    return true;
}

static bool
is_plain(const char *text)
{
    return is_ascii(text) && strlen(text) <= PLAIN_MAX && strstr(text, "=?") == NULL;
}

static char *
flatten(const char *text)
{
    char *flat = memory_strdup(text);

    for (char *p = flat; *p != '\0'; p++)
        if (iscntrl((unsigned char)*p))
            *p = ' ';
    return flat;
}

/* Length of the next encoded word's text: whole characters. */
static size_t
word_length(const char *text, size_t left)
{
    size_t n = left < WORD_BYTES ? left : WORD_BYTES;

    while (n > 1 && n < left && ((unsigned char)text[n] & 0xC0) == 0x80)
        n--;
    return n;
}

char *
mime_compose_words(const char *text)
{
    CLEANUP(memory_free_p) char *flat = flatten(text);

    if (is_plain(flat))
        return MOVE(flat);
    size_t len = strlen(flat), n = 0, room = (len / (WORD_BYTES - 3) + 1) * (ENCODING_BASE64_LEN(WORD_BYTES) + 20);
    char *out = memory_new(room);
    for (size_t at = 0; at < len;) {
        char code[ENCODING_BASE64_LEN(WORD_BYTES)];
        size_t piece = word_length(flat + at, len - at);
        encoding_base64(flat + at, piece, code);
        n += (size_t)snprintf(out + n, room - n, "%s=?utf-8?B?%s?=", at > 0 ? "\r\n " : "", code);
        at += piece;
    }
    return out;
}

int
mime_compose_header_again(struct mime_compose *compose, const char *name, const char *value, struct error *err)
{
    CLEANUP(memory_free_p) char *flat = flatten(value);
    return is_ascii(flat) ? mime_compose_header_as_is(compose, name, flat, err)
                          : mime_compose_header(compose, name, flat, err);
}

/* RFC 2231: name*=utf-8''percent%20encoded */
static char *
extended_value(const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = memory_new(strlen(text) * 3 + 1), *to = out;

    for (const char *p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        if (isalnum(c) || strchr("-._", c) != NULL) {
            *to++ = *p;
        } else {
            *to++ = '%';
            *to++ = hex[c >> 4];
            *to++ = hex[c & 15];
        }
    }
    return out;
}

/* A type that a reader takes for a single file: containers would have to be what they say. */
static const char *
file_type(const char *type)
{
    size_t n = strspn(type, TYPE_TOKENS);

    if (n == 0 || type[n] != '/' || strspn(type + n + 1, TYPE_TOKENS) != strlen(type + n + 1) ||
        strncasecmp(type, "multipart/", 10) == 0)
        return "application/octet-stream";
    return type;
}

int
mime_compose_file(struct mime_compose *compose, const struct mime_compose_file *file, struct error *err)
{
    CLEANUP(memory_free_p) char *name = extended_value(file->name);
    CLEANUP(memory_free_p)
    char *disposition = memory_printf("%s; filename*=utf-8''%s", file->is_inline ? "inline" : "attachment", name);
    CLEANUP(memory_free_p) char *id = memory_printf("<%.200s>", file->content_id);

    if (mime_compose_header_as_is(compose, "Content-Type", file_type(file->content_type), err) != 0 ||
        mime_compose_header_as_is(compose, "Content-Disposition", disposition, err) != 0)
        return -1;
    if (file->content_id[0] != '\0' && mime_compose_header(compose, "Content-ID", id, err) != 0)
        return -1;
    return mime_compose_line(compose, "Content-Transfer-Encoding: base64\r\n", err);
}

static int
put_base64_line(struct mime_compose *compose, struct error *err)
{
    char text[ENCODING_BASE64_LEN(sizeof(compose->line))];

    encoding_base64(compose->line, compose->filled, text);
    compose->filled = 0;
    return mime_compose_line(compose, text, err);
}

int
mime_compose_base64(struct mime_compose *compose, const void *data, size_t len, struct error *err)
{
    for (const uint8_t *p = data; len > 0;) {
        size_t room = sizeof(compose->line) - compose->filled, n = len < room ? len : room;
        memcpy(compose->line + compose->filled, p, n);
        compose->filled += n;
        p += n;
        len -= n;
        if (compose->filled == sizeof(compose->line) && put_base64_line(compose, err) != 0)
            return -1;
    }
    return 0;
}

int
mime_compose_base64_end(struct mime_compose *compose, struct error *err)
{
    return compose->filled > 0 ? put_base64_line(compose, err) : 0;
}
