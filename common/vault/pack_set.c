#include "common/vault/pack_set.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/pack_format.h"
#include "common/vault/vault_internal.h"

#include <stdlib.h>
#include <string.h>

/* A bit for each group that was asked for. */
struct groups {
    uint8_t *bits;
    uint16_t bytes;
};

struct pack_set {
    uint8_t (*names)[PACK_NAME_BYTES];
    uint8_t *state;        /* parallel to names, once they are sorted */
    struct groups *groups; /* likewise */
    size_t count, capacity;
    size_t waiting, at; /* used ones not told yet, and where to look on */
};

enum { UNUSED, USED, TOLD };

static int
on_pack_found(void *ctx, const char *name, struct error *err)
{
    struct pack_set *set = ctx;
    if (set->count == set->capacity) {
        size_t capacity = set->capacity == 0 ? 1024 : set->capacity * 2;
        void *bigger = realloc(set->names, capacity * sizeof(set->names[0]));
        if (bigger == NULL)
            return FAIL(err, ERROR_LIMIT, 0, "no memory for the list of packs");
        set->names = bigger;
        set->capacity = capacity;
    }
    if (pack_name_parse(name, set->names[set->count]) == 0)
        set->count++;
    return 0;
}

static int
compare(const void *a, const void *b)
{
    return memcmp(a, b, PACK_NAME_BYTES);
}

static struct pack_set *
list(struct vault *vault, enum object_class class, struct error *err)
{
    CLEANUP(pack_set_free_p) struct pack_set *set = MEMORY_NEW(struct pack_set);
    if (vault->backend.vtable->list_objects(vault->backend.ctx, class, on_pack_found, set, err) != 0)
        return NULL;
    if (set->count > 0)
        qsort(set->names, set->count, sizeof(set->names[0]), compare);
    set->state = calloc(set->count + 1, 1);
    set->groups = calloc(set->count + 1, sizeof(set->groups[0]));
    if (set->state == NULL || set->groups == NULL) {
        FAIL(err, ERROR_LIMIT, 0, "no memory for the list of packs");
        return NULL;
    }
    return MOVE(set);
}

struct pack_set *
pack_set_list(struct vault *vault, struct error *err)
{
    return list(vault, OBJECT_PACK, err);
}

struct pack_set *
pack_set_list_whole(struct vault *vault, struct error *err)
{
    return list(vault, OBJECT_WHOLE_PACK, err);
}

struct pack_set *
pack_set_list_damaged(struct vault *vault, struct error *err)
{
    return list(vault, OBJECT_DAMAGED_PACK, err);
}

void
pack_set_free(struct pack_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; set->groups != NULL && i < set->count; i++)
        free(set->groups[i].bits);
    free(set->groups);
    free(set->names);
    free(set->state);
    free(set);
}

void
pack_set_free_p(struct pack_set **set)
{
    pack_set_free(*set);
    *set = NULL;
}

/* set->count when it is not there. */
static size_t
position(const struct pack_set *set, const char *name)
{
    uint8_t binary[PACK_NAME_BYTES];
    if (set->count == 0 || pack_name_parse(name, binary) != 0)
        return set->count;
    const uint8_t(*at)[PACK_NAME_BYTES] = bsearch(binary, set->names, set->count, sizeof(set->names[0]), compare);
    return at == NULL ? set->count : (size_t)(at - (const uint8_t(*)[PACK_NAME_BYTES])set->names);
}

static bool
use(struct pack_set *set, size_t i)
{
    if (i == set->count)
        return false;
    if (set->state[i] == UNUSED) {
        set->state[i] = USED;
        set->waiting++;
    }
    return true;
}

bool
pack_set_use(struct pack_set *set, const char *name)
{
    return use(set, position(set, name));
}

bool
pack_set_use_place(struct pack_set *set, const struct chunk_place *place)
{
    size_t i = position(set, place->pack), byte = place->group / 8;
    if (!use(set, i))
        return false;
    if (place->group >= PACK_MAX_GROUPS)
        return true;
    struct groups *groups = &set->groups[i];
    if (byte >= groups->bytes) {
        size_t bytes = (byte + 8) / 8 * 8;
        groups->bits = realloc(groups->bits, bytes);
        if (groups->bits == NULL)
            abort();
        memset(groups->bits + groups->bytes, 0, bytes - groups->bytes);
        groups->bytes = (uint16_t)bytes;
    }
    groups->bits[byte] |= (uint8_t)(1U << (place->group % 8));
    return true;
}

bool
pack_set_has(const struct pack_set *set, const char *name)
{
    return position(set, name) < set->count;
}

size_t
pack_set_count(const struct pack_set *set)
{
    return set->count;
}

void
pack_set_name(const struct pack_set *set, size_t at, char name[PACK_NAME_LEN])
{
    pack_name_text(set->names[at], name);
}

bool
pack_set_is_used(const struct pack_set *set, size_t at)
{
    return set->state[at] != UNUSED;
}

bool
pack_set_group_used(const struct pack_set *set, size_t at, uint32_t group)
{
    const struct groups *groups = &set->groups[at];
    return group / 8 < groups->bytes && (groups->bits[group / 8] & (1U << (group % 8))) != 0;
}

bool
pack_set_next_used(struct pack_set *set, char name[PACK_NAME_LEN])
{
    if (set->waiting == 0)
        return false;
    while (set->state[set->at] != USED)
        set->at = (set->at + 1) % set->count;
    set->state[set->at] = TOLD;
    set->waiting--;
    pack_name_text(set->names[set->at], name);
    return true;
}

void
pack_set_forget(struct pack_set *set)
{
    memset(set->state, UNUSED, set->count + 1);
    set->waiting = set->at = 0;
}
