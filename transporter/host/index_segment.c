#include "transporter/host/index_segment.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/reader.h"
#include "common/vault/pack_format.h"
#include "transporter/host/index_segment_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct index_segment {
    const uint8_t *data;
    size_t len;
    bool mapped;
    atomic_uint owners; /* besides the first */
    char name[PACK_NAME_LEN];
    const uint8_t *packs, *groups, *entries, *filter;
    uint32_t pack_count, group_count, filter_blocks;
    uint64_t entry_count;
};

/* The first 8 bytes as a number that sorts like the id. */
static uint64_t
id_rank(const uint8_t *id)
{
    uint64_t v;
    memcpy(&v, id, sizeof(v));
    return __builtin_bswap64(v);
}

static int
check_groups(const struct index_segment *s, struct error *err)
{
    for (uint32_t i = 0; i < s->group_count; i++) {
        const uint8_t *g = s->groups + (size_t)i * INDEX_GROUP_LEN;
        uint32_t stored = index_get_u32(g + 12), raw = index_get_u32(g + 16);
        if (index_get_u32(g) >= s->pack_count || index_get_u32(g + 4) >= PACK_MAX_GROUPS ||
            index_get_u32(g + 8) > PACK_MAX_BYTES || stored > PACK_MAX_BYTES || stored <= PACK_GROUP_OVERHEAD ||
            raw == 0 || raw > GROUP_MAX_RAW)
            return FAIL(err, ERROR_FORMAT, 0, "an index segment holds an impossible group");
    }
    return 0;
}

static int
check_tables(const struct index_segment *s, struct error *err)
{
    for (uint32_t i = 1; i < s->pack_count; i++) {
        if (memcmp(s->packs + (size_t)(i - 1) * 16, s->packs + (size_t)i * 16, 16) >= 0)
            return FAIL(err, ERROR_FORMAT, 0, "an index segment's packs are not in order");
    }
    for (uint64_t i = 0; i < s->entry_count; i++) {
        const uint8_t *e = s->entries + i * INDEX_ENTRY_LEN;
        uint32_t group = index_get_u32(e + 16), offset = index_get_u32(e + 20), len = index_get_u32(e + 24);
        if (group >= s->group_count || (i > 0 && memcmp(e - INDEX_ENTRY_LEN, e, CHUNK_ID_LEN) >= 0))
            return FAIL(err, ERROR_FORMAT, 0, "an index segment's entries are not in order");
        uint32_t raw = index_get_u32(s->groups + (size_t)group * INDEX_GROUP_LEN + 16);
        if (len == 0 || len > raw || offset > raw - len)
            return FAIL(err, ERROR_FORMAT, 0, "an index segment holds an impossible entry");
    }
    return 0;
}

static int
parse(struct index_segment *s, struct error *err)
{
    struct reader in = READER_INIT(s->data, s->len);
    const uint8_t *magic = reader_bytes(&in, 4);
    if (magic == NULL || memcmp(magic, INDEX_MAGIC, 4) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "not an index segment");
    uint32_t version = reader_u32(&in);
    if (version != INDEX_VERSION)
        return FAIL(err, ERROR_UNSUPPORTED, (int)version, "index segment version %u; this program reads %d. Update it",
                    version, INDEX_VERSION);
    s->pack_count = reader_u32(&in);
    s->group_count = reader_u32(&in);
    s->entry_count = reader_u64(&in);
    s->filter_blocks = reader_u32(&in);
    uint32_t reserved = reader_u32(&in);
    /* Sums cannot overflow: each factor is below 2^41 once it is known to be below the length. */
    if (in.failed || reserved != 0 || s->len > INDEX_SEGMENT_MAX_BYTES || s->pack_count > s->len ||
        s->group_count > s->len || s->entry_count > s->len || s->filter_blocks > s->len || s->filter_blocks == 0)
        return FAIL(err, ERROR_FORMAT, 0, "an index segment's header holds impossible numbers");
    s->packs = s->data + INDEX_HEADER_LEN;
    s->groups = s->packs + (size_t)s->pack_count * 16;
    s->entries = s->groups + (size_t)s->group_count * INDEX_GROUP_LEN;
    s->filter = s->entries + s->entry_count * INDEX_ENTRY_LEN;
    size_t expected = INDEX_HEADER_LEN + (size_t)s->pack_count * 16 + (size_t)s->group_count * INDEX_GROUP_LEN +
                      s->entry_count * INDEX_ENTRY_LEN + (size_t)s->filter_blocks * INDEX_FILTER_BLOCK + DIGEST_LEN;
    if (expected != s->len)
        return FAIL(err, ERROR_FORMAT, 0, "an index segment has a wrong length");
    uint8_t digest[DIGEST_LEN];
    digest_sha256(s->data, s->len - DIGEST_LEN, digest);
    if (memcmp(digest, s->data + s->len - DIGEST_LEN, DIGEST_LEN) != 0)
        return FAIL(err, ERROR_CORRUPT, 0, "an index segment is damaged");
    return check_groups(s, err) != 0 ? -1 : check_tables(s, err);
}

struct index_segment *
index_segment_over(const uint8_t *data, size_t len, struct error *err)
{
    struct index_segment *segment = MEMORY_NEW(struct index_segment);
    segment->data = data;
    segment->len = len;
    if (parse(segment, err) != 0) {
        free(segment);
        return NULL;
    }
    return segment;
}

