#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/pack_set.h"
#include "common/vault/vault_damage.h"
#include "common/vault/vault_directory.h"
#include "common/vault/vault_verify_internal.h"

#include <stdlib.h>
#include <string.h>

/* The data itself, pack by pack in the order of their names, each needed group once. */

struct scan_chunk {
    struct pack_chunk chunk;
    uint32_t offset, group; /* group: position in the scan's list */
};

/* What one pack has that is to be read. */
struct scan {
    struct verify *v;
    size_t at; /* in the set of packs */
    char pack[PACK_NAME_LEN];
    uint8_t name[PACK_NAME_BYTES];
    struct chunk_place *groups; /* as places of no particular chunk */
    size_t group_count, group_room;
    struct scan_chunk *chunks;
    size_t chunk_count, chunk_room;
    bool taking; /* the group whose chunks come is to be read */
};

/* Evenly spread over all groups of all vaults, and the same every time. */
static uint32_t
position_of(const uint8_t name[PACK_NAME_BYTES], uint32_t group)
{
    uint32_t h;
    memcpy(&h, name, sizeof(h));
    h ^= group * 0x9e3779b1U;
    h ^= h >> 16;
    h *= 0x85ebca6bU;
    h ^= h >> 13;
    h *= 0xc2b2ae35U;
    return h ^ (h >> 16);
}

static uint32_t
sample_span(const struct vault_verify_options *options)
{
    return (uint32_t)(((uint64_t)options->sample_ppm << 32) / 1000000);
}

static bool
is_sampled(const struct vault_verify_options *options, const uint8_t name[PACK_NAME_BYTES], uint32_t group)
{
    return options->sample_ppm == 0 || options->sample_ppm >= 1000000 ||
           position_of(name, group) - options->sample_start < sample_span(options);
}

static int
make_room(void **list, size_t count, size_t *room, size_t size, struct error *err)
{
    if (count < *room)
        return 0;
    size_t more = *room == 0 ? 256 : *room * 2;
    void *bigger = realloc(*list, more * size);
    if (bigger == NULL)
        return FAIL(err, ERROR_LIMIT, 0, "no memory for a pack's directory");
    *list = bigger;
    *room = more;
    return 0;
}

static int
on_group(void *ctx, const struct pack_group *group, struct error *err)
{
    struct scan *scan = ctx;
    struct verify *v = scan->v;
    scan->taking = false;
    if (!v->everything && !pack_set_group_used(v->reader->stored, scan->at, group->ordinal))
        return 0;
    v->result->stored_total += group->stored;
    if (!is_sampled(v->options, scan->name, group->ordinal))
        return 0;
    if (make_room((void **)&scan->groups, scan->group_count, &scan->group_room, sizeof(scan->groups[0]), err) != 0)
        return -1;
    struct chunk_place *place = &scan->groups[scan->group_count++];
    *place = (struct chunk_place){ .known = true,
                                   .group = group->ordinal,
                                   .group_offset = group->offset,
                                   .group_stored = group->stored,
                                   .group_raw = group->raw };
    memcpy(place->pack, scan->pack, sizeof(place->pack));
    v->result->stored_bytes += group->stored;
    v->result->groups++;
    scan->taking = true;
    return 0;
}

static int
on_chunk(void *ctx, const struct pack_group *group, const struct pack_chunk *chunk, uint32_t offset, struct error *err)
{
    struct scan *scan = ctx;
    (void)group;
    if (!scan->taking)
        return 0;
    if (make_room((void **)&scan->chunks, scan->chunk_count, &scan->chunk_room, sizeof(scan->chunks[0]), err) != 0)
        return -1;
    scan->chunks[scan->chunk_count++] = (struct scan_chunk){ *chunk, offset, (uint32_t)(scan->group_count - 1) };
    return 0;
}

static int
suspect(struct scan *scan, uint32_t group, struct error *err)
{
    struct pack_mark mark = { .group = group };
    memcpy(mark.pack, scan->name, sizeof(mark.pack));
    scan->v->failures++;
    return pack_marks_add(&scan->v->bad, &mark, err);
}

/* Each chunk of the group against its name; *at: the first chunk of the next group afterwards. */
static int
check_group(struct scan *scan, size_t which, size_t *at, struct error *err)
{
    struct verify *v = scan->v;
    struct error failure = ERROR_INIT;
    const struct chunk_place *place = &scan->groups[which];
    const struct reader_group *opened = vault_reader_group(v->reader, place, &failure);
    const uint8_t *data = opened == NULL ? NULL : opened->data;
    bool good = data != NULL;
    if (!good && !vault_damage_is(&failure)) {
        if (err != NULL)
            *err = failure;
        return -1;
    }
    for (; *at < scan->chunk_count && scan->chunks[*at].group == which; ++*at) {
        const struct scan_chunk *chunk = &scan->chunks[*at];
        struct chunk_id named;
        if (data == NULL)
            continue;
        vault_name_chunk(v->reader->naming, data + chunk->offset, chunk->chunk.len, &named);
        good = good && memcmp(&named, &chunk->chunk.id, sizeof(named)) == 0;
        v->result->chunks++;
        v->result->bytes += chunk->chunk.len;
    }
    return good ? 0 : suspect(scan, place->group, err);
}

