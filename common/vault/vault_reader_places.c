#include "common/base/error.h"
#include "common/vault/pack_marks.h"
#include "common/vault/pack_set.h"
#include "common/vault/vault_damage.h"
#include "common/vault/vault_reader_internal.h"

#include <string.h>

/* A chunk that stands in several packs is read from any that is good. */

static bool
is_same(const struct chunk_place *a, const struct chunk_place *b)
{
    return a->group == b->group && strcmp(a->pack, b->pack) == 0;
}

static int
list_places(struct vault_reader *reader, const struct chunk_id *id, struct chunk_place *places, size_t *count,
            struct error *err)
{
    struct vault_backend backend = reader->vault->backend;
    *count = 0;
    if (backend.vtable->chunk_places == NULL || reader->trusted_only)
        return 0;
    return backend.vtable->chunk_places(backend.ctx, id, places, count, err);
}

const uint8_t *
vault_reader_chunk_elsewhere(struct vault_reader *reader, const struct chunk_id *id, struct chunk_place *place,
                             struct error *err)
{
    struct chunk_place places[VAULT_PLACES_MAX];
    struct error failure = ERROR_INIT;
    size_t count = 0;
    if (list_places(reader, id, places, &count, &failure) != 0) {
        *err = failure;
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (!places[i].known || is_same(&places[i], place) || !vault_reader_place_sane(&places[i]) ||
            (reader->stored != NULL && !pack_set_has(reader->stored, places[i].pack)))
            continue;
        error_clear(&failure);
        const uint8_t *data = vault_reader_chunk_at(reader, id, &places[i], &failure);
        if (data == NULL && !vault_damage_is(&failure)) {
            *err = failure;
            return NULL;
        }
        if (data == NULL)
            continue;
        *place = places[i];
        vault_reader_note_place(reader, id, place);
        if (reader->stored != NULL)
            pack_set_use_place(reader->stored, place);
        return data;
    }
    return NULL;
}

int
vault_reader_note_bad(struct vault_reader *reader, const char *pack, uint32_t group, struct error *err)
{
    struct pack_mark mark = { .group = group };
    if (reader->found_bad == NULL || pack_name_parse(pack, mark.pack) != 0)
        return 0;
    return pack_marks_add(reader->found_bad, &mark, err);
}

int
vault_reader_check_place(struct vault_reader *reader, const struct chunk_id *id, struct chunk_place *place,
                         struct error *err)
{
    struct error damage = ERROR_INIT;
    bool stored = pack_set_use_place(reader->stored, place);
    if (stored && (reader->suspects == NULL || !pack_marks_has_place(reader->suspects, place)))
        return 0;
    if (stored && vault_reader_chunk_at(reader, id, place, &damage) != NULL)
        return 0;
    if (!stored && vault_reader_note_bad(reader, place->pack, PACK_MARK_WHOLE, err) != 0)
        return -1;
    if (!stored)
        FAIL(&damage, ERROR_NOT_FOUND, 0, "pack %s is missing from the storage", place->pack);
    if (vault_damage_is(&damage) && vault_reader_chunk_elsewhere(reader, id, place, &damage) != NULL)
        return 0;
    if (err != NULL)
        *err = damage;
    return -1;
}
