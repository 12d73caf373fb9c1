#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/vault_sweep_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is to be retired: packs without a live chunk, and those that were rewritten. */

struct candidate {
    struct retire_pack pack;
    bool rewrite;
};

struct candidates {
    struct vault_sweep *sweep;
    struct candidate *at;
    size_t count, room;
    int64_t old_before_ms;
    uint32_t most_live;
};

static int
on_pack(void *ctx, const struct vault_pack_live *pack, struct error *err)
{
    struct candidates *candidates = ctx;
    struct candidate candidate = { .rewrite = pack->marked, .pack.size = (uint32_t)pack->size };
    bool rewritable =
        candidates->most_live <= 1000 && pack->live * 1000 <= (uint64_t)candidates->most_live * pack->stored;
    if (pack->retired != 0 || pack->modified_ms > candidates->old_before_ms || (pack->marked && !rewritable))
        return 0;
    if (pack_name_parse(pack->pack, candidate.pack.name) != 0 || pack->size > PACK_MAX_BYTES)
        return FAIL(err, ERROR_FORMAT, 0, "the host tells of an impossible pack");
    if (candidates->count == candidates->room) {
        size_t room = candidates->room == 0 ? 256 : candidates->room * 2;
        void *bigger = realloc(candidates->at, room * sizeof(candidates->at[0]));
        if (bigger == NULL)
            return FAIL(err, ERROR_LIMIT, 0, "no memory for the packs to retire");
        candidates->at = bigger;
        candidates->room = room;
    }
    candidates->at[candidates->count++] = candidate;
    return 0;
}

static int
find_candidates(struct candidates *candidates, struct error *err)
{
    struct vault_sweep *sweep = candidates->sweep;
    struct vault_backend backend = sweep->vault->backend;
    uint64_t now = (uint64_t)clock_wall_ms(sweep->vault->clock), young = sweep->options->young_ms;
    bool rewrite = sweep->options->dead_permille <= 1000;
    candidates->old_before_ms = young > now ? 0 : (int64_t)(now - young);
    candidates->most_live = rewrite ? 1000 - sweep->options->dead_permille : 1001;
    return backend.vtable->sweep->packs(backend.ctx, sweep->session.id, rewrite ? candidates->most_live : 0, on_pack,
                                        candidates, err);
}

/* What cannot be rewritten stays. */
static int
rewrite(struct candidates *candidates, struct error *err)
{
    struct vault_sweep *sweep = candidates->sweep;
    struct vault_repack *repack = NULL;
    size_t kept = 0;
    int done = 1;
    for (size_t i = 0; done >= 0 && i < candidates->count; i++) {
        char name[PACK_NAME_LEN];
        struct candidate *candidate = &candidates->at[i];
        pack_name_text(candidate->pack.name, name);
        if (candidate->rewrite && repack == NULL)
            repack = vault_repack_new(sweep);
        if (candidate->rewrite)
            done = vault_repack_add(repack, name, candidate->pack.size, err);
        sweep->result->packs_rewritten += candidate->rewrite && done > 0;
        sweep->result->packs_damaged += candidate->rewrite && done == 0;
        if (!candidate->rewrite || done > 0)
            candidates->at[kept++] = *candidate;
    }
    candidates->count = kept;
    if (done >= 0 && repack != NULL)
        done = vault_repack_flush(repack, err);
    vault_repack_free(repack);
    return done < 0 ? -1 : 0;
}

static int
compare_points(const void *a, const void *b)
{
    return strcmp(((const struct retire_point *)a)->id, ((const struct retire_point *)b)->id);
}

