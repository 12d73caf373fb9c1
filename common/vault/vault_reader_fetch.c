#include "common/vault/vault_reader_internal.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/aead.h"
#include "common/crypto/digest.h"
#include "common/vault/group_codec.h"
#include "common/vault/pack_format.h"
#include "common/vault/pack_set.h"
#include "common/vault/vault_damage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct reader_place *
place_slot(struct vault_reader *reader, const struct chunk_id *id)
{
    uint32_t h;
    memcpy(&h, id->bytes, sizeof(h));
    return &reader->places[h % READER_PLACES];
}

void
vault_reader_note_place(struct vault_reader *reader, const struct chunk_id *id, const struct chunk_place *place)
{
    struct reader_place *slot = place_slot(reader, id);
    slot->id = *id;
    slot->place = *place;
    slot->filled = true;
}

bool
vault_reader_place_sane(const struct chunk_place *p)
{
    uint8_t name[PACK_NAME_BYTES];
    return !p->known || (pack_name_parse(p->pack, name) == 0 && p->group < PACK_MAX_GROUPS && p->group_raw > 0 &&
                         p->group_raw <= GROUP_MAX_RAW && p->group_stored > PACK_GROUP_OVERHEAD &&
                         p->group_stored <= p->group_raw + PACK_GROUP_OVERHEAD && p->group_offset >= PACK_HEADER_LEN &&
                         p->group_offset <= PACK_MAX_BYTES && p->chunk_len > 0 && p->chunk_len <= CHUNK_MAX_BYTES &&
                         p->chunk_len <= p->group_raw && p->chunk_offset <= p->group_raw - p->chunk_len);
}

static int
ask(struct vault_reader *reader, const struct chunk_id *ids, size_t n, struct error *err)
{
    CLEANUP(memory_free_p) struct chunk_place *places = memory_new(n * sizeof(*places));
    struct vault_backend backend = reader->vault->backend;
    if ((reader->trusted_only ? backend.vtable->find_chunks(backend.ctx, ids, n, places, err)
                              : backend.vtable->locate_chunks(backend.ctx, ids, n, places, err)) != 0)
        return error_wrap(err, "asking the vault where chunks lie");
    for (size_t i = 0; i < n; i++) {
        if (!vault_reader_place_sane(&places[i]))
            return FAIL(err, ERROR_CORRUPT, 0, "the host's index holds impossible places: rebuild it from the packs");
        vault_reader_note_place(reader, &ids[i], &places[i]);
    }
    return 0;
}

int
vault_reader_locate(struct vault_reader *reader, const struct chunk_id *ids, size_t n, struct error *err)
{
    CLEANUP(memory_free_p) struct chunk_id *missing = memory_new((n == 0 ? 1 : n) * sizeof(*missing));
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        struct reader_place *slot = place_slot(reader, &ids[i]);
        if (!slot->filled || !slot->place.known || memcmp(&slot->id, &ids[i], sizeof(ids[i])) != 0)
            missing[count++] = ids[i];
    }
    for (size_t at = 0; at < count; at += FIND_MAX_CHUNKS) {
        size_t some = count - at < FIND_MAX_CHUNKS ? count - at : FIND_MAX_CHUNKS;
        if (ask(reader, missing + at, some, err) != 0)
            return -1;
    }
    return 0;
}

int
vault_reader_place(struct vault_reader *reader, const struct chunk_id *id, struct chunk_place *place, struct error *err)
{
    struct reader_place *slot = place_slot(reader, id);
    bool there = slot->filled && slot->place.known && memcmp(&slot->id, id, sizeof(*id)) == 0;
    if (!there && ask(reader, id, 1, err) != 0)
        return -1;
    if (!slot->place.known)
        return FAIL(err, ERROR_NOT_FOUND, 0, "a chunk is not in the vault: its pack is lost or not indexed");
    *place = slot->place;
    return reader->stored == NULL ? 0 : vault_reader_check_place(reader, id, place, err);
}

static int
read_header(void *ctx, size_t range, const uint8_t *data, size_t len, struct error *err)
{
    (void)range;
    return buffer_append(ctx, data, len, err);
}

/* An AEAD context for the pack; its header is read the first time. */
static struct aead *
pack_key(struct vault_reader *reader, const char *name, struct error *err)
{
    struct reader_pack_key *slot = &reader->keys[0];
    for (int i = 0; i < READER_PACKS; i++) {
        if (reader->keys[i].aead != NULL && strcmp(reader->keys[i].pack, name) == 0) {
            reader->keys[i].used = ++reader->tick;
            return reader->keys[i].aead;
        }
        if (reader->keys[i].used < slot->used)
            slot = &reader->keys[i];
    }
    CLEANUP(buffer_clear) struct buffer bytes = BUFFER_INIT(PACK_HEADER_LEN);
    struct pack_range range = { .offset = 0, .len = PACK_HEADER_LEN };
    memcpy(range.pack, name, sizeof(range.pack));
    struct vault_backend backend = reader->vault->backend;
    struct pack_header header;
    uint8_t expected[PACK_NAME_BYTES];
    if (backend.vtable->get_ranges(backend.ctx, &range, 1, read_header, &bytes, err) != 0 ||
        pack_header_decode(bytes.data, bytes.len, &header, err) != 0) {
        error_wrap(err, "pack %s", name);
        return NULL;
    }
    if (pack_name_parse(name, expected) != 0 || memcmp(expected, header.name, sizeof(expected)) != 0) {
        FAIL(err, ERROR_CORRUPT, 0, "pack %s: its header carries another name", name);
        return NULL;
    }
    slot->used = 0;
    slot->pack[0] = '\0';
    if (vault_pack_key(reader->vault, header.name, header.salt, &slot->aead, err) != 0)
        return NULL;
    memcpy(slot->pack, name, sizeof(slot->pack));
    slot->used = ++reader->tick;
    return slot->aead;
}

