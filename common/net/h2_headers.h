#ifndef LONGHAUL_COMMON_NET_H2_HEADERS_H
#define LONGHAUL_COMMON_NET_H2_HEADERS_H

/* An ordered list of header fields with a ceiling on its size. */

#include "common/base/buffer.h"

#include <stddef.h>
#include <stdint.h>

#define H2_HEADERS_BYTES ((size_t)16 << 10)
#define H2_HEADERS_COUNT 128

struct h2_field {
    const char *name; /* ends in NUL */
    size_t name_len;
    const char *value; /* ends in NUL, which may not be its only one */
    size_t value_len;
};

struct h2_headers {
    struct buffer text;
    uint32_t (*fields)[3]; /* offset of the name, its length, the value's length */
    size_t count, capacity;
};

void h2_headers_init(struct h2_headers *headers);
void h2_headers_clear(struct h2_headers *headers);

/* ERROR_LIMIT above H2_HEADERS_BYTES or H2_HEADERS_COUNT. */
int h2_headers_add(struct h2_headers *headers, const void *name, size_t name_len, const void *value, size_t value_len,
                   struct error *err);
int h2_headers_add_text(struct h2_headers *headers, const char *name, const char *value, struct error *err);

/* Valid until the next change. */
struct h2_field h2_headers_at(const struct h2_headers *headers, size_t index);
/* The first value of that name, NULL when absent. len may be NULL. */
const char *h2_headers_get(const struct h2_headers *headers, const char *name, size_t *len);

#endif
