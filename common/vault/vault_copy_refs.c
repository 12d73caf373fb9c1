#include "common/base/memory.h"
#include "common/vault/vault_copy_internal.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS 32768 /* 2.6 MiB */

struct slot {
    struct content_ref from, to;
};

struct copy_refs {
    struct slot slots[SLOTS];
};

struct copy_refs *
vault_copy_refs_new(void)
{
    return MEMORY_NEW(struct copy_refs);
}

void
vault_copy_refs_free(struct copy_refs *refs)
{
    free(refs);
}

static size_t
slot_of(const struct content_ref *ref)
{
    uint32_t h;
    memcpy(&h, ref->id.bytes, sizeof(h));
    return h % SLOTS;
}

bool
vault_copy_refs_find(const struct copy_refs *refs, const struct content_ref *from, struct content_ref *to)
{
    const struct slot *slot = &refs->slots[slot_of(from)];
    if (slot->from.form == CONTENT_NONE || !content_equal(&slot->from, from))
        return false;
    *to = slot->to;
    return true;
}

void
vault_copy_refs_put(struct copy_refs *refs, const struct content_ref *from, const struct content_ref *to)
{
    refs->slots[slot_of(from)] = (struct slot){ *from, *to };
}
