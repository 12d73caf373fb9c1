#include "common/vault/pack_marks.h"

#include "common/base/error.h"

#include <stdlib.h>
#include <string.h>

static int
compare(const struct pack_mark *a, const struct pack_mark *b)
{
    int order = memcmp(a->pack, b->pack, sizeof(a->pack));
    return order != 0 ? order : (a->group > b->group) - (a->group < b->group);
}

/* Where it is, or belongs. */
static size_t
position(const struct pack_marks *marks, const struct pack_mark *mark)
{
    size_t low = 0, high = marks->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&marks->at[middle], mark) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool
has(const struct pack_marks *marks, const struct pack_mark *mark)
{
    size_t at = position(marks, mark);
    return at < marks->count && compare(&marks->at[at], mark) == 0;
}

void
pack_marks_clear(struct pack_marks *marks)
{
    free(marks->at);
    *marks = (struct pack_marks){ .at = NULL };
}

int
pack_marks_add(struct pack_marks *marks, const struct pack_mark *mark, struct error *err)
{
    size_t at = position(marks, mark);
    if (at < marks->count && compare(&marks->at[at], mark) == 0)
        return 0;
    if (marks->count == marks->capacity) {
        size_t capacity = marks->capacity == 0 ? 64 : marks->capacity * 2;
        void *bigger = capacity > PACK_MARKS_MAX ? NULL : realloc(marks->at, capacity * sizeof(marks->at[0]));
        if (bigger == NULL)
            return FAIL(err, ERROR_LIMIT, 0, "no memory for the list of damaged packs");
        marks->at = bigger;
        marks->capacity = capacity;
    }
    memmove(&marks->at[at + 1], &marks->at[at], (marks->count - at) * sizeof(marks->at[0]));
    marks->at[at] = *mark;
    marks->count++;
    return 0;
}

void
pack_marks_remove(struct pack_marks *marks, const struct pack_mark *mark)
{
    struct pack_mark first = *mark;
    if (mark->group == PACK_MARK_WHOLE)
        first.group = 0;
    size_t from = position(marks, &first), to = from;
    while (to < marks->count && compare(&marks->at[to], mark) <= 0)
        to++;
    memmove(&marks->at[from], &marks->at[to], (marks->count - to) * sizeof(marks->at[0]));
    marks->count -= to - from;
}

bool
pack_marks_has(const struct pack_marks *marks, const uint8_t pack[PACK_NAME_BYTES], uint32_t group)
{
    struct pack_mark mark = { .group = group };
    if (marks->count == 0)
        return false;
    memcpy(mark.pack, pack, sizeof(mark.pack));
    if (has(marks, &mark))
        return true;
    mark.group = PACK_MARK_WHOLE;
    return has(marks, &mark);
}

bool
pack_marks_touch(const struct pack_marks *marks, const uint8_t pack[PACK_NAME_BYTES])
{
    struct pack_mark mark = { .group = 0 };
    if (marks->count == 0)
        return false;
    memcpy(mark.pack, pack, sizeof(mark.pack));
    size_t at = position(marks, &mark);
    return at < marks->count && memcmp(marks->at[at].pack, pack, sizeof(mark.pack)) == 0;
}

bool
pack_marks_has_place(const struct pack_marks *marks, const struct chunk_place *place)
{
    uint8_t name[PACK_NAME_BYTES];
    return marks->count > 0 && pack_name_parse(place->pack, name) == 0 && pack_marks_has(marks, name, place->group);
}
