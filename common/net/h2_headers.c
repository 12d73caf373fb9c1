#include "common/net/h2_headers.h"

#include "common/base/error.h"

#include <stdlib.h>
#include <string.h>

void
h2_headers_init(struct h2_headers *headers)
{
    *headers = (struct h2_headers){ .text = BUFFER_INIT(H2_HEADERS_BYTES + 2 * (size_t)H2_HEADERS_COUNT) };
}

void
h2_headers_clear(struct h2_headers *headers)
{
    buffer_clear(&headers->text);
    free(headers->fields);
    h2_headers_init(headers);
}

static int
grow(struct h2_headers *headers, struct error *err)
{
    size_t capacity = headers->capacity == 0 ? 16 : headers->capacity * 2;
    void *fields = realloc(headers->fields, capacity * sizeof(headers->fields[0]));
    if (fields == NULL)
        return FAIL(err, ERROR_LIMIT, 0, "out of memory for header fields");
    headers->fields = fields;
    headers->capacity = capacity;
    return 0;
}

int
h2_headers_add(struct h2_headers *headers, const void *name, size_t name_len, const void *value, size_t value_len,
               struct error *err)
{
    if (headers->count == H2_HEADERS_COUNT)
        return FAIL(err, ERROR_LIMIT, 0, "more than %d header fields", H2_HEADERS_COUNT);
    if (name_len > H2_HEADERS_BYTES || value_len > H2_HEADERS_BYTES)
        return FAIL(err, ERROR_LIMIT, 0, "a header field is longer than %zu bytes", H2_HEADERS_BYTES);
    if (headers->count == headers->capacity && grow(headers, err) != 0)
        return -1;
    struct buffer *text = &headers->text;
    size_t at = text->len;
    if (buffer_reserve(text, name_len + value_len + 2, err) != 0)
        return -1;
    buffer_append(text, name, name_len, NULL);
    buffer_append(text, "", 1, NULL);
    buffer_append(text, value, value_len, NULL);
    buffer_append(text, "", 1, NULL);
    uint32_t *field = headers->fields[headers->count++];
    field[0] = (uint32_t)at;
    field[1] = (uint32_t)name_len;
    field[2] = (uint32_t)value_len;
    return 0;
}

int
h2_headers_add_text(struct h2_headers *headers, const char *name, const char *value, struct error *err)
{
    return h2_headers_add(headers, name, strlen(name), value, strlen(value), err);
}

struct h2_field
h2_headers_at(const struct h2_headers *headers, size_t index)
{
    const uint32_t *field = headers->fields[index];
    const char *name = (const char *)headers->text.data + field[0];
    return (struct h2_field){ name, field[1], name + field[1] + 1, field[2] };
}

const char *
h2_headers_get(const struct h2_headers *headers, const char *name, size_t *len)
{
    size_t wanted = strlen(name);
    for (size_t i = 0; i < headers->count; i++) {
        struct h2_field field = h2_headers_at(headers, i);
        if (field.name_len == wanted && memcmp(field.name, name, wanted) == 0) {
            if (len != NULL)
                *len = field.value_len;
            return field.value;
        }
    }
    return NULL;
}
