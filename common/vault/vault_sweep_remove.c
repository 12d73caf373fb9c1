#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/vault_sweep_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Closed records: their points go, then their packs but for those that something still needs. */

int
vault_sweep_close(struct vault_sweep *sweep, bool *closed, struct error *err)
{
    const struct retire_state *journal = sweep->journal;
    uint64_t next = retire_state_least_epoch(journal) == 0 ? 1 : retire_state_least_epoch(journal);
    *closed = false;
    for (; next <= sweep->session.may_close; next++) {
        struct retire_object close = { .kind = RETIRE_CLOSE,
                                       .epoch = next,
                                       .created_ms = clock_wall_ms(sweep->vault->clock) };
        if (vault_sweep_check(sweep, "close", err) != 0 || vault_sweep_journal_write(sweep, &close, err) != 0)
            return error_wrap(err, "closing retire record %llu", (unsigned long long)next);
        *closed = true;
    }
    return 0;
}

bool
vault_sweep_has_closed(const struct vault_sweep *sweep, bool in_this_session)
{
    for (size_t i = 0; i < retire_state_records(sweep->journal); i++) {
        const struct retire_record *record = retire_state_record(sweep->journal, i);
        bool open = record->known && record->closed && !record->done;
        /* What was undone is only cleared away: nobody waits for that. */
        if (open && (in_this_session ? record->epoch <= sweep->session.may_remove : !record->undone))
            return true;
    }
    return false;
}

/* Whether this session removes what the record names. */
static bool
is_going(const struct vault_sweep *sweep, const struct retire_record *record)
{
    return record != NULL && record->closed && retire_record_in_effect(record) &&
           record->epoch <= sweep->session.may_remove;
}

static void
count_removal(struct vault_sweep *sweep, const struct vault_removal *removal)
{
    struct vault_sweep_result *result = sweep->result;
    result->bytes_freed += removal->bytes;
    sweep->progress.bytes_freed += removal->bytes;
    result->held += removal->held;
    if (removal->held_until_ms > result->held_until_ms)
        result->held_until_ms = removal->held_until_ms;
}

static int
remove_points(struct vault_sweep *sweep, const struct retire_record *record, struct error *err)
{
    struct vault_backend backend = sweep->vault->backend;
    const char *names[RETIRE_POINTS_MAX];
    struct vault_removal removal = { .removed = 0 };
    for (size_t i = 0; i < record->point_count; i++)
        names[i] = record->points[i].id;
    if (record->point_count == 0)
        return 0;
    if (vault_sweep_check(sweep, "remove", err) != 0 ||
        backend.vtable->sweep->remove_points(backend.ctx, sweep->session.id, record->epoch, names, record->point_count,
                                             &removal, err) != 0)
        return -1;
    sweep->result->points_removed += removal.removed;
    count_removal(sweep, &removal);
    return 0;
}

/* The retired points that are still there: of records that can be undone, and those that a lock holds. */
static int
mark_retired(struct vault_sweep *sweep, const struct sweep_names *points, bool held, struct error *err)
{
    for (size_t i = 0; i < points->count; i++) {
        uint64_t epoch = retire_state_point(sweep->journal, points->at[i]);
        if (epoch == 0)
            return FAIL(err, ERROR_CONFLICT, 0, "the host takes recovery point %s for retired, which it is not",
                        points->at[i]);
        if (is_going(sweep, retire_state_find(sweep->journal, epoch)) == held &&
            vault_sweep_mark_point(sweep, points->at[i], true, err) != 0)
            return -1;
    }
    return 0;
}

static int
on_marked(void *ctx, const struct vault_pack_live *pack, struct error *err)
{
    return pack->retired != 0 && pack->marked ? sweep_names_add(ctx, pack->pack, err) : 0;
}

/* Retired packs with a marked chunk, sorted. */
static int
list_marked(struct vault_sweep *sweep, struct sweep_names *marked, struct error *err)
{
    struct vault_backend backend = sweep->vault->backend;
    marked->count = 0;
    if (backend.vtable->sweep->packs(backend.ctx, sweep->session.id, 0, on_marked, marked, err) != 0)
        return -1;
    sweep_names_sort(marked);
    return 0;
}

/* Durable before anybody sees the packs again. */
static int
keep_packs(struct vault_sweep *sweep, uint64_t epoch, const struct sweep_names *marked, struct error *err)
{
    const struct retire_record *record = retire_state_find(sweep->journal, epoch);
    struct retire_object keep = {
        .kind = RETIRE_KEEP,
        .epoch = epoch,
        .created_ms = clock_wall_ms(sweep->vault->clock),
        .packs = memory_new((record->pack_count + 1) * sizeof(struct retire_pack)),
    };
    for (size_t i = 0; i < record->pack_count; i++) {
        char name[PACK_NAME_LEN];
        pack_name_text(record->packs[i].name, name);
        if (sweep_names_has(marked, name))
            keep.packs[keep.pack_count++] = record->packs[i];
    }
    size_t count = keep.pack_count;
    int failed = count == 0 ? 0 : vault_sweep_journal_write(sweep, &keep, err);
    sweep->result->packs_kept += failed == 0 ? count : 0;
    retire_object_clear(&keep);
    return failed;
}

