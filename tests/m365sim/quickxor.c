#include "tests/m365sim/quickxor.h"

#include <string.h>

#define ROW 160u

void
quickxor_init(struct quickxor *q)
{
    memset(q, 0, sizeof(*q));
}

static size_t
xor_bytes(struct quickxor *q, const uint8_t *p, size_t len)
{
    uint8_t *rows = (uint8_t *)q->rows;
    for (size_t i = 0; i < len; i++)
        rows[(q->total + i) % ROW] ^= p[i];
    q->total += len;
    return len;
}

/* The positions repeat every 160 bytes, so whole rows are XORed first and put in place at the end. */
void
quickxor_update(struct quickxor *q, const void *data, size_t len)
{
    const uint8_t *p = data;
    size_t lead = (ROW - q->total % ROW) % ROW;
    lead = xor_bytes(q, p, lead < len ? lead : len);
    p += lead;
    len -= lead;
    size_t count = len / ROW;
    for (size_t r = 0; r < count; r++, p += ROW) {
        uint64_t words[20];
        memcpy(words, p, ROW);
        for (size_t i = 0; i < 20; i++)
            q->rows[i] ^= words[i];
    }
    q->total += count * ROW;
    xor_bytes(q, p, len % ROW);
}

void
quickxor_final(const struct quickxor *q, uint8_t out[QUICKXOR_LEN])
{
    const uint8_t *rows = (const uint8_t *)q->rows;
    memset(out, 0, QUICKXOR_LEN);
    for (size_t i = 0; i < ROW; i++) {
        size_t bit = 11 * i % ROW;
        unsigned v = (unsigned)rows[i] << (bit & 7);
        out[bit >> 3] ^= (uint8_t)v;
        out[((bit >> 3) + 1) % QUICKXOR_LEN] ^= (uint8_t)(v >> 8);
    }
    for (int i = 0; i < 8; i++)
        out[12 + i] ^= (uint8_t)(q->total >> (8 * i));
}
