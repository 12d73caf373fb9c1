#include "transporter/host/lost_packs.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/pack_format.h"

#include <stdlib.h>
#include <string.h>

/* What a group takes in a directory at the least: two lengths, and a chunk. */
#define GROUP_LEAST   19
#define LEAST_CEILING ((size_t)1 << 30)

struct pack_name {
    uint8_t bytes[PACK_NAME_BYTES];
    uint32_t size; /* no pack is larger than PACK_MAX_BYTES */
};

struct names {
    struct pack_name *at;
    size_t count, capacity;
};

struct lost_packs {
    struct names stored, lost, cut;
};

struct lost_packs *
lost_packs_new(void)
{
    return MEMORY_NEW(struct lost_packs);
}

void
lost_packs_free(struct lost_packs *lost)
{
    if (lost == NULL)
        return;
    free(lost->stored.at);
    free(lost->lost.at);
    free(lost->cut.at);
    free(lost);
}

static int
add(struct names *names, const uint8_t *name, uint32_t size, struct error *err)
{
    if (names->count == names->capacity) {
        size_t capacity = names->capacity == 0 ? 1024 : names->capacity * 2;
        void *bigger = realloc(names->at, capacity * sizeof(struct pack_name));
        if (bigger == NULL)
            return FAIL(err, ERROR_LIMIT, 0, "no memory for the list of packs");
        names->at = bigger;
        names->capacity = capacity;
    }
    names->at[names->count].size = size;
    memcpy(names->at[names->count++].bytes, name, PACK_NAME_BYTES);
    return 0;
}

static int
compare(const void *a, const void *b)
{
    return memcmp(a, b, PACK_NAME_BYTES);
}

static void
sort(struct names *names)
{
    if (names->count > 0)
        qsort(names->at, names->count, sizeof(struct pack_name), compare);
}

static const struct pack_name *
find(const struct names *names, const uint8_t *name)
{
    return names->count == 0 ? NULL : bsearch(name, names->at, names->count, sizeof(struct pack_name), compare);
}

int
lost_packs_note_stored(struct lost_packs *lost, const uint8_t name[16], uint64_t size, struct error *err)
{
    return add(&lost->stored, name, size > UINT32_MAX ? UINT32_MAX : (uint32_t)size, err);
}

/* The bytes that each pack of the segment has at the least. */
static uint64_t *
least_sizes(const struct index_segment *segment, struct error *err)
{
    struct index_group group;
    uint64_t *least = memory_array(index_segment_packs(segment), sizeof(*least), LEAST_CEILING, err);
    if (least == NULL)
        return NULL;
    memset(least, 0, index_segment_packs(segment) * sizeof(*least));
    for (size_t i = 0; i < index_segment_groups(segment); i++) {
        index_segment_group(segment, i, &group);
        /* The groups of a pack stand one behind the other, so the last one's end counts. */
        uint64_t end = (uint64_t)group.offset + group.stored + GROUP_LEAST * ((uint64_t)group.ordinal + 1);
        if (end > least[group.pack])
            least[group.pack] = end;
    }
    return least;
}

static int
add_missing(struct lost_packs *lost, const struct index_segment *segment, struct error *err)
{
    CLEANUP(memory_free_p) uint64_t *least = least_sizes(segment, err);
    if (least == NULL)
        return -1;
    for (size_t i = 0; i < index_segment_packs(segment); i++) {
        const uint8_t *name = index_segment_pack(segment, i);
        const struct pack_name *stored = find(&lost->stored, name);
        bool cut = stored != NULL && stored->size < least[i] + PACK_TRAILER_LEN;
        if ((stored == NULL || cut) && add(cut ? &lost->cut : &lost->lost, name, 0, err) != 0)
            return -1;
    }
    return 0;
}

int
lost_packs_settle(struct lost_packs *lost, struct index_segment *const *segments, size_t count, struct error *err)
{
    size_t kept = 0;

    sort(&lost->stored);
    for (size_t i = 0; i < count; i++)
        if (add_missing(lost, segments[i], err) != 0)
            return -1;
    sort(&lost->lost);
    /* Several segments may list the same one. */
    for (size_t i = 0; i < lost->lost.count; i++)
        if (kept == 0 || compare(&lost->lost.at[kept - 1], &lost->lost.at[i]) != 0)
            lost->lost.at[kept++] = lost->lost.at[i];
    lost->lost.count = kept;
    free(lost->stored.at);
    lost->stored = (struct names){ NULL, 0, 0 };
    return 0;
}

bool
lost_packs_has(const struct lost_packs *lost, const uint8_t name[16])
{
    return find(&lost->lost, name) != NULL;
}

bool
lost_packs_has_place(const struct lost_packs *lost, const struct chunk_place *place)
{
    uint8_t name[PACK_NAME_BYTES];

    return lost->lost.count > 0 && pack_name_parse(place->pack, name) == 0 && lost_packs_has(lost, name);
}

int
lost_packs_add(struct lost_packs *lost, const uint8_t name[16], struct error *err)
{
    if (lost_packs_has(lost, name))
        return 0;
    if (add(&lost->lost, name, 0, err) != 0)
        return -1;
    size_t at = lost->lost.count - 1;
    for (; at > 0 && compare(&lost->lost.at[at - 1], name) > 0; at--)
        lost->lost.at[at] = lost->lost.at[at - 1];
    memcpy(lost->lost.at[at].bytes, name, PACK_NAME_BYTES);
    return 0;
}

void
lost_packs_drop(struct lost_packs *lost, const uint8_t name[16])
{
    const struct pack_name *found = find(&lost->lost, name);

    if (found == NULL)
        return;
    size_t at = (size_t)(found - lost->lost.at);
    lost->lost.count--;
    memmove(&lost->lost.at[at], &lost->lost.at[at + 1], (lost->lost.count - at) * sizeof(struct pack_name));
}

size_t
lost_packs_count(const struct lost_packs *lost)
{
    return lost->lost.count;
}

const uint8_t *
lost_packs_name(const struct lost_packs *lost, size_t at)
{
    return lost->lost.at[at].bytes;
}

size_t
lost_packs_cut_count(const struct lost_packs *lost)
{
    return lost->cut.count;
}

const uint8_t *
lost_packs_cut(const struct lost_packs *lost, size_t at)
{
    return lost->cut.at[at].bytes;
}
