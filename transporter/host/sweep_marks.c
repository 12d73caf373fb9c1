#include "transporter/host/sweep_marks.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/pack_marks.h"
#include "common/vault/pack_format.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define ROLES 3

struct marked_segment {
    struct index_segment *segment;
    uint8_t *bits[ROLES];
    uint32_t *packs; /* position in the segment -> in the table of all */
};

struct sweep_marks {
    struct marked_segment *segments;
    size_t segment_count;
    struct sweep_pack *packs;
    size_t pack_count;
    size_t memory;
    const struct pack_marks *damaged;
};

/* Where a chunk is counted. */
struct spot {
    size_t segment, position;
    uint32_t pack;
};

static void *
take(struct sweep_marks *marks, size_t count, size_t size, struct error *err)
{
    void *memory = calloc(count + 1, size);
    if (memory == NULL)
        FAIL(err, ERROR_LIMIT, 0, "no memory to mark chunks");
    marks->memory += memory == NULL ? 0 : (count + 1) * size;
    return memory;
}

static int
compare_packs(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(((struct sweep_pack *)0)->name));
}

static int
list_packs(struct sweep_marks *marks, sweep_pack_state_fn *state, void *ctx, struct error *err)
{
    size_t all = 0, kept = 0;
    for (size_t s = 0; s < marks->segment_count; s++)
        all += index_segment_packs(marks->segments[s].segment);
    marks->packs = take(marks, all, sizeof(marks->packs[0]), err);
    if (marks->packs == NULL)
        return -1;
    for (size_t s = 0; s < marks->segment_count; s++)
        for (size_t p = 0; p < index_segment_packs(marks->segments[s].segment); p++)
            memcpy(marks->packs[marks->pack_count++].name, index_segment_pack(marks->segments[s].segment, p), 16);
    qsort(marks->packs, marks->pack_count, sizeof(marks->packs[0]), compare_packs);
    for (size_t i = 0; i < marks->pack_count; i++)
        if (kept == 0 || compare_packs(&marks->packs[kept - 1], &marks->packs[i]) != 0)
            marks->packs[kept++] = marks->packs[i];
    marks->pack_count = kept;
    for (size_t i = 0; i < kept; i++)
        state(ctx, &marks->packs[i]);
    return 0;
}

static size_t
find_pack(const struct sweep_marks *marks, const uint8_t name[16])
{
    const struct sweep_pack *found =
        marks->pack_count == 0 ? NULL
                               : bsearch(name, marks->packs, marks->pack_count, sizeof(marks->packs[0]), compare_packs);
    return found == NULL ? SIZE_MAX : (size_t)(found - marks->packs);
}

static int
prepare_segment(struct sweep_marks *marks, struct marked_segment *segment, struct error *err)
{
    size_t count = index_segment_packs(segment->segment), chunks = index_segment_chunks(segment->segment);
    segment->packs = take(marks, count, sizeof(segment->packs[0]), err);
    for (int role = 0; role < ROLES; role++) {
        segment->bits[role] = take(marks, chunks / 8 + 1, 1, err);
        if (segment->bits[role] == NULL)
            return -1;
    }
    if (segment->packs == NULL)
        return -1;
    for (size_t p = 0; p < count; p++)
        segment->packs[p] = (uint32_t)find_pack(marks, index_segment_pack(segment->segment, p));
    return 0;
}

/* A pack that several segments list is summed up from the first of them. */
static int
sum_stored(struct sweep_marks *marks, struct error *err)
{
    uint32_t *owner = calloc(marks->pack_count + 1, sizeof(*owner));
    if (owner == NULL)
        return FAIL(err, ERROR_LIMIT, 0, "no memory to mark chunks");
    for (size_t s = 0; s < marks->segment_count; s++) {
        const struct marked_segment *segment = &marks->segments[s];
        for (size_t g = 0; g < index_segment_groups(segment->segment); g++) {
            struct index_group group;
            index_segment_group(segment->segment, g, &group);
            uint32_t pack = segment->packs[group.pack];
            if (owner[pack] == 0)
                owner[pack] = (uint32_t)s + 1;
            if (owner[pack] == s + 1)
                marks->packs[pack].stored += group.stored;
        }
    }
    free(owner);
    return 0;
}

struct sweep_marks *
sweep_marks_new(struct index_segment *const *segments, size_t count, sweep_pack_state_fn *state, void *ctx,
                struct error *err)
{
    struct sweep_marks *marks = MEMORY_NEW(struct sweep_marks);
    marks->segments = memory_new((count + 1) * sizeof(marks->segments[0]));
    for (size_t s = 0; s < count; s++)
        marks->segments[marks->segment_count++].segment = index_segment_retain(segments[s]);
    int failed = list_packs(marks, state, ctx, err);
    for (size_t s = 0; failed == 0 && s < count; s++)
        failed = prepare_segment(marks, &marks->segments[s], err);
    if (failed == 0)
        failed = sum_stored(marks, err);
    if (failed == 0)
        return marks;
    sweep_marks_free(marks);
    return NULL;
}

