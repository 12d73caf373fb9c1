#include "common/vault/retire_state.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct kept {
    uint64_t epoch;
    struct retire_pack *packs;
    size_t count;
};

struct placed_pack {
    uint8_t name[PACK_NAME_BYTES];
    uint64_t epoch;
};

struct placed_point {
    char id[IDENTIFIER_LEN];
    uint64_t epoch;
};

struct retire_state {
    struct retire_record *records; /* ascending epochs */
    size_t record_count, record_room;
    struct kept *kept;
    size_t kept_count, kept_room;
    struct placed_pack *packs; /* of records in effect, ascending */
    size_t pack_count;
    struct placed_point *points;
    size_t point_count;
    uint64_t epoch, least_epoch;
};

struct retire_state *
retire_state_new(void)
{
    struct retire_state *state = MEMORY_NEW(struct retire_state);
    state->epoch = 1;
    return state;
}

void
retire_state_free(struct retire_state *state)
{
    if (state == NULL)
        return;
    for (size_t i = 0; i < state->record_count; i++) {
        free(state->records[i].points);
        free(state->records[i].packs);
    }
    for (size_t i = 0; i < state->kept_count; i++)
        free(state->kept[i].packs);
    free(state->records);
    free(state->kept);
    free(state->packs);
    free(state->points);
    free(state);
}

void
retire_state_free_p(struct retire_state **state)
{
    retire_state_free(*state);
    *state = NULL;
}

static int
make_room(void **array, size_t *room, size_t count, size_t size, struct error *err)
{
    if (count < *room)
        return 0;
    size_t more = *room == 0 ? 16 : *room * 2;
    void *bigger = realloc(*array, more * size);
    if (bigger == NULL)
        return FAIL(err, ERROR_LIMIT, 0, "no memory for the retire journal");
    *array = bigger;
    *room = more;
    return 0;
}

