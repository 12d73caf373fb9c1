#ifndef LONGHAUL_TRANSPORTER_HOST_INDEX_SEGMENT_INTERNAL_H
#define LONGHAUL_TRANSPORTER_HOST_INDEX_SEGMENT_INTERNAL_H

#include "common/crypto/digest.h"
#include "transporter/host/index_segment.h"

#define INDEX_MAGIC        "LHIX"
#define INDEX_VERSION      1
#define INDEX_HEADER_LEN   32
#define INDEX_GROUP_LEN    20
#define INDEX_ENTRY_LEN    28
#define INDEX_FILTER_BLOCK 32 /* bytes */

/* A segment's tables as they lie in the mapping. */
struct index_tables {
    const uint8_t *packs, *groups, *entries;
    uint32_t pack_count, group_count;
    uint64_t entry_count;
};
struct index_tables index_segment_tables(const struct index_segment *segment);

uint32_t index_get_u32(const uint8_t *bytes);
uint8_t *index_put_u32(uint8_t *out, uint32_t value);
void index_put_header(uint8_t out[INDEX_HEADER_LEN], const struct index_tables *tables, uint32_t filter_blocks);

/* A blocked Bloom filter: one block of 256 bits an id, 6 bits in it; 10 bits of filter an entry. Bytes 4 to 7 of the
 * id choose the block, bytes 8 to 13 one bit each. */
uint32_t index_filter_blocks(size_t entries);
void index_filter_add(uint8_t *filter, uint32_t blocks, const struct chunk_id *id);
const uint8_t *index_filter_block(const uint8_t *filter, uint32_t blocks, const struct chunk_id *id);
bool index_filter_has(const uint8_t *filter, uint32_t blocks, const struct chunk_id *id);

#endif
