#ifndef LONGHAUL_COMMON_VAULT_VARINT_H
#define LONGHAUL_COMMON_VAULT_VARINT_H

/* Unsigned LEB128 with one encoding per number: 7 bits a byte, low bits first, the high bit says that more follow; the
 * last byte is not zero unless it is the only one. */

#include "common/base/reader.h"

#define VARINT_MAX 10

/* Returns the bytes written, at most VARINT_MAX. */
static inline size_t
varint_put(uint8_t *out, uint64_t v)
{
    size_t n = 0;
    while (v >= 0x80) {
        out[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    out[n++] = (uint8_t)v;
    return n;
}

static inline uint64_t
varint_get(struct reader *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = reader_u8(r);
        if (r->failed)
            return 0;
        bool overlong = shift > 0 && byte == 0;
        if (overlong || (shift == 63 && byte > 1))
            break;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return v;
    }
    r->failed = true;
    return 0;
}

#endif
