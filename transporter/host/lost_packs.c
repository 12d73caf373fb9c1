#include "transporter/host/lost_packs.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/pack_format.h"

#include <stdlib.h>
#include <string.h>

struct pack_name {
    uint8_t bytes[PACK_NAME_BYTES];
};

struct names {
    struct pack_name *at;
    size_t count, capacity;
};

struct lost_packs {
    struct names stored, lost;
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
    free(lost);
}

static int
add(struct names *names, const uint8_t *name, struct error *err)
{
    if (names->count == names->capacity) {
        size_t capacity = names->capacity == 0 ? 1024 : names->capacity * 2;
        void *bigger = realloc(names->at, capacity * sizeof(struct pack_name));
        if (bigger == NULL)
            return FAIL(err, ERROR_LIMIT, 0, "no memory for the list of packs");
        names->at = bigger;
        names->capacity = capacity;
    }
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
lost_packs_note_stored(struct lost_packs *lost, const uint8_t name[16], struct error *err)
{
    return add(&lost->stored, name, err);
}

static int
add_missing(struct lost_packs *lost, const struct index_segment *segment, struct error *err)
{
    for (size_t i = 0; i < index_segment_packs(segment); i++) {
        const uint8_t *name = index_segment_pack(segment, i);
        if (find(&lost->stored, name) == NULL && add(&lost->lost, name, err) != 0)
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
    if (add(&lost->lost, name, err) != 0)
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
