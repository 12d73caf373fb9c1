#include "common/vault/vault_reader_plan.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/content_list.h"
#include "common/vault/message_recipe.h"
#include "common/vault/vault_damage.h"

#include <stdlib.h>
#include <string.h>

static int
compare_planned(const void *a, const void *b)
{
    const struct chunk_place *x = &((const struct planned *)a)->place, *y = &((const struct planned *)b)->place;
    if (x->known != y->known)
        return x->known ? 1 : -1;
    int order = strcmp(x->pack, y->pack);
    if (order != 0)
        return order;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return x->chunk_offset < y->chunk_offset ? -1 : x->chunk_offset > y->chunk_offset;
}

static bool
named(const struct content_ref *ref)
{
    return ref->form == CONTENT_CHUNK || ref->form == CONTENT_LIST;
}

/* Finds where all main contents begin, and sorts by that. What is not found keeps the place it had. */
static int
locate_and_sort(struct vault_reader *reader, struct planned *planned, size_t count, struct error *err)
{
    CLEANUP(memory_free_p) struct chunk_id *ids = memory_new((count + 1) * sizeof(*ids));
    CLEANUP(memory_free_p) struct chunk_place *places = memory_new((count + 1) * sizeof(*places));
    struct vault_backend backend = reader->vault->backend;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (named(&planned[i].main))
            ids[n++] = planned[i].main.id;
    }
    if (n > 0 && backend.vtable->locate_chunks(backend.ctx, ids, n, places, err) != 0)
        return error_wrap(err, "asking the vault where chunks lie");
    n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!named(&planned[i].main))
            continue;
        if (places[n].known && vault_reader_place_sane(&places[n]))
            planned[i].place = places[n];
        n++;
    }
    qsort(planned, count, sizeof(planned[0]), compare_planned);
    return 0;
}

size_t
vault_reader_plan_fetch(struct vault_reader *reader, const struct planned *planned, size_t count, size_t from,
                        struct error *err)
{
    const struct chunk_place *places[READER_FETCH] = { NULL };
    size_t n = 0, raw = 0, i = from;
    uint64_t contents = 0;
    for (; i < count && n < READER_FETCH; i++) {
        const struct chunk_place *place = &planned[i].place;
        /* What is fetched for a content must still be there when those before it have gone through the cache. */
        if (i > from && contents + planned[i - 1].read.ref.len > reader->cache_bytes / 2)
            break;
        contents += i > from ? planned[i - 1].read.ref.len : 0;
        if (!place->known || vault_reader_has_group(places, n, place))
            continue;
        if (!vault_reader_place_sane(place) || (n > 0 && raw + place->group_raw > reader->cache_bytes / 2))
            break;
        raw += place->group_raw;
        places[n++] = place;
    }
    return vault_reader_fetch(reader, places, n, err) == 0 ? (i > from ? i : from + 1) : 0;
}

static int
append(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    return buffer_append(ctx, data, len, err);
}

/* A message is mostly its largest attachment, when that is more than the rest. */
static int
look_into_message(struct vault_reader *reader, struct planned *p, size_t *kept, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer recipe = BUFFER_INIT(READER_RECIPES);
    struct content_ref largest;
    if (vault_reader_read_recipe(reader, &p->read.ref, append, &recipe, err) != 0)
        return -1;
    message_recipe_largest(recipe.data, recipe.len, &largest);
    if (!named(&largest) || largest.len < recipe.len)
        return 0;
    p->main = largest;
    if (*kept + recipe.len <= READER_RECIPES) {
        *kept += recipe.len;
        p->recipe.data = buffer_take(&recipe, &p->recipe.len);
    }
    return 0;
}

/* A list lies among lists: what counts is where its first chunk does. */
static int
look_into_list(struct vault_reader *reader, struct planned *p, struct error *err)
{
    size_t len;
    CLEANUP(memory_free_p) struct content_list_node *node = memory_new(sizeof(*node));
    for (int level = 0; level < CONTENT_LIST_LEVELS; level++) {
        const uint8_t *data = vault_reader_chunk(reader, &p->main.id, &len, err);
        if (data == NULL || content_list_decode(data, len, node, err) != 0)
            return -1;
        p->main.id = node->entries[0].id;
        if (node->level == 0)
            break;
    }
    p->main.form = CONTENT_CHUNK;
    return 0;
}

/* One pass in the order of places over the contents that are messages, or whose main content is a list. */
static int
look_into_all(struct vault_reader *reader, struct planned *planned, size_t count, bool messages, struct error *err)
{
    size_t fetched = 0, kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct planned *p = &planned[i];
        struct error failure = ERROR_INIT;
        bool message = p->read.ref.message;
        if (!p->place.known || (messages ? !message : p->main.form != CONTENT_LIST))
            continue;
        if (messages && i >= fetched && (fetched = vault_reader_plan_fetch(reader, planned, count, i, err)) == 0)
            return -1;
        int failed = messages ? look_into_message(reader, p, &kept, &failure) : look_into_list(reader, p, &failure);
        /* Only the order of reading depends on it, so a recipe that is too long to be looked into is no matter. */
        if (failed != 0 && !vault_damage_is(&failure) && failure.kind != ERROR_LIMIT) {
            if (err != NULL)
                *err = failure;
            return -1;
        }
    }
    return 0;
}

int
vault_reader_plan(struct vault_reader *reader, struct planned *planned, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        planned[i].main = planned[i].read.ref;
    if (locate_and_sort(reader, planned, count, err) != 0 || look_into_all(reader, planned, count, true, err) != 0)
        return -1;
    /* Attachments in several pieces begin with their lists. */
    if (locate_and_sort(reader, planned, count, err) != 0 || look_into_all(reader, planned, count, false, err) != 0)
        return -1;
    return locate_and_sort(reader, planned, count, err);
}
