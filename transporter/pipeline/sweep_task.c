#include "transporter/pipeline/sweep_task.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/vault/vault_sweep.h"
#include "transporter/task/task.h"
#include "transporter/task/vault_access.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct sweep_run {
    struct task *task;
    struct task_swept *swept;
    bool cancelled;
};

static void
on_progress(void *ctx, const struct vault_sweep_progress *progress)
{
    struct sweep_run *run = ctx;
    struct task *task = run->task;
    run->cancelled = cancel_raised(&task->cancel);
    task_phase(task, progress->phase);
    atomic_store(&task->items_done, progress->points_done);
    atomic_store(&task->items_total, progress->points_total);
    atomic_store(&task->bytes_stored, progress->bytes_rewritten);
}

static int
on_wait(void *ctx, uint64_t ms, struct error *err)
{
    struct sweep_run *run = ctx;
    uint64_t until = clock_monotonic_ms(run->task->services->clock) + ms;
    for (;;) {
        uint64_t now = clock_monotonic_ms(run->task->services->clock);
        if (cancel_check(&run->task->cancel, err) != 0)
            return -1;
        if (now >= until)
            return 0;
        cancel_wait(&run->task->cancel, (uint32_t)(until - now < 60000 ? until - now : 60000));
    }
}

static void
on_point_removed(void *ctx, const char *id)
{
    struct sweep_run *run = ctx;
    task_names_add(&run->swept->removed, id);
}

static void
summarize(const struct vault_sweep_result *r, bool dry_run, char *out, size_t size)
{
    if (dry_run) {
        snprintf(out, size,
                 "would retire %" PRIu64 " points and %" PRIu64 " packs of %" PRIu64 " bytes, %" PRIu64
                 " of them rewritten into %" PRIu64 " bytes",
                 r->points_retired, r->packs_retired, r->bytes_retired, r->packs_rewritten, r->bytes_rewritten);
        return;
    }
    int n = snprintf(out, size,
                     "retired %" PRIu64 " points and %" PRIu64 " packs of %" PRIu64 " bytes, %" PRIu64
                     " of them rewritten into %" PRIu64 " bytes; removed %" PRIu64 " points and %" PRIu64
                     " packs, freed %" PRIu64 " bytes; %" PRIu64 " bytes in %" PRIu64 " packs wait",
                     r->points_retired, r->packs_retired, r->bytes_retired, r->packs_rewritten, r->bytes_rewritten,
                     r->points_removed, r->packs_removed, r->bytes_freed, r->bytes_waiting, r->packs_waiting);
    if (r->held > 0 && n > 0 && (size_t)n < size) {
        char until[CLOCK_TEXT_LEN] = "their end";
        if (r->held_until_ms > 0)
            clock_format_ms(r->held_until_ms, until);
        n += snprintf(out + n, size - (size_t)n, "; %" PRIu64 " objects are held by locks until %s", r->held, until);
    }
    if (r->packs_damaged > 0 && n > 0 && (size_t)n < size)
        snprintf(out + n, size - (size_t)n, "; %" PRIu64 " damaged packs were left as they are", r->packs_damaged);
}

static void
add_figures(const struct vault_sweep_result *r, struct task_result *result)
{
    const struct task_figure figures[] = {
        { "points_retired", r->points_retired },
        { "packs_retired", r->packs_retired },
        { "bytes_retired", r->bytes_retired },
        { "packs_rewritten", r->packs_rewritten },
        { "bytes_rewritten", r->bytes_rewritten },
        { "points_removed", r->points_removed },
        { "packs_removed", r->packs_removed },
        { "bytes_freed", r->bytes_freed },
        { "packs_waiting", r->packs_waiting },
        { "bytes_waiting", r->bytes_waiting },
        { "objects_held", r->held },
        { "packs_damaged", r->packs_damaged },
    };
    for (size_t i = 0; i < ARRAY_LEN(figures); i++)
        task_result_add_figure(result, figures[i].name, figures[i].value);
}

static int
sweep(struct sweep_run *run, struct vault *vault, struct task_result *result, struct error *err)
{
    const struct task_order *order = run->task->order;
    struct vault_sweep_result found;
    CLEANUP(memory_free_p) const char **expire = memory_new((order->point_count + 1) * sizeof(*expire));
    for (size_t i = 0; i < order->point_count; i++)
        expire[i] = order->points[i];
    const struct vault_sweep_options options = { .expire = expire,
                                                 .expire_count = order->point_count,
                                                 .undo_ms = order->undo_ms,
                                                 .young_ms = VAULT_SWEEP_YOUNG_MS,
                                                 .dead_permille = VAULT_SWEEP_DEAD,
                                                 .dry_run = order->dry_run,
                                                 .cancelled = &run->cancelled,
                                                 .ctx = run,
                                                 .progress = on_progress,
                                                 .wait = on_wait,
                                                 .point_removed = on_point_removed };
    int failed = vault_sweep(vault, &options, &found, err);
    /* Retired as soon as the record is there, whatever came afterwards. */
    bool retired = !order->dry_run && (failed == 0 || found.last_epoch != 0);
    for (size_t i = 0; retired && i < order->point_count; i++)
        task_names_add(&run->swept->retired, order->points[i]);
    summarize(&found, order->dry_run, result->summary, sizeof(result->summary));
    add_figures(&found, result);
    result->chunks_checked = found.chunks_marked;
    log_info("sweep", "%s task=%s vault=%s", result->summary, order->task_id, order->vault.vault_id);
    return failed;
}

struct wanted {
    struct task_swept *swept;
    uint64_t epoch;
};

static int
on_retired(void *ctx, const struct vault_retired *retired, struct error *err)
{
    const struct wanted *wanted = ctx;
    (void)err;
    for (size_t i = 0; retired->epoch == wanted->epoch && i < retired->point_count; i++)
        task_names_add(&wanted->swept->restored, retired->points[i]);
    return 0;
}

static int
undo(struct sweep_run *run, struct vault *vault, struct task_result *result, struct error *err)
{
    struct task_swept *swept = run->swept;
    struct wanted wanted = { swept, run->task->order->undo_record };
    uint64_t points = 0;
    task_phase(run->task, "undo");
    if (vault_sweep_list(vault, on_retired, &wanted, err) != 0)
        return -1;
    if (vault_sweep_undo(vault, wanted.epoch, &points, err) != 0) {
        swept->restored.count = 0;
        return -1;
    }
    snprintf(result->summary, sizeof(result->summary), "brought back %" PRIu64 " points of retire record %" PRIu64,
             points, wanted.epoch);
    task_result_add_figure(result, "points_restored", points);
    return 0;
}

int
sweep_task_run(struct task *task, struct task_result *result, struct error *err)
{
    CLEANUP(vault_access_close_p) struct vault_access *access = vault_access_of_task(task, err);
    if (access == NULL)
        return -1;
    result->swept = MEMORY_NEW(struct task_swept);
    struct sweep_run run = { .task = task, .swept = result->swept };
    struct vault *vault = vault_access_vault(access);
    return task->order->undo_record != 0 ? undo(&run, vault, result, err) : sweep(&run, vault, result, err);
}
