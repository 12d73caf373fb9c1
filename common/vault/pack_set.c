#include "common/vault/pack_set.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/pack_format.h"
#include "common/vault/vault_internal.h"

#include <stdlib.h>
#include <string.h>

struct pack_set {
    uint8_t (*names)[PACK_NAME_BYTES];
    uint8_t *state; /* parallel to names, once they are sorted */
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
    if (set->state == NULL) {
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
pack_set_list_kept(struct vault *vault, struct error *err)
{
    size_t kept = 0;
    CLEANUP(pack_set_free_p) struct pack_set *set = list(vault, OBJECT_PACK, err);
    CLEANUP(pack_set_free_p)
    struct pack_set *retired = set == NULL ? NULL : list(vault, OBJECT_RETIRED_PACK, err);
    if (retired == NULL)
        return NULL;
    for (size_t i = 0; i < set->count; i++)
        if (retired->count == 0 ||
            bsearch(set->names[i], retired->names, retired->count, sizeof(set->names[0]), compare) == NULL)
            memmove(set->names[kept++], set->names[i], PACK_NAME_BYTES);
    set->count = kept;
    return MOVE(set);
}

void
pack_set_free(struct pack_set *set)
{
    if (set == NULL)
        return;
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

bool
pack_set_use(struct pack_set *set, const char *name)
{
    uint8_t binary[PACK_NAME_BYTES];
    if (set->count == 0 || pack_name_parse(name, binary) != 0)
        return false;
    const uint8_t(*at)[PACK_NAME_BYTES] = bsearch(binary, set->names, set->count, sizeof(set->names[0]), compare);
    if (at == NULL)
        return false;
    size_t i = (size_t)(at - (const uint8_t(*)[PACK_NAME_BYTES])set->names);
    if (set->state[i] == UNUSED) {
        set->state[i] = USED;
        set->waiting++;
    }
    return true;
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
