#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/vault_reader_internal.h"

#include <stdlib.h>
#include <string.h>

/* Sorted by where the first chunk lies, so that a group is opened once for all contents in it. */
struct planned {
    struct vault_read read;
    struct chunk_place place; /* not known: nothing to fetch, or missing */
};

struct batch {
    struct vault_reader *reader;
    const struct vault_batch_vtable *vtable;
    void *ctx;
    struct planned *planned;
    size_t count, fetched;
    struct vault_read *current;
    bool stopped; /* by the caller's own callback */
};

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

static int
locate_all(struct batch *batch, const struct vault_read *reads, struct error *err)
{
    CLEANUP(memory_free_p) struct chunk_id *ids = memory_new((batch->count + 1) * sizeof(*ids));
    struct vault_backend backend = batch->reader->vault->backend;
    CLEANUP(memory_free_p) struct chunk_place *places = memory_new((batch->count + 1) * sizeof(*places));
    size_t n = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (named(&reads[i].ref))
            ids[n++] = reads[i].ref.id;
    }
    if (n > 0 && backend.vtable->locate_chunks(backend.ctx, ids, n, places, err) != 0)
        return error_wrap(err, "asking the vault where chunks lie");
    n = 0;
    for (size_t i = 0; i < batch->count; i++) {
        batch->planned[i].read = reads[i];
        if (named(&reads[i].ref))
            batch->planned[i].place = places[n++];
    }
    return 0;
}

static int
fetch_window(struct batch *batch, size_t from, struct error *err)
{
    const struct chunk_place *places[READER_FETCH];
    size_t n = 0, raw = 0, i = from;
    for (; i < batch->count && n < READER_FETCH; i++) {
        const struct chunk_place *place = &batch->planned[i].place;
        bool again = n > 0 && places[n - 1]->group == place->group && strcmp(places[n - 1]->pack, place->pack) == 0;
        if (!place->known || again)
            continue;
        if (!vault_reader_place_sane(place) || (n > 0 && raw + place->group_raw > batch->reader->cache_bytes / 2))
            break;
        raw += place->group_raw;
        places[n++] = place;
    }
    batch->fetched = i > from ? i : from + 1;
    return vault_reader_fetch(batch->reader, places, n, err);
}

static int
on_data(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct batch *batch = ctx;
    if (batch->vtable->data(batch->ctx, batch->current, data, len, err) == 0)
        return 0;
    batch->stopped = true;
    return -1;
}

static bool
is_damage(const struct error *err)
{
    return err->kind == ERROR_CORRUPT || err->kind == ERROR_FORMAT || err->kind == ERROR_NOT_FOUND ||
           err->kind == ERROR_UNSUPPORTED || err->kind == ERROR_LIMIT;
}

static int
read_one(struct batch *batch, size_t i, struct error *err)
{
    struct error failure = ERROR_INIT;
    batch->current = &batch->planned[i].read;
    if (i >= batch->fetched && fetch_window(batch, i, err) != 0)
        return -1;
    if (batch->vtable->begin(batch->ctx, batch->current, err) != 0)
        return -1;
    bool good = vault_reader_read(batch->reader, &batch->current->ref, on_data, batch, &failure) == 0;
    if (!good && (batch->stopped || !is_damage(&failure))) {
        (void)batch->vtable->end(batch->ctx, batch->current, &failure, NULL);
        if (err != NULL)
            *err = failure;
        return -1;
    }
    return batch->vtable->end(batch->ctx, batch->current, good ? NULL : &failure, err);
}

int
vault_reader_batch(struct vault_reader *reader, struct vault_read *reads, size_t count,
                   const struct vault_batch_vtable *vtable, void *ctx, struct error *err)
{
    if (count > VAULT_BATCH_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "%zu contents in a batch; %d are possible", count, VAULT_BATCH_MAX);
    struct batch batch = { .reader = reader, .vtable = vtable, .ctx = ctx, .count = count };
    batch.planned = memory_new((count + 1) * sizeof(batch.planned[0]));
    int failed = locate_all(&batch, reads, err);
    if (failed == 0)
        qsort(batch.planned, count, sizeof(batch.planned[0]), compare_planned);
    for (size_t i = 0; failed == 0 && i < count; i++) {
        reads[i] = batch.planned[i].read;
        failed = read_one(&batch, i, err);
    }
    free(batch.planned);
    return failed;
}