static int
read_groups(struct scan *scan, struct error *err)
{
    struct verify *v = scan->v;
    size_t chunk = 0;
    for (size_t from = 0; from < scan->group_count;) {
        const struct chunk_place *places[READER_FETCH];
        size_t n = 0, raw = 0;
        for (; from + n < scan->group_count && n < READER_FETCH; n++) {
            const struct chunk_place *place = &scan->groups[from + n];
            if (n > 0 && raw + place->group_raw > v->reader->cache_bytes / 2)
                break;
            raw += place->group_raw;
            places[n] = place;
        }
        if (verify_check_cancelled(v, err) != 0 || vault_reader_fetch(v->reader, places, n, err) != 0)
            return -1;
        for (size_t i = 0; i < n; i++)
            if (check_group(scan, from + i, &chunk, err) != 0)
                return -1;
        from += n;
        verify_progress(v);
    }
    return 0;
}

/* What the host says of chunks in this pack must be what the pack's own directory says. */
static int
check_index(struct scan *scan, bool *good, struct error *err)
{
    struct vault_backend backend = scan->v->vault->backend;
    CLEANUP(memory_free_p) struct chunk_id *ids = memory_new(FIND_MAX_CHUNKS * sizeof(*ids));
    CLEANUP(memory_free_p) struct chunk_place *places = memory_new(FIND_MAX_CHUNKS * sizeof(*places));
    *good = true;
    for (size_t at = 0; at < scan->chunk_count;) {
        size_t n = 0;
        for (; n < FIND_MAX_CHUNKS && at + n < scan->chunk_count; n++)
            ids[n] = scan->chunks[at + n].chunk.id;
        if (backend.vtable->locate_chunks(backend.ctx, ids, n, places, err) != 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            const struct scan_chunk *chunk = &scan->chunks[at + i];
            const struct chunk_place *group = &scan->groups[chunk->group], *place = &places[i];
            if (place->known && (strcmp(place->pack, scan->pack) != 0 || place->group != group->group))
                continue; /* another copy of it */
            *good = *good && place->known && place->group_offset == group->group_offset &&
                    place->group_stored == group->group_stored && place->group_raw == group->group_raw &&
                    place->chunk_offset == chunk->offset && place->chunk_len == chunk->chunk.len;
        }
        at += n;
    }
    return 0;
}

static int
scan_data(struct scan *scan, const struct vault_directory *directory, struct error *err)
{
    struct pack_trailer trailer = directory->trailer;
    uint64_t size = 0;
    bool good;
    struct error wrong = ERROR_INIT;
    if (pack_directory_size(directory->tail.data, &trailer, &size, err) != 0)
        return -1;
    const struct pack_parts parts = { directory->head.data, directory->tail.data, directory->tail.len, size };
    if (pack_directory_walk(&parts, on_group, on_chunk, scan, err) != 0 || read_groups(scan, err) != 0 ||
        check_index(scan, &good, err) != 0)
        return -1;
    if (good)
        return 0;
    FAIL(&wrong, ERROR_CORRUPT, 0, "pack %s: the host's index says other places than the pack's directory", scan->pack);
    return verify_tell_pack(scan->v, VAULT_DAMAGED_INDEX, scan->pack, &wrong, err);
}

static int
scan_pack(struct scan *scan, struct error *err)
{
    struct verify *v = scan->v;
    struct error failure = ERROR_INIT;
    struct vault_directory directory = { .aead = NULL };
    if (verify_check_cancelled(v, err) != 0)
        return -1;
    v->result->packs++;
    int failed = vault_directory_read(v->vault, scan->pack, &directory, &failure);
    if (failed != 0 && vault_damage_is(&failure))
        failed = verify_tell_pack(v, VAULT_DAMAGED_DIRECTORY, scan->pack, &failure, err) != 0 ||
                         suspect(scan, PACK_MARK_WHOLE, err) != 0
                     ? -1
                     : 0;
    else if (failed != 0 && err != NULL)
        *err = failure;
    else if (v->options->data)
        failed = scan_data(scan, &directory, err);
    vault_directory_clear(&directory);
    return failed;
}

int
verify_scan(struct verify *v, struct error *err)
{
    struct scan scan = { .v = v };
    int failed = 0;
    v->result->sample_next = v->options->sample_start + sample_span(v->options);
    for (size_t i = 0; failed == 0 && i < pack_set_count(v->reader->stored); i++) {
        if (!v->everything && !pack_set_is_used(v->reader->stored, i))
            continue;
        scan.at = i;
        scan.group_count = scan.chunk_count = 0;
        pack_set_name(v->reader->stored, i, scan.pack);
        if (pack_name_parse(scan.pack, scan.name) == 0)
            failed = scan_pack(&scan, err);
    }
    free(scan.groups);
    free(scan.chunks);
    return failed;
}