/* Where the epoch's record is, or would be. */
static size_t
position(const struct retire_state *state, uint64_t epoch)
{
    size_t low = 0, high = state->record_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (state->records[middle].epoch < epoch)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct retire_record *
record_of(struct retire_state *state, uint64_t epoch, struct error *err)
{
    size_t at = position(state, epoch);
    if (at < state->record_count && state->records[at].epoch == epoch)
        return &state->records[at];
    void *records = state->records;
    if (make_room(&records, &state->record_room, state->record_count, sizeof(state->records[0]), err) != 0)
        return NULL;
    state->records = records;
    memmove(&state->records[at + 1], &state->records[at], (state->record_count - at) * sizeof(state->records[0]));
    state->records[at] = (struct retire_record){ .epoch = epoch };
    state->record_count++;
    return &state->records[at];
}

static int
add_kept(struct retire_state *state, struct retire_object *object, struct error *err)
{
    void *kept = state->kept;
    if (make_room(&kept, &state->kept_room, state->kept_count, sizeof(state->kept[0]), err) != 0)
        return -1;
    state->kept = kept;
    state->kept[state->kept_count++] = (struct kept){ object->epoch, MOVE(object->packs), object->pack_count };
    object->pack_count = 0;
    return 0;
}

int
retire_state_add(struct retire_state *state, struct retire_object *object, struct error *err)
{
    struct retire_record *record = record_of(state, object->epoch, err);
    if (record == NULL)
        return -1;
    switch (object->kind) {
    case RETIRE_RECORD:
        if (record->known)
            return 0;
        record->known = true;
        record->created_ms = object->created_ms;
        record->undo_ms = object->undo_ms;
        record->points = MOVE(object->points);
        record->point_count = object->point_count;
        record->packs = MOVE(object->packs);
        record->pack_count = object->pack_count;
        object->point_count = object->pack_count = 0;
        return 0;
    case RETIRE_UNDO:
        record->undone = true;
        return 0;
    case RETIRE_CLOSE:
        record->closed = true;
        return 0;
    case RETIRE_DONE:
        record->done = true;
        return 0;
    case RETIRE_KEEP:
        return add_kept(state, object, err);
    }
    return FAIL(err, ERROR_INTERNAL, 0, "a retire journal object of an unknown kind");
}

bool
retire_record_in_effect(const struct retire_record *record)
{
    return record->known && !record->undone && !record->done;
}

static int
compare_names(const void *a, const void *b)
{
    return memcmp(a, b, PACK_NAME_BYTES);
}

static int
compare_ids(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void
apply_kept(struct retire_state *state)
{
    _Static_assert(offsetof(struct retire_pack, name) == 0 && offsetof(struct placed_pack, name) == 0,
                   "compared by their first bytes");
    for (size_t i = 0; i < state->kept_count; i++) {
        const struct kept *kept = &state->kept[i];
        struct retire_record *record = &state->records[position(state, kept->epoch)];
        size_t left = 0;
        for (size_t p = 0; p < record->pack_count; p++)
            if (kept->count == 0 ||
                bsearch(&record->packs[p], kept->packs, kept->count, sizeof(kept->packs[0]), compare_names) == NULL)
                record->packs[left++] = record->packs[p];
        record->pack_count = left;
    }
}

int
retire_state_settle(struct retire_state *state, struct error *err)
{
    size_t packs = 0, points = 0;
    apply_kept(state);
    state->epoch = 1;
    state->least_epoch = 0;
    for (size_t i = 0; i < state->record_count; i++) {
        const struct retire_record *record = &state->records[i];
        state->epoch = record->epoch + 1;
        if (record->closed)
            state->least_epoch = record->epoch + 1;
        packs += retire_record_in_effect(record) ? record->pack_count : 0;
        points += retire_record_in_effect(record) ? record->point_count : 0;
    }
    struct placed_pack *placed_packs = calloc(packs + 1, sizeof(*placed_packs));
    struct placed_point *placed_points = calloc(points + 1, sizeof(*placed_points));
    if (placed_packs == NULL || placed_points == NULL) {
        free(placed_packs);
        free(placed_points);
        return FAIL(err, ERROR_LIMIT, 0, "no memory for the retire journal");
    }
    free(state->packs);
    free(state->points);
    state->packs = placed_packs;
    state->points = placed_points;
    state->pack_count = state->point_count = 0;
    for (size_t i = 0; i < state->record_count; i++) {
        const struct retire_record *record = &state->records[i];
        for (size_t p = 0; retire_record_in_effect(record) && p < record->pack_count; p++) {
            memcpy(state->packs[state->pack_count].name, record->packs[p].name, PACK_NAME_BYTES);
            state->packs[state->pack_count++].epoch = record->epoch;
        }
        for (size_t p = 0; retire_record_in_effect(record) && p < record->point_count; p++) {
            memcpy(state->points[state->point_count].id, record->points[p].id, IDENTIFIER_LEN);
            state->points[state->point_count++].epoch = record->epoch;
        }
    }
    qsort(state->packs, state->pack_count, sizeof(state->packs[0]), compare_names);
    qsort(state->points, state->point_count, sizeof(state->points[0]), compare_ids);
    return 0;
}

uint64_t
retire_state_epoch(const struct retire_state *state)
{
    return state->epoch;
}

uint64_t
retire_state_least_epoch(const struct retire_state *state)
{
    return state->least_epoch;
}

uint64_t
retire_state_point(const struct retire_state *state, const char *id)
{
    const struct placed_point *found =
        state->point_count == 0 ? NULL
                                : bsearch(id, state->points, state->point_count, sizeof(state->points[0]), compare_ids);
    return found == NULL ? 0 : found->epoch;
}

uint64_t
retire_state_pack(const struct retire_state *state, const uint8_t name[PACK_NAME_BYTES])
{
    const struct placed_pack *found =
        state->pack_count == 0 ? NULL
                               : bsearch(name, state->packs, state->pack_count, sizeof(state->packs[0]), compare_names);
    return found == NULL ? 0 : found->epoch;
}

size_t
retire_state_points(const struct retire_state *state)
{
    return state->point_count;
}

size_t
retire_state_packs(const struct retire_state *state)
{
    return state->pack_count;
}

size_t
retire_state_records(const struct retire_state *state)
{
    return state->record_count;
}

const struct retire_record *
retire_state_record(const struct retire_state *state, size_t at)
{
    return at < state->record_count ? &state->records[at] : NULL;
}

const struct retire_record *
retire_state_find(const struct retire_state *state, uint64_t epoch)
{
    size_t at = position(state, epoch);
    return at < state->record_count && state->records[at].epoch == epoch ? &state->records[at] : NULL;
}
