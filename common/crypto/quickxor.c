#include "common/crypto/quickxor.h"

#include "common/base/encoding.h"

#include <string.h>

/* Byte number i lands at bit 11 * i modulo 160, which repeats every 160 bytes; so bytes of equal position are XORed
 * together first, word by word, and shifted into place once at the end. */
void
quickxor_update(struct quickxor *hash, const void *data, size_t len)
{
    const uint8_t *p = data;
    size_t at = (size_t)(hash->length % QUICKXOR_ROWS);

    hash->length += len;
    while (len > 0) {
        size_t n = QUICKXOR_ROWS - at < len ? QUICKXOR_ROWS - at : len;
        uint8_t *row = hash->row + at;
        size_t i = 0;
        for (; i + 8 <= n; i += 8) {
            uint64_t a, b;
            memcpy(&a, row + i, 8);
            memcpy(&b, p + i, 8);
            a ^= b;
            memcpy(row + i, &a, 8);
        }
        for (; i < n; i++)
            row[i] ^= p[i];
        p += n;
        len -= n;
        at = 0;
    }
}

void
quickxor_final(const struct quickxor *hash, uint8_t out[QUICKXOR_LEN])
{
    memset(out, 0, QUICKXOR_LEN);
    for (unsigned i = 0; i < QUICKXOR_ROWS; i++) {
        unsigned shift = i * 11 % 160;
        unsigned v = (unsigned)hash->row[i] << (shift & 7);
        out[shift >> 3] ^= (uint8_t)v;
        out[((shift >> 3) + 1) % QUICKXOR_LEN] ^= (uint8_t)(v >> 8);
    }
    for (unsigned i = 0; i < 8; i++)
        out[12 + i] ^= (uint8_t)(hash->length >> (8 * i));
}

void
quickxor_text(const struct quickxor *hash, char out[QUICKXOR_TEXT])
{
    uint8_t raw[QUICKXOR_LEN];

    quickxor_final(hash, raw);
    encoding_base64(raw, sizeof(raw), out);
}
