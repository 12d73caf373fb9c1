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

int
vault_reader_batch(struct vault_reader *reader, struct vault_read *reads, size_t count,
                   const struct vault_batch_vtable *vtable, void *ctx, struct error *err)
{
    if (count > VAULT_BATCH_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "%zu contents in a batch; %d are possible", count, VAULT_BATCH_MAX);
    struct batch batch = { .reader = reader, .vtable = vtable, .ctx = ctx, .count = count };
    batch.planned = memory_new((count + 1) * sizeof(batch.planned[0]));
    for (size_t i = 0; i < count; i++)
        batch.planned[i].read = reads[i];
    int failed = vault_reader_plan(reader, batch.planned, count, err);
    for (size_t i = 0; failed == 0 && i < count; i++) {
        reads[i] = batch.planned[i].read;
        failed = read_one(&batch, i, err);
    }
    for (size_t i = 0; i < count; i++)
        free(batch.planned[i].recipe.data);
    free(batch.planned);
    return failed;
}
