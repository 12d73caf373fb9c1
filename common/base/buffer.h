#ifndef LONGHAUL_COMMON_BASE_BUFFER_H
#define LONGHAUL_COMMON_BASE_BUFFER_H

/* A growable run of bytes that is born with a ceiling. */

#include <stddef.h>
#include <stdint.h>

struct error;

struct buffer {
    uint8_t *data;
    size_t len;
    size_t capacity;
    size_t ceiling;
};

/* Embedded use: buffer_init(&b, ceiling) ... buffer_clear(&b), or CLEANUP(buffer_clear). */
void buffer_init(struct buffer *b, size_t ceiling);
/* Frees the bytes and zeroes the struct except its ceiling. */
void buffer_clear(struct buffer *b);
#define BUFFER_INIT(limit)                                                                                             \
    {                                                                                                                  \
        .ceiling = (limit)                                                                                             \
    }

/* All of these fail with ERROR_LIMIT above the ceiling and leave the buffer as it was. */
int buffer_reserve(struct buffer *b, size_t more, struct error *err);
int buffer_append(struct buffer *b, const void *data, size_t len, struct error *err);
int buffer_append_text(struct buffer *b, const char *text, struct error *err);
int buffer_printf(struct buffer *b, struct error *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Little-endian, as every on-disk number of the project. */
int buffer_append_u8(struct buffer *b, uint8_t v, struct error *err);
int buffer_append_u16(struct buffer *b, uint16_t v, struct error *err);
int buffer_append_u32(struct buffer *b, uint32_t v, struct error *err);
int buffer_append_u64(struct buffer *b, uint64_t v, struct error *err);

/* Drop the first len bytes; len is at most b->len. */
void buffer_consume(struct buffer *b, size_t len);
/* A NUL after the last byte, not counted in len. The pointer is valid until the next change. */
const char *buffer_text(struct buffer *b, struct error *err);
/* Hands the bytes over; the caller frees them. The buffer is empty afterwards. */
uint8_t *buffer_take(struct buffer *b, size_t *len);

#endif
