#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/vault_damage.h"
#include "common/vault/vault_reader_plan.h"

#include <stdlib.h>
#include <string.h>

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
on_data(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct batch *batch = ctx;
    if (batch->vtable->data(batch->ctx, batch->current, data, len, err) == 0)
        return 0;
    batch->stopped = true;
    return -1;
}

static int
read_one(struct batch *batch, size_t i, struct error *err)
{
    struct error failure = ERROR_INIT;
    struct planned *planned = &batch->planned[i];
    batch->current = &planned->read;
    if (i >= batch->fetched) {
        batch->fetched = vault_reader_plan_fetch(batch->reader, batch->planned, batch->count, i, err);
        if (batch->fetched == 0)
            return -1;
    }
    if (batch->vtable->begin(batch->ctx, batch->current, err) != 0)
        return -1;
    bool good =
        vault_reader_read_held(batch->reader, &planned->read.ref, &planned->recipe, on_data, batch, &failure) == 0;
    free(MOVE(planned->recipe.data));
    if (!good && (batch->stopped || !vault_damage_is(&failure))) {
        (void)batch->vtable->end(batch->ctx, batch->current, &failure, NULL);
        if (err != NULL)
            *err = failure;
        return -1;
    }
    return batch->vtable->end(batch->ctx, batch->current, good ? NULL : &failure, err);
}

static void
planned_free(struct planned *planned, size_t count)
{
    for (size_t i = 0; planned != NULL && i < count; i++)
        free(planned[i].recipe.data);
    free(planned);
}

/* In the order of reading; planned_free() frees. */
static struct planned *
plan(struct vault_reader *reader, struct vault_read *reads, size_t count, struct error *err)
{
    if (count > VAULT_BATCH_MAX) {
        FAIL(err, ERROR_LIMIT, 0, "%zu contents in a batch; %d are possible", count, VAULT_BATCH_MAX);
        return NULL;
    }
    struct planned *planned = memory_new((count + 1) * sizeof(planned[0]));
    for (size_t i = 0; i < count; i++)
        planned[i].read = reads[i];
    if (vault_reader_plan(reader, planned, count, err) == 0) {
        for (size_t i = 0; i < count; i++)
            reads[i] = planned[i].read;
        return planned;
    }
    planned_free(planned, count);
    return NULL;
}

int
vault_reader_sort(struct vault_reader *reader, struct vault_read *reads, size_t count, struct error *err)
{
    struct planned *planned = plan(reader, reads, count, err);
    if (planned == NULL)
        return -1;
    planned_free(planned, count);
    return 0;
}

int
vault_reader_batch(struct vault_reader *reader, struct vault_read *reads, size_t count,
                   const struct vault_batch_vtable *vtable, void *ctx, struct error *err)
{
    struct batch batch = { .reader = reader, .vtable = vtable, .ctx = ctx, .count = count };
    batch.planned = plan(reader, reads, count, err);
    int failed = batch.planned != NULL ? 0 : -1;
    for (size_t i = 0; failed == 0 && i < count; i++)
        failed = read_one(&batch, i, err);
    planned_free(batch.planned, count);
    return failed;
}