/* The points to expire that are live, each once; one that is neither live nor retired is an error. */
static int
list_points(struct vault_sweep *sweep, struct retire_point **points, size_t *count, struct error *err)
{
    const struct vault_sweep_options *options = sweep->options;
    size_t unique = 0;
    *points = memory_new((options->expire_count + 1) * sizeof(**points));
    *count = 0;
    for (size_t i = 0; i < options->expire_count; i++) {
        const char *id = options->expire[i];
        if (sweep_names_has(&sweep->live, id))
            snprintf((*points)[(*count)++].id, IDENTIFIER_LEN, "%s", id);
        else if (retire_state_point(sweep->journal, id) == 0)
            return FAIL(err, ERROR_NOT_FOUND, 0, "there is no recovery point %s in the vault", id);
    }
    if (*count > 0)
        qsort(*points, *count, sizeof(**points), compare_points);
    for (size_t i = 0; i < *count; i++)
        if (unique == 0 || compare_points(&(*points)[unique - 1], &(*points)[i]) != 0)
            (*points)[unique++] = (*points)[i];
    *count = unique;
    return 0;
}

static int
write_record(struct vault_sweep *sweep, const struct retire_point *points, size_t point_count,
             const struct candidate *candidates, size_t pack_count, struct error *err)
{
    struct retire_object record = {
        .kind = RETIRE_RECORD,
        .epoch = sweep->session.epoch,
        .created_ms = clock_wall_ms(sweep->vault->clock),
        .undo_ms = sweep->options->undo_ms,
        .points = memory_new((point_count + 1) * sizeof(struct retire_point)),
        .point_count = point_count,
        .packs = memory_new((pack_count + 1) * sizeof(struct retire_pack)),
        .pack_count = pack_count,
    };
    if (point_count > 0)
        memcpy(record.points, points, point_count * sizeof(*points));
    for (size_t i = 0; i < pack_count; i++)
        record.packs[i] = candidates[i].pack;
    uint64_t epoch = record.epoch;
    int failed = vault_sweep_journal_write(sweep, &record, err);
    retire_object_clear(&record);
    if (failed != 0)
        return error_wrap(err, "retiring");
    sweep->result->first_epoch = sweep->result->first_epoch == 0 ? epoch : sweep->result->first_epoch;
    sweep->result->last_epoch = epoch;
    return 0;
}

static int
write_records(struct vault_sweep *sweep, const struct retire_point *points, size_t point_count,
              const struct candidates *packs, struct error *err)
{
    for (size_t point = 0, pack = 0; point < point_count || pack < packs->count;) {
        size_t some_points = point_count - point, some_packs = packs->count - pack;
        some_points = some_points < RETIRE_POINTS_MAX ? some_points : RETIRE_POINTS_MAX;
        some_packs = some_packs < RETIRE_PACKS_MAX ? some_packs : RETIRE_PACKS_MAX;
        if (vault_sweep_check(sweep, "retire", err) != 0 ||
            write_record(sweep, points + point, some_points, packs->at + pack, some_packs, err) != 0)
            return -1;
        point += some_points;
        pack += some_packs;
    }
    return 0;
}

static void
count_dry(struct candidates *candidates)
{
    struct vault_sweep_result *result = candidates->sweep->result;
    for (size_t i = 0; i < candidates->count; i++) {
        result->packs_rewritten += candidates->at[i].rewrite;
        result->bytes_rewritten += candidates->at[i].rewrite ? candidates->at[i].pack.size : 0;
    }
}

int
vault_sweep_retire(struct vault_sweep *sweep, struct error *err)
{
    struct candidates candidates = { .sweep = sweep };
    CLEANUP(memory_free_p) struct retire_point *points = NULL;
    size_t point_count;
    int failed = list_points(sweep, &points, &point_count, err);
    if (failed == 0)
        failed = find_candidates(&candidates, err);
    if (failed == 0 && sweep->options->dry_run)
        count_dry(&candidates);
    else if (failed == 0)
        failed = rewrite(&candidates, err);
    if (failed == 0 && !sweep->options->dry_run)
        failed = write_records(sweep, points, point_count, &candidates, err);
    sweep->result->points_retired = point_count;
    sweep->result->packs_retired = candidates.count;
    for (size_t i = 0; i < candidates.count; i++)
        sweep->result->bytes_retired += candidates.at[i].pack.size;
    free(candidates.at);
    return failed;
}
