#include "common/vault/vault_sweep.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/vault_sweep_internal.h"

#include <stdlib.h>
#include <string.h>

int
vault_sweep_check(struct vault_sweep *sweep, const char *phase, struct error *err)
{
    const struct vault_sweep_options *options = sweep->options;
    sweep->progress.phase = phase;
    if (options->progress != NULL)
        options->progress(options->ctx, &sweep->progress);
    if (options->cancelled != NULL && __atomic_load_n(options->cancelled, __ATOMIC_RELAXED))
        return FAIL(err, ERROR_CANCELLED, 0, "the sweep was cancelled");
    return 0;
}

static void
clear(struct vault_sweep *sweep)
{
    struct vault_backend backend = sweep->vault->backend;
    if (sweep->in_session)
        (void)backend.vtable->sweep->end(backend.ctx, sweep->session.id, NULL);
    vault_reader_close(sweep->reader);
    retire_state_free(sweep->journal);
    sweep_names_clear(&sweep->live);
    free(sweep->data);
    free(sweep->lists);
    free(sweep->recipes);
    free(sweep->recipe_refs);
}

/* A session that may remove what the closed records name: after the settling time. */
static int
reach_settled(struct vault_sweep *sweep, struct error *err)
{
    const struct vault_sweep_options *options = sweep->options;
    if (vault_sweep_open(sweep, err) != 0)
        return -1;
    while (sweep->session.settle_ms > 0) {
        uint64_t ms = sweep->session.settle_ms;
        if (vault_sweep_check(sweep, "wait", err) != 0 || options->wait(options->ctx, ms, err) != 0 ||
            vault_sweep_open(sweep, err) != 0)
            return -1;
    }
    return 0;
}

static int
remove_closed(struct vault_sweep *sweep, struct error *err)
{
    bool closed = false, marked = true;
    /* What cannot be undone for a moment may be closed at once. */
    if (sweep->options->undo_ms == 0 && sweep->result->last_epoch != 0) {
        marked = false;
        if (vault_sweep_open(sweep, err) != 0)
            return -1;
    }
    if (vault_sweep_close(sweep, &closed, err) != 0)
        return -1;
    /* What was closed before this session can go in it; what was closed just now needs another one. */
    bool later = closed || !vault_sweep_has_closed(sweep, true);
    if (vault_sweep_has_closed(sweep, false) && later && sweep->options->wait != NULL) {
        marked = false;
        if (reach_settled(sweep, err) != 0)
            return -1;
    }
    if (!vault_sweep_has_closed(sweep, true))
        return 0;
    return !marked && vault_sweep_mark_live(sweep, false, err) != 0 ? -1 : vault_sweep_remove(sweep, err);
}

static void
count_waiting(struct vault_sweep *sweep)
{
    struct vault_sweep_result *result = sweep->result;
    for (size_t i = 0; i < retire_state_records(sweep->journal); i++) {
        const struct retire_record *record = retire_state_record(sweep->journal, i);
        for (size_t p = 0; retire_record_in_effect(record) && p < record->pack_count; p++) {
            result->packs_waiting++;
            result->bytes_waiting += record->packs[p].size;
        }
    }
}

static int
run(struct vault_sweep *sweep, struct error *err)
{
    sweep->reader = vault_reader_open(sweep->vault, sweep->options->memory_bytes, err);
    if (sweep->reader == NULL || vault_sweep_open(sweep, err) != 0 || vault_sweep_mark_live(sweep, true, err) != 0)
        return -1;
    sweep->result->chunks_marked = sweep->progress.chunks_marked;
    if (vault_sweep_retire(sweep, err) != 0)
        return -1;
    return sweep->options->dry_run ? 0 : remove_closed(sweep, err);
}

int
vault_sweep(struct vault *vault, const struct vault_sweep_options *options, struct vault_sweep_result *result,
            struct error *err)
{
    struct vault_sweep sweep = { .vault = vault, .options = options, .result = result };
    memset(result, 0, sizeof(*result));
    if (vault->backend.vtable->sweep == NULL)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "this way to the vault knows no sweeps");
    if (options->undo_ms > INT64_MAX / 2)
        return FAIL(err, ERROR_USAGE, 0, "the time to undo is longer than can be told");
    sweep.data = MEMORY_NEW(struct sweep_batch);
    sweep.lists = MEMORY_NEW(struct sweep_batch);
    sweep.recipes = MEMORY_NEW(struct sweep_batch);
    sweep.recipe_refs = memory_new(FIND_MAX_CHUNKS * sizeof(sweep.recipe_refs[0]));
    int failed = run(&sweep, err);
    if (failed == 0)
        count_waiting(&sweep);
    clear(&sweep);
    return failed;
}

int
vault_sweep_undo(struct vault *vault, uint64_t epoch, uint64_t *points, struct error *err)
{
    static const struct vault_sweep_options options = { .expire = NULL };
    struct vault_sweep_result result;
    struct vault_sweep sweep = { .vault = vault, .options = &options, .result = &result };
    struct retire_object undo = { .kind = RETIRE_UNDO, .epoch = epoch, .created_ms = clock_wall_ms(vault->clock) };
    if (vault->backend.vtable->sweep == NULL)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "this way to the vault knows no sweeps");
    int failed = vault_sweep_open(&sweep, err);
    const struct retire_record *record = failed == 0 ? retire_state_find(sweep.journal, epoch) : NULL;
    *points = record == NULL ? 0 : record->point_count;
    if (failed == 0 && (record == NULL || !retire_record_in_effect(record)))
        failed = FAIL(err, ERROR_NOT_FOUND, 0, "retire record %llu is not there, or was undone or removed already",
                      (unsigned long long)epoch);
    else if (failed == 0 && record->closed)
        failed = FAIL(err, ERROR_CONFLICT, 0, "retire record %llu is being removed: the time to undo it is over",
                      (unsigned long long)epoch);
    if (failed == 0)
        failed = vault_sweep_journal_write(&sweep, &undo, err);
    clear(&sweep);
    return failed;
}

static int
tell(const struct retire_record *record, vault_retired_fn *found, void *ctx, struct error *err)
{
    CLEANUP(memory_free_p) const char **points = memory_new((record->point_count + 1) * sizeof(*points));
    struct vault_retired retired = {
        .epoch = record->epoch,
        .created_ms = record->created_ms,
        .undo_until_ms = record->created_ms + (int64_t)record->undo_ms,
        .closed = record->closed,
        .points = points,
        .point_count = record->point_count,
        .packs = record->pack_count,
    };
    for (size_t i = 0; i < record->point_count; i++)
        points[i] = record->points[i].id;
    for (size_t i = 0; i < record->pack_count; i++)
        retired.bytes += record->packs[i].size;
    return found(ctx, &retired, err);
}

int
vault_sweep_list(struct vault *vault, vault_retired_fn *found, void *ctx, struct error *err)
{
    CLEANUP(retire_state_free_p) struct retire_state *journal = retire_state_new();
    if (vault_sweep_journal_read(vault, journal, err) != 0)
        return -1;
    for (size_t i = 0; i < retire_state_records(journal); i++) {
        const struct retire_record *record = retire_state_record(journal, i);
        if (retire_record_in_effect(record) && tell(record, found, ctx, err) != 0)
            return -1;
    }
    return 0;
}