static int
open_group(struct vault_reader *reader, const struct chunk_place *place, uint8_t *sealed, struct error *err)
{
    uint8_t name[PACK_NAME_BYTES], bound[VAULT_BOUND_MAX], nonce[AEAD_NONCE_LEN];
    struct aead *aead = pack_key(reader, place->pack, err);
    if (aead == NULL || pack_name_parse(place->pack, name) != 0)
        return -1;
    size_t bound_len = vault_bound(reader->vault, "group", name, place->group, bound);
    vault_nonce(place->group, nonce);
    if (aead_open(aead, nonce, (struct aead_bound){ bound, bound_len }, sealed, place->group_stored, sealed, err) != 0)
        return error_wrap(err, "pack %s, group %u", place->pack, place->group);
    size_t capacity;
    uint8_t *raw = vault_reader_cache_room(reader, place->group_raw, &capacity);
    if (raw == NULL)
        return FAIL(err, ERROR_LIMIT, 0, "no memory for a group of %u bytes", place->group_raw);
    if (group_decoder_run(reader->decoder, sealed, place->group_stored - AEAD_TAG_LEN, raw, place->group_raw, err) !=
        0) {
        free(raw);
        return error_wrap(err, "pack %s, group %u", place->pack, place->group);
    }
    vault_reader_cache_add(reader, place, raw, capacity);
    return 0;
}

/* Groups that lie one behind the other in a pack. */
struct span {
    size_t first, count;
};

struct fetch {
    struct vault_reader *reader;
    const struct chunk_place *places[READER_FETCH];
    struct span spans[READER_FETCH];
    struct pack_range ranges[READER_FETCH];
    size_t place_count, span_count;
    size_t current; /* span that is arriving */
    size_t opened;  /* groups of it that are done */
};

static int
on_fetch_block(void *ctx, size_t range, const uint8_t *data, size_t len, struct error *err)
{
    struct fetch *fetch = ctx;
    struct buffer *sealed = &fetch->reader->sealed;
    if (range != fetch->current) {
        fetch->current = range;
        fetch->opened = 0;
        sealed->len = 0;
    }
    if (buffer_append(sealed, data, len, err) != 0)
        return -1;
    const struct span *span = &fetch->spans[range];
    while (fetch->opened < span->count) {
        const struct chunk_place *place = fetch->places[span->first + fetch->opened];
        if (sealed->len < place->group_stored)
            break;
        struct error damaged = ERROR_INIT;
        if (open_group(fetch->reader, place, sealed->data, &damaged) != 0 && !vault_damage_is(&damaged)) {
            if (err != NULL)
                *err = damaged;
            return -1;
        }
        buffer_consume(sealed, place->group_stored);
        fetch->opened++;
    }
    return 0;
}

static void
plan(struct fetch *fetch)
{
    for (size_t i = 0; i < fetch->place_count; i++) {
        const struct chunk_place *place = fetch->places[i];
        struct pack_range *range = fetch->span_count == 0 ? NULL : &fetch->ranges[fetch->span_count - 1];
        if (range != NULL && strcmp(range->pack, place->pack) == 0 &&
            range->offset + range->len == place->group_offset) {
            range->len += place->group_stored;
            fetch->spans[fetch->span_count - 1].count++;
            continue;
        }
        range = &fetch->ranges[fetch->span_count];
        memcpy(range->pack, place->pack, sizeof(range->pack));
        range->offset = place->group_offset;
        range->len = place->group_stored;
        fetch->spans[fetch->span_count++] = (struct span){ i, 1 };
    }
}

bool
vault_reader_has_group(const struct chunk_place *const *places, size_t n, const struct chunk_place *place)
{
    /* The newest first: neighbours mostly share a group. */
    while (n > 0) {
        const struct chunk_place *other = places[--n];
        if (other->group == place->group && strcmp(other->pack, place->pack) == 0)
            return true;
    }
    return false;
}

