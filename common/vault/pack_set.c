#include "common/vault/pack_set.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/pack_format.h"
#include "common/vault/vault_internal.h"

#include <stdlib.h>
#include <string.h>

struct pack_set {
    uint8_t (*names)[PACK_NAME_BYTES];
    size_t count, capacity;
};

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

struct pack_set *
pack_set_list(struct vault *vault, struct error *err)
{
    CLEANUP(pack_set_free_p) struct pack_set *set = MEMORY_NEW(struct pack_set);
    if (vault->backend.vtable->list_objects(vault->backend.ctx, OBJECT_PACK, on_pack_found, set, err) != 0)
        return NULL;
    if (set->count > 0)
        qsort(set->names, set->count, sizeof(set->names[0]), compare);
    return MOVE(set);
}

void
pack_set_free(struct pack_set *set)
{
    if (set == NULL)
        return;
    free(set->names);
    free(set);
}

void
pack_set_free_p(struct pack_set **set)
{
    pack_set_free(*set);
    *set = NULL;
}

bool
pack_set_has(const struct pack_set *set, const char *name)
{
    uint8_t binary[PACK_NAME_BYTES];
    if (set->count == 0 || pack_name_parse(name, binary) != 0)
        return false;
    return bsearch(binary, set->names, set->count, sizeof(set->names[0]), compare) != NULL;
}
