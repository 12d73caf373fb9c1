#include "common/vault/chunker.h"

/* Two bits more than log2(average) before the average length, two fewer after it. The gear hash shifts left, so its
 * high bits have seen the most bytes. */
#define AVERAGE_BITS 16
#define MASK(bits)   (~(uint64_t)0 << (64 - (bits)))

static size_t
scan(const uint64_t *gear, const uint8_t *data, size_t at, size_t end, uint64_t *hash, uint64_t mask)
{
    uint64_t h = *hash;
    for (; at < end; at++) {
        h = (h << 1) + gear[data[at]];
        if ((h & mask) == 0) {
            *hash = h;
            return at + 1;
        }
    }
    *hash = h;
    return 0;
}

size_t
chunker_cut(const uint64_t gear[CHUNKER_TABLE], const uint8_t *data, size_t len)
{
    if (len <= CHUNKER_MIN)
        return len;
    size_t end = len < CHUNKER_MAX ? len : CHUNKER_MAX;
    size_t normal = end < CHUNKER_AVERAGE ? end : CHUNKER_AVERAGE;
    /* The hash forgets what is 64 bytes back: warming it up makes a cut depend on content, not on the chunk's start. */
    uint64_t hash = 0;
    for (size_t i = CHUNKER_MIN - 64; i < CHUNKER_MIN; i++)
        hash = (hash << 1) + gear[data[i]];
    size_t cut = scan(gear, data, CHUNKER_MIN, normal, &hash, MASK(AVERAGE_BITS + 2));
    if (cut == 0)
        cut = scan(gear, data, normal, end, &hash, MASK(AVERAGE_BITS - 2));
    return cut == 0 ? end : cut;
}
