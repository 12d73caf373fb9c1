#ifndef LONGHAUL_COMMON_BASE_READER_H
#define LONGHAUL_COMMON_BASE_READER_H

/* A cursor over borrowed bytes of an on-disk or wire record. Reading past the end sets `failed`, yields
 * zeroes and never moves on, so a parser reads all fields first and checks once. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
    const uint8_t *data;
    size_t len, at;
    bool failed;
};

#define READER_INIT(bytes, size)                                                                                       \
    {                                                                                                                  \
        .data = (bytes), .len = (size)                                                                                 \
    }

static inline size_t
reader_left(const struct reader *r)
{
    return r->failed ? 0 : r->len - r->at;
}

/* NULL when fewer than len bytes are left. */
static inline const uint8_t *
reader_bytes(struct reader *r, size_t len)
{
    if (r->failed || r->len - r->at < len) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *p = r->data + r->at;
    r->at += len;
    return p;
}

static inline uint64_t
reader_uint(struct reader *r, size_t size)
{
    const uint8_t *p = reader_bytes(r, size);
    uint64_t v = 0;
    for (size_t i = 0; p != NULL && i < size; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static inline uint8_t
reader_u8(struct reader *r)
{
    return (uint8_t)reader_uint(r, 1);
}

static inline uint16_t
reader_u16(struct reader *r)
{
    return (uint16_t)reader_uint(r, 2);
}

static inline uint32_t
reader_u32(struct reader *r)
{
    return (uint32_t)reader_uint(r, 4);
}

static inline uint64_t
reader_u64(struct reader *r)
{
    return reader_uint(r, 8);
}

#endif