int
vault_reader_fetch(struct vault_reader *reader, const struct chunk_place *const *places, size_t n, struct error *err)
{
    struct fetch fetch = { .reader = reader };
    for (size_t i = 0; i < n && i < READER_FETCH; i++) {
        if (vault_reader_has_group(fetch.places, fetch.place_count, places[i]) ||
            vault_reader_cache_find(reader, places[i]->pack, places[i]->group) != NULL)
            continue;
        /* Keys first: a pack's header cannot be read while ranges are arriving. */
        struct error unreadable = ERROR_INIT;
        if (pack_key(reader, places[i]->pack, &unreadable) == NULL) {
            if (vault_damage_is(&unreadable))
                continue;
            if (err != NULL)
                *err = unreadable;
            return -1;
        }
        reader->bytes_fetched += places[i]->group_stored;
        fetch.places[fetch.place_count++] = places[i];
    }
    if (fetch.place_count == 0)
        return 0;
    plan(&fetch);
    fetch.current = (size_t)-1;
    struct vault_backend backend = reader->vault->backend;
    struct error failure = ERROR_INIT;
    if (backend.vtable->get_ranges(backend.ctx, fetch.ranges, fetch.span_count, on_fetch_block, &fetch, &failure) ==
            0 ||
        vault_damage_is(&failure))
        return 0;
    if (err != NULL)
        *err = failure;
    return -1;
}

struct one_group {
    struct vault_reader *reader;
};

static int
on_group_block(void *ctx, size_t range, const uint8_t *data, size_t len, struct error *err)
{
    (void)range;
    struct one_group *one = ctx;
    return buffer_append(&one->reader->sealed, data, len, err);
}

struct reader_group *
vault_reader_group(struct vault_reader *reader, const struct chunk_place *place, struct error *err)
{
    struct reader_group *group = vault_reader_cache_find(reader, place->pack, place->group);
    if (group == NULL) {
        struct pack_range range = { .offset = place->group_offset, .len = place->group_stored };
        struct one_group one = { reader };
        struct vault_backend backend = reader->vault->backend;
        memcpy(range.pack, place->pack, sizeof(range.pack));
        reader->sealed.len = 0;
        reader->bytes_fetched += range.len;
        if (backend.vtable->get_ranges(backend.ctx, &range, 1, on_group_block, &one, err) != 0) {
            error_wrap(err, "pack %s, group %u", place->pack, place->group);
            return NULL;
        }
        if (reader->sealed.len != range.len) {
            FAIL(err, ERROR_CORRUPT, 0, "pack %s is shorter than its index says", place->pack);
            return NULL;
        }
        if (open_group(reader, place, reader->sealed.data, err) != 0)
            return NULL;
        group = vault_reader_cache_find(reader, place->pack, place->group);
    }
    if (group->raw != place->group_raw) {
        FAIL(err, ERROR_CORRUPT, 0, "pack %s: the index says two sizes of one group", place->pack);
        return NULL;
    }
    return group;
}

/* The same chunk of the same opened group was checked before: content that is there many times. */
static bool
is_verified(const struct reader_group *group, const struct reader_verified *chunk)
{
    unsigned n = group->verified_count < READER_VERIFIED ? group->verified_count : READER_VERIFIED;
    for (unsigned i = 0; i < n; i++) {
        const struct reader_verified *v = &group->verified[i];
        if (v->offset == chunk->offset && v->len == chunk->len && memcmp(&v->id, &chunk->id, sizeof(v->id)) == 0)
            return true;
    }
    return false;
}

static const uint8_t *
chunk_at(struct vault_reader *reader, const struct chunk_id *id, const struct chunk_place *place, struct error *err)
{
    struct chunk_id named;
    struct reader_group *group = vault_reader_group(reader, place, err);
    if (group == NULL)
        return NULL;
    const struct reader_verified chunk = { .offset = place->chunk_offset, .len = place->chunk_len, .id = *id };
    if (!is_verified(group, &chunk)) {
        vault_name_chunk(reader->naming, group->data + place->chunk_offset, place->chunk_len, &named);
        if (memcmp(&named, id, sizeof(named)) != 0) {
            FAIL(err, ERROR_CORRUPT, 0, "pack %s, group %u: a chunk is not what its name says: forged or damaged",
                 place->pack, place->group);
            return NULL;
        }
        group->verified[group->verified_count++ % READER_VERIFIED] = chunk;
    }
    return group->data + place->chunk_offset;
}

const uint8_t *
vault_reader_chunk_at(struct vault_reader *reader, const struct chunk_id *id, const struct chunk_place *place,
                      struct error *err)
{
    struct error failure = ERROR_INIT;
    const uint8_t *data = chunk_at(reader, id, place, &failure);
    if (data != NULL)
        return data;
    if (vault_damage_is(&failure) && vault_reader_note_bad(reader, place->pack, place->group, err) != 0)
        return NULL;
    if (err != NULL)
        *err = failure;
    return NULL;
}

const uint8_t *
vault_reader_chunk(struct vault_reader *reader, const struct chunk_id *id, size_t *len, struct error *err)
{
    struct chunk_place place = { .known = false };
    struct error damage = ERROR_INIT;
    if (vault_reader_place(reader, id, &place, err) != 0)
        return NULL;
    const uint8_t *data = vault_reader_chunk_at(reader, id, &place, &damage);
    if (data == NULL && vault_damage_is(&damage))
        data = vault_reader_chunk_elsewhere(reader, id, &place, &damage);
    if (data == NULL && err != NULL)
        *err = damage;
    *len = place.chunk_len;
    return data;
}