struct index_segment *
index_segment_open(const char *path, struct error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        FAIL(err, error_kind_from_errno(errno), errno, "an index segment cannot be opened: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    size_t len = (size_t)st.st_size;
    void *data = len == 0 ? MAP_FAILED : mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
    int native = errno;
    close(fd);
    if (data == MAP_FAILED) {
        FAIL(err, len == 0 ? ERROR_FORMAT : ERROR_IO, native, "an index segment cannot be mapped: %s",
             len == 0 ? "it is empty" : strerror(native));
        return NULL;
    }
    struct index_segment *segment = index_segment_over(data, len, err);
    if (segment == NULL) {
        munmap(data, len);
        return NULL;
    }
    segment->mapped = true;
    (void)madvise(data, len, MADV_RANDOM);
    return segment;
}

struct index_segment *
index_segment_retain(struct index_segment *segment)
{
    atomic_fetch_add(&segment->owners, 1);
    return segment;
}

void
index_segment_close(struct index_segment *segment)
{
    if (segment == NULL || atomic_fetch_sub(&segment->owners, 1) > 0)
        return;
    if (segment->mapped) {
        void *data;
        memcpy(&data, &segment->data, sizeof(data));
        munmap(data, segment->len);
    }
    free(segment);
}

void
index_segment_set_name(struct index_segment *segment, const char *name)
{
    snprintf(segment->name, sizeof(segment->name), "%s", name);
}

const char *
index_segment_name(const struct index_segment *segment)
{
    return segment->name;
}

size_t
index_segment_chunks(const struct index_segment *segment)
{
    return segment->entry_count;
}

size_t
index_segment_packs(const struct index_segment *segment)
{
    return segment->pack_count;
}

const uint8_t *
index_segment_pack(const struct index_segment *segment, size_t at)
{
    return segment->packs + at * PACK_NAME_BYTES;
}

bool
index_segment_has_pack(const struct index_segment *segment, const uint8_t name[16])
{
    size_t low = 0, high = segment->pack_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(segment->packs + middle * 16, name, 16);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* Ids are evenly spread, so a guess by proportion lands close; a few rounds of it, then halving. */
static const uint8_t *
find_entry(const struct index_segment *s, const struct chunk_id *id)
{
    uint64_t low = 0, high = s->entry_count, wanted = id_rank(id->bytes);
    for (int round = 0; low < high; round++) {
        uint64_t middle = low + (high - low) / 2;
        if (round < 4) {
            uint64_t first = id_rank(s->entries + low * INDEX_ENTRY_LEN);
            uint64_t last = id_rank(s->entries + (high - 1) * INDEX_ENTRY_LEN);
            if (wanted < first || wanted > last)
                return NULL;
            if (last > first)
                middle = low + (uint64_t)((double)(wanted - first) / (double)(last - first) * (double)(high - 1 - low));
            if (middle >= high)
                middle = high - 1;
        }
        const uint8_t *entry = s->entries + middle * INDEX_ENTRY_LEN;
        int order = memcmp(entry, id->bytes, CHUNK_ID_LEN);
        if (order == 0)
            return entry;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void
read_group(const struct index_segment *s, size_t at, struct index_group *group)
{
    const uint8_t *bytes = s->groups + at * INDEX_GROUP_LEN;
    *group = (struct index_group){ index_get_u32(bytes), index_get_u32(bytes + 4), index_get_u32(bytes + 8),
                                   index_get_u32(bytes + 12), index_get_u32(bytes + 16) };
}

bool
index_segment_position(const struct index_segment *segment, const struct chunk_id *id, size_t *position)
{
    if (segment->entry_count == 0 || !index_filter_has(segment->filter, segment->filter_blocks, id))
        return false;
    const uint8_t *entry = find_entry(segment, id);
    if (entry == NULL)
        return false;
    *position = (size_t)(entry - segment->entries) / INDEX_ENTRY_LEN;
    return true;
}

void
index_segment_entry(const struct index_segment *segment, size_t position, struct index_group *group,
                    uint32_t *chunk_len)
{
    const uint8_t *entry = segment->entries + position * INDEX_ENTRY_LEN;
    read_group(segment, index_get_u32(entry + 16), group);
    *chunk_len = index_get_u32(entry + 24);
}

size_t
index_segment_groups(const struct index_segment *segment)
{
    return segment->group_count;
}

void
index_segment_group(const struct index_segment *segment, size_t at, struct index_group *group)
{
    read_group(segment, at, group);
}

bool
index_segment_find(const struct index_segment *segment, const struct chunk_id *id, struct chunk_place *place)
{
    if (segment->entry_count == 0 || !index_filter_has(segment->filter, segment->filter_blocks, id))
        return false;
    const uint8_t *entry = find_entry(segment, id);
    if (entry == NULL)
        return false;
    const uint8_t *group = segment->groups + (size_t)index_get_u32(entry + 16) * INDEX_GROUP_LEN;
    place->known = true;
    pack_name_text(segment->packs + (size_t)index_get_u32(group) * 16, place->pack);
    place->group = index_get_u32(group + 4);
    place->group_offset = index_get_u32(group + 8);
    place->group_stored = index_get_u32(group + 12);
    place->group_raw = index_get_u32(group + 16);
    place->chunk_offset = index_get_u32(entry + 20);
    place->chunk_len = index_get_u32(entry + 24);
    return true;
}

struct index_tables
index_segment_tables(const struct index_segment *segment)
{
    return (struct index_tables){ .packs = segment->packs,
                                  .groups = segment->groups,
                                  .entries = segment->entries,
                                  .pack_count = segment->pack_count,
                                  .group_count = segment->group_count,
                                  .entry_count = segment->entry_count };
}

void
index_segment_prefetch(const struct index_segment *segment, const struct chunk_id *id)
{
    if (segment->entry_count > 0)
        __builtin_prefetch(index_filter_block(segment->filter, segment->filter_blocks, id));
}
