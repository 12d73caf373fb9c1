#include "transporter/host/index_pending.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Entries lie in an array, found through an open-addressing table of positions: 28 + 8 bytes a chunk at the most. */
struct index_pending {
    struct index_content content;
    size_t pack_capacity, group_capacity, entry_capacity;
    uint32_t *table; /* position + 1; 0: free */
    size_t table_size;
};

struct index_pending *
index_pending_new(void)
{
    return MEMORY_NEW(struct index_pending);
}

void
index_pending_free(struct index_pending *pending)
{
    if (pending == NULL)
        return;
    free(pending->content.packs);
    free(pending->content.groups);
    free(pending->content.entries);
    free(pending->table);
    free(pending);
}

/* Aborts without memory: the host bounds how much is pending, and a pack that is indexed by half would lose chunks. */
static void *
grow(void *array, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity == 0 ? 256 : *capacity * 2;
    void *bigger = realloc(array, *capacity * size);
    if (bigger == NULL)
        abort();
    return bigger;
}

static size_t
slot_of(const struct index_pending *pending, const struct chunk_id *id)
{
    uint64_t h;
    memcpy(&h, id->bytes, sizeof(h));
    size_t at = h & (pending->table_size - 1);
    while (pending->table[at] != 0 &&
           memcmp(&pending->content.entries[pending->table[at] - 1].id, id, sizeof(*id)) != 0)
        at = (at + 1) & (pending->table_size - 1);
    return at;
}

static void
grow_table(struct index_pending *pending)
{
    if (pending->content.entry_count * 2 < pending->table_size)
        return;
    pending->table_size = pending->table_size == 0 ? 1024 : pending->table_size * 2;
    free(pending->table);
    pending->table = memory_new(pending->table_size * sizeof(pending->table[0]));
    for (size_t i = 0; i < pending->content.entry_count; i++)
        pending->table[slot_of(pending, &pending->content.entries[i].id)] = (uint32_t)i + 1;
}

struct adding {
    struct index_pending *pending;
    index_known_fn *known;
    void *known_ctx;
};

static int
on_group(void *ctx, const struct pack_group *group, struct error *err)
{
    struct index_pending *pending = ((const struct adding *)ctx)->pending;
    struct index_content *c = &pending->content;
    (void)err;
    c->groups = grow(c->groups, &pending->group_capacity, c->group_count, sizeof(c->groups[0]));
    c->groups[c->group_count++] = (struct index_group){
        .pack = (uint32_t)c->pack_count - 1,
        .ordinal = group->ordinal,
        .offset = group->offset,
        .stored = group->stored,
        .raw = group->raw,
    };
    return 0;
}

static int
on_chunk(void *ctx, const struct pack_group *group, const struct pack_chunk *chunk, uint32_t offset, struct error *err)
{
    const struct adding *adding = ctx;
    struct index_pending *pending = adding->pending;
    struct index_content *c = &pending->content;
    (void)group;
    (void)err;
    grow_table(pending);
    size_t slot = slot_of(pending, &chunk->id);
    if (pending->table[slot] != 0 || (adding->known != NULL && adding->known(adding->known_ctx, &chunk->id)))
        return 0;
    c->entries = grow(c->entries, &pending->entry_capacity, c->entry_count, sizeof(c->entries[0]));
    c->entries[c->entry_count++] = (struct index_entry){
        .id = chunk->id,
        .group = (uint32_t)c->group_count - 1,
        .chunk_offset = offset,
        .chunk_len = chunk->len,
    };
    pending->table[slot] = (uint32_t)c->entry_count;
    return 0;
}

int
index_pending_add(struct index_pending *pending, const uint8_t name[16], const struct pack_parts *parts,
                  index_known_fn *known, void *known_ctx, struct error *err)
{
    struct adding adding = { pending, known, known_ctx };
    struct index_content *c = &pending->content;
    /* Once without doing anything: a bad directory must leave no trace. */
    if (pack_directory_walk(parts, NULL, NULL, NULL, err) != 0)
        return -1;
    if (index_pending_has_pack(pending, name))
        return 0;
    c->packs = grow(c->packs, &pending->pack_capacity, c->pack_count, sizeof(c->packs[0]));
    memcpy(c->packs[c->pack_count++].name, name, 16);
    return pack_directory_walk(parts, on_group, on_chunk, &adding, err);
}

bool
index_pending_find(const struct index_pending *pending, const struct chunk_id *id, struct chunk_place *place)
{
    if (pending->table_size == 0)
        return false;
    uint32_t position = pending->table[slot_of(pending, id)];
    if (position == 0)
        return false;
    const struct index_entry *entry = &pending->content.entries[position - 1];
    const struct index_group *group = &pending->content.groups[entry->group];
    place->known = true;
    pack_name_text(pending->content.packs[group->pack].name, place->pack);
    place->group = group->ordinal;
    place->group_offset = group->offset;
    place->group_stored = group->stored;
    place->group_raw = group->raw;
    place->chunk_offset = entry->chunk_offset;
    place->chunk_len = entry->chunk_len;
    return true;
}

bool
index_pending_has_pack(const struct index_pending *pending, const uint8_t name[16])
{
    for (size_t i = 0; i < pending->content.pack_count; i++) {
        if (memcmp(pending->content.packs[i].name, name, 16) == 0)
            return true;
    }
    return false;
}

size_t
index_pending_chunks(const struct index_pending *pending)
{
    return pending->content.entry_count;
}

size_t
index_pending_packs(const struct index_pending *pending)
{
    return pending->content.pack_count;
}

static void *
copy_of(const void *array, size_t count, size_t size)
{
    void *copy = memory_new((count + 1) * size);
    if (count > 0)
        memcpy(copy, array, count * size);
    return copy;
}

struct index_content
index_pending_sorted(const struct index_pending *pending)
{
    struct index_content c = pending->content;
    c.packs = copy_of(c.packs, c.pack_count, sizeof(c.packs[0]));
    c.groups = copy_of(c.groups, c.group_count, sizeof(c.groups[0]));
    c.entries = copy_of(c.entries, c.entry_count, sizeof(c.entries[0]));
    index_segment_sort(&c);
    return c;
}