/* *held: whether something of the record stays. */
static int
remove_packs(struct vault_sweep *sweep, uint64_t epoch, const struct sweep_names *marked, bool *held, struct error *err)
{
    struct vault_backend backend = sweep->vault->backend;
    const struct retire_record *record = retire_state_find(sweep->journal, epoch);
    CLEANUP(memory_free_p) char(*names)[PACK_NAME_LEN] = memory_new(VAULT_SWEEP_PACKS_MAX * sizeof(*names));
    for (size_t i = 0; i < record->pack_count;) {
        struct vault_removal removal = { .removed = 0 };
        size_t n = 0;
        for (; i < record->pack_count && n < VAULT_SWEEP_PACKS_MAX; i++) {
            pack_name_text(record->packs[i].name, names[n]);
            if (sweep_names_has(marked, names[n]))
                *held = true;
            else
                n++;
        }
        if (vault_sweep_check(sweep, "remove", err) != 0 ||
            (n > 0 && backend.vtable->sweep->remove_packs(backend.ctx, sweep->session.id, epoch,
                                                          (const char(*)[PACK_NAME_LEN])names, n, &removal, err) != 0))
            return -1;
        sweep->result->packs_removed += removal.removed;
        *held = *held || removal.held > 0;
        count_removal(sweep, &removal);
    }
    return 0;
}

static int
finish_record(struct vault_sweep *sweep, uint64_t epoch, struct error *err)
{
    struct retire_object done = { .kind = RETIRE_DONE,
                                  .epoch = epoch,
                                  .created_ms = clock_wall_ms(sweep->vault->clock) };
    return vault_sweep_journal_write(sweep, &done, err);
}

static bool
has_point(const struct retire_record *record, const struct sweep_names *points)
{
    for (size_t i = 0; i < record->point_count; i++)
        if (sweep_names_has(points, record->points[i].id))
            return true;
    return false;
}

static int
finish_going(struct vault_sweep *sweep, const struct sweep_names *points, const struct sweep_names *marked,
             struct error *err)
{
    for (size_t i = 0; i < retire_state_records(sweep->journal); i++) {
        const struct retire_record *record = retire_state_record(sweep->journal, i);
        uint64_t epoch = record->epoch;
        bool going = is_going(sweep, record), held = going && has_point(record, points);
        bool undone = record->known && record->undone && record->closed && !record->done;
        if (going && remove_packs(sweep, epoch, marked, &held, err) != 0)
            return -1;
        if (((going && !held) || undone) && finish_record(sweep, epoch, err) != 0)
            return error_wrap(err, "finishing retire record %llu", (unsigned long long)epoch);
    }
    return 0;
}

static void
tell_removed(struct vault_sweep *sweep, const struct sweep_names *left)
{
    const struct vault_sweep_options *options = sweep->options;
    for (size_t i = 0; options->point_removed != NULL && i < retire_state_records(sweep->journal); i++) {
        const struct retire_record *record = retire_state_record(sweep->journal, i);
        for (size_t p = 0; is_going(sweep, record) && p < record->point_count; p++)
            if (!sweep_names_has(left, record->points[p].id))
                options->point_removed(options->ctx, record->points[p].id);
    }
}

int
vault_sweep_remove(struct vault_sweep *sweep, struct error *err)
{
    CLEANUP(sweep_names_clear) struct sweep_names points = { 0 };
    CLEANUP(sweep_names_clear) struct sweep_names marked = { 0 };
    for (size_t i = 0; i < retire_state_records(sweep->journal); i++) {
        const struct retire_record *record = retire_state_record(sweep->journal, i);
        if (is_going(sweep, record) && remove_points(sweep, record, err) != 0)
            return -1;
    }
    if (sweep_names_list(&points, sweep->vault, OBJECT_RETIRED_POINT, err) != 0)
        return -1;
    tell_removed(sweep, &points);
    if (mark_retired(sweep, &points, false, err) != 0 || list_marked(sweep, &marked, err) != 0)
        return -1;
    for (size_t i = 0; i < retire_state_records(sweep->journal); i++) {
        const struct retire_record *record = retire_state_record(sweep->journal, i);
        if (is_going(sweep, record) && keep_packs(sweep, record->epoch, &marked, err) != 0)
            return -1;
    }
    if (mark_retired(sweep, &points, true, err) != 0 || list_marked(sweep, &marked, err) != 0)
        return -1;
    return finish_going(sweep, &points, &marked, err);
}
