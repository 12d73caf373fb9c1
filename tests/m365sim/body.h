#ifndef LONGHAUL_TESTS_M365SIM_BODY_H
#define LONGHAUL_TESTS_M365SIM_BODY_H

/* The body of a request: in memory while small, in an unlinked file when large. */

#include "common/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

#define BODY_CEILING ((uint64_t)300 << 20)

struct body {
    struct buffer memory;
    int fd; /* -1 while in memory */
    uint64_t size;
    const char *folder; /* where the file goes; borrowed */
    void *map;
};

void body_init(struct body *b, const char *folder);
void body_clear(struct body *b);
int body_append(struct body *b, const void *data, size_t len, struct error *err);
/* All bytes, contiguous and followed by nothing; valid until body_clear(). NULL when there are none. */
const uint8_t *body_bytes(struct body *b, struct error *err);
/* Writes all of it to fd at offset. */
int body_write(struct body *b, int fd, uint64_t offset, struct error *err);

#endif
