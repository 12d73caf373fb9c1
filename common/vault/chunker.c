#include "common/vault/chunker.h"

#define LEAST_AVERAGE (16U << 10)

const struct chunker_sizes chunker_sizes_new = { .min = 8U << 10, .average = 32U << 10, .max = 128U << 10 };

bool
chunker_sizes_valid(const struct chunker_sizes *sizes)
{
    bool power_of_two = sizes->average != 0 && (sizes->average & (sizes->average - 1)) == 0;
    return power_of_two && sizes->average >= LEAST_AVERAGE && sizes->average <= CHUNKER_MAX / 4 &&
           sizes->min == sizes->average / 4 && sizes->max == sizes->average * 4;
}

/* The first position after at where the hash falls below limit: as many of its high bits are zero as the limit has. The
 * gear hash shifts left, so its high bits have seen the most bytes. Four bytes at a time: what the loaded values add is
 * put together beside the hash, which then waits for one addition in two bytes. */
static size_t
scan(const uint64_t *gear, const uint8_t *data, size_t at, size_t end, uint64_t *hash, uint64_t limit)
{
    uint64_t h = *hash, h1, h2, h3;
    for (; at + 4 <= end; at += 4) {
        uint64_t g1 = gear[data[at]], g2 = gear[data[at + 1]], g3 = gear[data[at + 2]], g4 = gear[data[at + 3]];
        h1 = (h << 1) + g1;
        h2 = (h << 2) + ((g1 << 1) + g2);
        h3 = (h2 << 1) + g3;
        h = (h2 << 2) + ((g3 << 1) + g4);
        if (h1 < limit)
            return *hash = h1, at + 1;
        if (h2 < limit)
            return *hash = h2, at + 2;
        if (h3 < limit)
            return *hash = h3, at + 3;
        if (h < limit)
            return *hash = h, at + 4;
    }
    for (; at < end; at++) {
        h = (h << 1) + gear[data[at]];
        if (h < limit)
            return *hash = h, at + 1;
    }
    *hash = h;
    return 0;
}

size_t
chunker_cut(const struct chunker_sizes *sizes, const uint64_t gear[CHUNKER_TABLE], const uint8_t *data, size_t len)
{
    if (len <= sizes->min)
        return len;
    size_t end = len < sizes->max ? len : sizes->max;
    size_t normal = end < sizes->average ? end : sizes->average;
    unsigned bits = (unsigned)__builtin_ctz(sizes->average);
    /* The hash forgets what is 64 bytes back: warming it up makes a cut depend on content, not on the chunk's start. */
    uint64_t hash = 0;
    for (size_t i = sizes->min - 64; i < sizes->min; i++)
        hash = (hash << 1) + gear[data[i]];
    size_t cut = scan(gear, data, sizes->min, normal, &hash, (uint64_t)1 << (64 - (bits + 2)));
    if (cut == 0)
        cut = scan(gear, data, normal, end, &hash, (uint64_t)1 << (64 - (bits - 2)));
    return cut == 0 ? end : cut;
}