void
sweep_marks_free(struct sweep_marks *marks)
{
    if (marks == NULL)
        return;
    for (size_t s = 0; s < marks->segment_count; s++) {
        index_segment_close(marks->segments[s].segment);
        for (int role = 0; role < ROLES; role++)
            free(marks->segments[s].bits[role]);
        free(marks->segments[s].packs);
    }
    free(marks->segments);
    free(marks->packs);
    free(marks);
}

void
sweep_marks_damaged(struct sweep_marks *marks, const struct pack_marks *damaged)
{
    marks->damaged = damaged;
}

/* How little it is to be preferred. */
static unsigned
demerit(const struct sweep_marks *marks, const struct sweep_pack *pack, const struct index_group *group)
{
    bool damaged = marks->damaged != NULL && pack_marks_has(marks->damaged, pack->name, group->ordinal);
    return (damaged ? 2U : 0U) + (pack->retired != 0 ? 1U : 0U);
}

static bool
find_spot(const struct sweep_marks *marks, const struct chunk_id *id, struct spot *spot, struct index_group *group,
          uint32_t *len)
{
    unsigned best = UINT_MAX;
    for (size_t s = marks->segment_count; s > 0 && best > 0; s--) {
        const struct marked_segment *segment = &marks->segments[s - 1];
        struct index_group its_group;
        uint32_t its_len;
        size_t position;
        if (!index_segment_position(segment->segment, id, &position))
            continue;
        index_segment_entry(segment->segment, position, &its_group, &its_len);
        uint32_t pack = segment->packs[its_group.pack];
        unsigned its = demerit(marks, &marks->packs[pack], &its_group);
        if (marks->packs[pack].lost || its >= best)
            continue;
        *spot = (struct spot){ s - 1, position, pack };
        *group = its_group;
        *len = its_len;
        best = its;
    }
    return best != UINT_MAX;
}

static bool
test_bit(const uint8_t *bits, size_t at)
{
    return (bits[at / 8] & (1U << (at % 8))) != 0;
}

/* Whether it was set already. */
static bool
set_bit(uint8_t *bits, size_t at)
{
    bool was = test_bit(bits, at);
    bits[at / 8] |= (uint8_t)(1U << (at % 8));
    return was;
}

void
sweep_marks_prefetch(const struct sweep_marks *marks, const struct chunk_id *id)
{
    for (size_t s = 0; s < marks->segment_count; s++)
        index_segment_prefetch(marks->segments[s].segment, id);
}

bool
sweep_marks_mark(struct sweep_marks *marks, enum vault_mark_role role, const struct chunk_id *id, bool *again)
{
    struct spot spot;
    struct index_group group;
    uint32_t len;
    if (!find_spot(marks, id, &spot, &group, &len))
        return false;
    const struct marked_segment *segment = &marks->segments[spot.segment];
    bool live = set_bit(segment->bits[VAULT_MARK_DATA], spot.position);
    *again = role == VAULT_MARK_DATA ? live : set_bit(segment->bits[role], spot.position);
    if (!live) {
        struct sweep_pack *pack = &marks->packs[spot.pack];
        pack->live += (uint64_t)len * group.stored / group.raw;
        pack->marked++;
    }
    return true;
}

bool
sweep_marks_lives_in(const struct sweep_marks *marks, const struct chunk_id *id, const uint8_t pack[16])
{
    struct spot spot;
    struct index_group group;
    uint32_t len;
    return find_spot(marks, id, &spot, &group, &len) && memcmp(marks->packs[spot.pack].name, pack, 16) == 0 &&
           test_bit(marks->segments[spot.segment].bits[VAULT_MARK_DATA], spot.position);
}

size_t
sweep_marks_packs(const struct sweep_marks *marks)
{
    return marks->pack_count;
}

const struct sweep_pack *
sweep_marks_pack(const struct sweep_marks *marks, size_t at)
{
    return at < marks->pack_count ? &marks->packs[at] : NULL;
}

const struct sweep_pack *
sweep_marks_find_pack(const struct sweep_marks *marks, const uint8_t name[16])
{
    return sweep_marks_pack(marks, find_pack(marks, name));
}

uint64_t
sweep_marks_chunks(const struct sweep_marks *marks)
{
    uint64_t chunks = 0;
    for (size_t s = 0; s < marks->segment_count; s++)
        chunks += index_segment_chunks(marks->segments[s].segment);
    return chunks;
}

size_t
sweep_marks_memory(const struct sweep_marks *marks)
{
    return marks->memory;
}
