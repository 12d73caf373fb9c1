#include "common/base/memory.h"
#include "common/vault/vault_verify_internal.h"

#include <stdlib.h>
#include <string.h>

#define LEAST_SLOTS ((size_t)4096)
#define PROBES      8

/* The whole id is compared, so a node is never taken for another one. Starts small and grows up to `most`. */
struct node_memory {
    struct chunk_id *slots; /* all zero: empty */
    size_t count, used, most;
};

struct node_memory *
node_memory_new(size_t bytes)
{
    struct node_memory *memory = MEMORY_NEW(struct node_memory);
    memory->count = LEAST_SLOTS;
    memory->most = LEAST_SLOTS;
    while (memory->most * 2 * sizeof(struct chunk_id) <= bytes)
        memory->most *= 2;
    memory->slots = memory_new(memory->count * sizeof(memory->slots[0]));
    return memory;
}

void
node_memory_free(struct node_memory *memory)
{
    if (memory == NULL)
        return;
    free(memory->slots);
    free(memory);
}

void
node_memory_forget(struct node_memory *memory)
{
    memset(memory->slots, 0, memory->count * sizeof(memory->slots[0]));
    memory->used = 0;
}

static size_t
first_slot(const struct node_memory *memory, const struct chunk_id *id)
{
    uint64_t h;
    memcpy(&h, id->bytes, sizeof(h));
    return (size_t)(h & (memory->count - 1));
}

static bool
is_empty(const struct chunk_id *slot)
{
    static const struct chunk_id empty;
    return memcmp(slot, &empty, sizeof(empty)) == 0;
}

bool
node_memory_has(const struct node_memory *memory, const struct chunk_id *id)
{
    size_t first = first_slot(memory, id);
    for (size_t i = 0; i < PROBES; i++)
        if (memcmp(&memory->slots[(first + i) & (memory->count - 1)], id, sizeof(*id)) == 0)
            return true;
    return false;
}

static void
place(struct node_memory *memory, const struct chunk_id *id)
{
    size_t first = first_slot(memory, id);
    for (size_t i = 0; i < PROBES; i++) {
        struct chunk_id *slot = &memory->slots[(first + i) & (memory->count - 1)];
        if (memcmp(slot, id, sizeof(*id)) == 0)
            return;
        if (!is_empty(slot))
            continue;
        *slot = *id;
        memory->used++;
        return;
    }
    memory->slots[first] = *id;
}

static void
grow(struct node_memory *memory)
{
    struct chunk_id *old = memory->slots;
    size_t count = memory->count;
    memory->count *= 2;
    memory->used = 0;
    memory->slots = memory_new(memory->count * sizeof(memory->slots[0]));
    for (size_t i = 0; i < count; i++)
        if (!is_empty(&old[i]))
            place(memory, &old[i]);
    free(old);
}

void
node_memory_add(struct node_memory *memory, const struct chunk_id *id)
{
    if (memory->used >= memory->count / 2 && memory->count < memory->most)
        grow(memory);
    place(memory, id);
}
