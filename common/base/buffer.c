#include "common/base/buffer.h"

#include "common/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
buffer_init(struct buffer *b, size_t ceiling)
{
    *b = (struct buffer)BUFFER_INIT(ceiling);
}

void
buffer_clear(struct buffer *b)
{
    free(b->data);
    buffer_init(b, b->ceiling);
}

int
buffer_reserve(struct buffer *b, size_t more, struct error *err)
{
    if (more > b->ceiling || b->len > b->ceiling - more)
        return FAIL(err, ERROR_LIMIT, 0, "more than the limit of %zu bytes", b->ceiling);
    size_t wanted = b->len + more;
    if (wanted <= b->capacity)
        return 0;
    size_t capacity = b->capacity < 64 ? 64 : b->capacity;
    while (capacity < wanted)
        capacity += capacity / 2;
    if (capacity > b->ceiling)
        capacity = b->ceiling;
    uint8_t *data = realloc(b->data, capacity);
    if (data == NULL)
        return FAIL(err, ERROR_LIMIT, 0, "out of memory for %zu bytes", capacity);
    b->data = data;
    b->capacity = capacity;
    return 0;
}

int
buffer_append(struct buffer *b, const void *data, size_t len, struct error *err)
{
    if (len == 0)
        return 0;
    if (buffer_reserve(b, len, err) != 0)
        return -1;
    memcpy(b->data + b->len, data, len);
    b->len += len;
    return 0;
}

int
buffer_append_text(struct buffer *b, const char *text, struct error *err)
{
    return buffer_append(b, text, strlen(text), err);
}

int
buffer_printf(struct buffer *b, struct error *err, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    int rc = n < 0 ? FAIL(err, ERROR_INTERNAL, 0, "bad format %s", fmt) : buffer_reserve(b, (size_t)n + 1, err);
    if (rc == 0) {
        vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
    return rc;
}

static int
append_little_endian(struct buffer *b, uint64_t v, size_t size, struct error *err)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(v >> (8 * i));
    return buffer_append(b, bytes, size, err);
}

int
buffer_append_u8(struct buffer *b, uint8_t v, struct error *err)
{
    return buffer_append(b, &v, 1, err);
}

int
buffer_append_u16(struct buffer *b, uint16_t v, struct error *err)
{
    return append_little_endian(b, v, 2, err);
}

int
buffer_append_u32(struct buffer *b, uint32_t v, struct error *err)
{
    return append_little_endian(b, v, 4, err);
}

int
buffer_append_u64(struct buffer *b, uint64_t v, struct error *err)
{
    return append_little_endian(b, v, 8, err);
}

void
buffer_consume(struct buffer *b, size_t len)
{
    if (len >= b->len) {
        b->len = 0;
        return;
    }
    memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
}

const char *
buffer_text(struct buffer *b, struct error *err)
{
    if (buffer_reserve(b, 1, err) != 0)
        return NULL;
    b->data[b->len] = '\0';
    return (const char *)b->data;
}

uint8_t *
buffer_take(struct buffer *b, size_t *len)
{
    uint8_t *data = b->data;
    *len = b->len;
    buffer_init(b, b->ceiling);
    return data;
}
