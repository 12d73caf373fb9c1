#include "transporter/host/index_segment_internal.h"

#include <string.h>

#define BITS_PER_ENTRY 10
#define BITS_PER_ID    6

struct choice {
    size_t block;
    uint64_t bits; /* 8 bits of it choose one bit each */
};

static struct choice
choose(uint32_t blocks, const struct chunk_id *id)
{
    uint64_t v = 0;
    uint32_t high = 0;
    for (int i = 0; i < 6; i++)
        v |= (uint64_t)id->bytes[8 + i] << (8 * i);
    /* Block from bytes 4 to 7: together with the bits they are as good as independent. */
    for (int i = 0; i < 4; i++)
        high |= (uint32_t)id->bytes[4 + i] << (8 * i);
    return (struct choice){ (size_t)(((uint64_t)high * blocks) >> 32), v };
}

uint32_t
index_filter_blocks(size_t entries)
{
    size_t blocks = (entries * BITS_PER_ENTRY + 8 * INDEX_FILTER_BLOCK - 1) / ((size_t)8 * INDEX_FILTER_BLOCK);
    return blocks == 0 ? 1 : (uint32_t)blocks;
}

const uint8_t *
index_filter_block(const uint8_t *filter, uint32_t blocks, const struct chunk_id *id)
{
    return filter + choose(blocks, id).block * INDEX_FILTER_BLOCK;
}

void
index_filter_add(uint8_t *filter, uint32_t blocks, const struct chunk_id *id)
{
    struct choice c = choose(blocks, id);
    uint8_t *block = filter + c.block * INDEX_FILTER_BLOCK;
    for (int i = 0; i < BITS_PER_ID; i++, c.bits >>= 8)
        block[(c.bits & 0xff) >> 3] |= (uint8_t)(1U << (c.bits & 7));
}

bool
index_filter_has(const uint8_t *filter, uint32_t blocks, const struct chunk_id *id)
{
    struct choice c = choose(blocks, id);
    const uint8_t *block = filter + c.block * INDEX_FILTER_BLOCK;
    for (int i = 0; i < BITS_PER_ID; i++, c.bits >>= 8) {
        if ((block[(c.bits & 0xff) >> 3] & (1U << (c.bits & 7))) == 0)
            return false;
    }
    return true;
}
