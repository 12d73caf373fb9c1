#include "transporter/host/index_segment_internal.h"

#include "common/base/buffer.h"
#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>

static int
compare_entries(const void *a, const void *b)
{
    return memcmp(((const struct index_entry *)a)->id.bytes, ((const struct index_entry *)b)->id.bytes, CHUNK_ID_LEN);
}

struct numbered_pack {
    struct index_pack pack;
    uint32_t before;
};

static int
compare_packs(const void *a, const void *b)
{
    return memcmp(((const struct numbered_pack *)a)->pack.name, ((const struct numbered_pack *)b)->pack.name, 16);
}

static void
sort_packs(struct index_content *content)
{
    size_t n = content->pack_count;
    struct numbered_pack *numbered = memory_new((n + 1) * sizeof(*numbered));
    uint32_t *after = memory_new((n + 1) * sizeof(*after));
    for (size_t i = 0; i < n; i++)
        numbered[i] = (struct numbered_pack){ content->packs[i], (uint32_t)i };
    qsort(numbered, n, sizeof(*numbered), compare_packs);
    for (size_t i = 0; i < n; i++) {
        content->packs[i] = numbered[i].pack;
        after[numbered[i].before] = (uint32_t)i;
    }
    for (size_t i = 0; i < content->group_count; i++)
        content->groups[i].pack = after[content->groups[i].pack];
    free(numbered);
    free(after);
}

void
index_segment_sort(struct index_content *content)
{
    sort_packs(content);
    qsort(content->entries, content->entry_count, sizeof(content->entries[0]), compare_entries);
    size_t kept = 0;
    for (size_t i = 0; i < content->entry_count; i++) {
        if (kept > 0 && compare_entries(&content->entries[kept - 1], &content->entries[i]) == 0)
            continue;
        content->entries[kept++] = content->entries[i];
    }
    content->entry_count = kept;
}

uint32_t
index_get_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

uint8_t *
index_put_u32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (8 * i));
    return out + 4;
}

void
index_put_header(uint8_t out[INDEX_HEADER_LEN], const struct index_tables *tables, uint32_t filter_blocks)
{
    memcpy(out, INDEX_MAGIC, 4);
    out = index_put_u32(out + 4, INDEX_VERSION);
    out = index_put_u32(out, tables->pack_count);
    out = index_put_u32(out, tables->group_count);
    out = index_put_u32(out, (uint32_t)tables->entry_count);
    out = index_put_u32(out, (uint32_t)(tables->entry_count >> 32));
    out = index_put_u32(out, filter_blocks);
    index_put_u32(out, 0);
}

int
index_segment_encode(const struct index_content *content, struct buffer *out, struct error *err)
{
    uint32_t blocks = index_filter_blocks(content->entry_count);
    size_t filter_len = (size_t)blocks * INDEX_FILTER_BLOCK;
    size_t len = INDEX_HEADER_LEN + content->pack_count * 16 + content->group_count * INDEX_GROUP_LEN +
                 content->entry_count * INDEX_ENTRY_LEN + filter_len + DIGEST_LEN;
    if (buffer_reserve(out, len, err) != 0)
        return -1;
    uint8_t *start = out->data + out->len, *at = start;
    const struct index_tables tables = { .pack_count = (uint32_t)content->pack_count,
                                         .group_count = (uint32_t)content->group_count,
                                         .entry_count = content->entry_count };
    index_put_header(at, &tables, blocks);
    at += INDEX_HEADER_LEN;
    for (size_t i = 0; i < content->pack_count; i++, at += 16)
        memcpy(at, content->packs[i].name, 16);
    for (size_t i = 0; i < content->group_count; i++) {
        const struct index_group *g = &content->groups[i];
        at = index_put_u32(
            index_put_u32(index_put_u32(index_put_u32(index_put_u32(at, g->pack), g->ordinal), g->offset), g->stored),
            g->raw);
    }
    uint8_t *filter = at + content->entry_count * INDEX_ENTRY_LEN;
    memset(filter, 0, filter_len);
    for (size_t i = 0; i < content->entry_count; i++) {
        const struct index_entry *e = &content->entries[i];
        memcpy(at, e->id.bytes, CHUNK_ID_LEN);
        at = index_put_u32(index_put_u32(index_put_u32(at + CHUNK_ID_LEN, e->group), e->chunk_offset), e->chunk_len);
        index_filter_add(filter, blocks, &e->id);
    }
    digest_sha256(start, len - DIGEST_LEN, start + len - DIGEST_LEN);
    out->len += len;
    return 0;
}
