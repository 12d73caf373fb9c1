#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "director/jobs/scheduler_internal.h"
#include "director/jobs/task_spec.h"
#include "director/jobs/task_state.h"
#include "director/jobs/vault_locks.h"
#include "director/store/store_events.h"
#include "director/store/store_points.h"
#include "director/store/store_secrets.h"
#include "director/store/store_vaults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
is_held_by(const struct store_task *row, const char *node, uint64_t fence)
{
    return (row->state == STORE_TASK_LEASED || row->state == STORE_TASK_RUNNING) && row->fence == fence &&
           strcmp(row->transporter, node) == 0;
}

int
scheduler_holds(struct scheduler *scheduler, const char *node, const struct scheduler_running *task,
                struct store_task *row, struct error *err)
{
    struct error missing = ERROR_INIT;

    if (store_tasks_find(scheduler->store, task->task, row, &missing) != 0)
        return missing.kind == ERROR_NOT_FOUND ? 0 : FAIL(err, missing.kind, missing.native, "%s", missing.text);
    return is_held_by(row, node, task->fence) ? 1 : 0;
}

static int
renew(struct scheduler *scheduler, struct store_task *row, struct error *err)
{
    if (row->state == STORE_TASK_LEASED)
        task_state_move(row, STORE_TASK_RUNNING);
    row->lease_until_ms = clock_wall_ms(store_clock(scheduler->store)) + scheduler->lease_ms;
    (void)live_progress_get(scheduler->progress, row);
    if (store_tasks_update(scheduler->store, row, err) != 0)
        return -1;
    live_progress_saved(scheduler->progress, row);
    return 0;
}

/* stop (one for each): it is not the node's own, or (cancelled_too) was cancelled. */
static int
renew_all(struct scheduler *scheduler, const char *node, const struct scheduler_running *running, size_t count,
          bool cancelled_too, bool *stop, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct store_task row;
        int held = scheduler_holds(scheduler, node, &running[i], &row, err);

        if (held < 0 || (held > 0 && renew(scheduler, &row, err) != 0))
            return -1;
        stop[i] = held == 0 || (cancelled_too && row.cancel_requested);
    }
    return 0;
}

static bool
is_named(const struct scheduler_running *running, size_t count, const char *task)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(running[i].task, task) == 0)
            return true;
    return false;
}

/* What it does not name it may have finished, and says so next; else it lost it. */
static int
shorten(struct scheduler *scheduler, const char *node, const struct scheduler_running *running, size_t count,
        struct error *err)
{
    struct scheduler_ids held = { .count = 0 };
    int64_t until = clock_wall_ms(store_clock(scheduler->store)) + scheduler->grace_ms;

    if (store_tasks_held(scheduler->store, node, scheduler_collect, &held, err) != 0)
        return -1;
    for (size_t i = 0; i < held.count; i++) {
        struct store_task row;

        if (is_named(running, count, held.at[i]))
            continue;
        if (store_tasks_find(scheduler->store, held.at[i], &row, err) != 0)
            return -1;
        if (row.lease_until_ms <= until)
            continue;
        row.lease_until_ms = until;
        if (store_tasks_update(scheduler->store, &row, err) != 0)
            return -1;
    }
    return 0;
}

int
scheduler_on_hello(struct scheduler *scheduler, const char *node, struct scheduler_running *running, size_t count,
                   struct error *err)
{
    bool *stop = memory_array(count, sizeof(bool), SIZE_MAX, err);

    if (stop == NULL || store_begin(scheduler->store, err) != 0) {
        free(stop);
        return -1;
    }
    int result = renew_all(scheduler, node, running, count, false, stop, err);
    if (result == 0)
        result = shorten(scheduler, node, running, count, err);
    if (result == 0)
        result = store_commit(scheduler->store, err);
    else
        store_rollback(scheduler->store);
    for (size_t i = 0; result == 0 && i < count; i++)
        running[i].stop = stop[i];
    free(stop);
    return result;
}

int
scheduler_on_heartbeat(struct scheduler *scheduler, const char *node, const struct scheduler_running *running,
                       size_t count, struct error *err)
{
    bool *stop = memory_array(count, sizeof(bool), SIZE_MAX, err);

    if (stop == NULL || store_begin(scheduler->store, err) != 0) {
        free(stop);
        return -1;
    }
    int result = renew_all(scheduler, node, running, count, true, stop, err);
    if (result == 0)
        result = store_commit(scheduler->store, err);
    else
        store_rollback(scheduler->store);
    for (size_t i = 0; result == 0 && i < count; i++)
        if (stop[i])
            scheduler->links.cancel(scheduler->links.ctx, node, running[i].task, running[i].fence);
    free(stop);
    return result;
}

int
scheduler_on_progress(struct scheduler *scheduler, const char *node, const struct scheduler_running *task,
                      const struct scheduler_progress *progress, struct error *err)
{
    int64_t now = clock_wall_ms(store_clock(scheduler->store));
    struct store_task row;
    int held = scheduler_holds(scheduler, node, task, &row, err);

    if (held <= 0)
        return held;
    live_progress_put(scheduler->progress, &row, progress->phase, &progress->counts, now);
    live_progress_throttled(scheduler->progress, row.id, progress->throttled_for_ms, progress->throttled_wait_ms, now);
    if (row.state == STORE_TASK_RUNNING)
        return 0;
    task_state_move(&row, STORE_TASK_RUNNING);
    return store_tasks_update(scheduler->store, &row, err);
}

static int
add_point(struct scheduler *scheduler, const struct store_task *task, const struct scheduler_result *result,
          struct error *err)
{
    struct store_point point = result->point;

    memcpy(point.tenant, task->tenant, sizeof(point.tenant));
    memcpy(point.vault, task->vault, sizeof(point.vault));
    memcpy(point.object, task->object, sizeof(point.object));
    memcpy(point.run, task->run, sizeof(point.run));
    point.items_skipped = result->counts.items_skipped;
    point.items_failed = result->counts.items_failed;
    return store_points_add(scheduler->store, &point, err);
}

static int
on_left(void *ctx, const char *stored_id, struct error *err)
{
    (void)stored_id;
    (void)err;
    *(bool *)ctx = true;
    return 0;
}

/* An order holds so many points, and backups go on while a copy runs: what is left is the run's next task. */
static int
go_on(struct scheduler *scheduler, const struct store_task *task, const struct store_point_copy *copy,
      struct error *err)
{
    CLEANUP(memory_free_p) struct store_task *next = MEMORY_NEW(struct store_task);
    bool left = false;

    if (store_points_uncopied(scheduler->store, copy, 1, on_left, &left, err) != 0)
        return -1;
    if (!left || task->cancel_requested)
        return 0;
    next->kind = task->kind;
    memcpy(next->run, task->run, sizeof(next->run));
    memcpy(next->tenant, task->tenant, sizeof(next->tenant));
    memcpy(next->object, task->object, sizeof(next->object));
    memcpy(next->vault, task->vault, sizeof(next->vault));
    memcpy(next->scope, task->scope, sizeof(next->scope));
    memcpy(next->exclusive, task->exclusive, sizeof(next->exclusive));
    memcpy(next->selector, task->selector, sizeof(next->selector));
    memcpy(next->spec, task->spec, sizeof(next->spec));
    if (store_tasks_add(scheduler->store, next, err) != 0)
        return -1;
    log_info("jobs", "recovery points are left: the copy goes on run=%s task=%s next=%s", task->run, task->id,
             next->id);
    return 0;
}

/* Also of a copy that failed: what it has brought stays. One that brought nothing new would bring nothing again. */
static int
add_copies(struct scheduler *scheduler, const struct store_task *task, const struct scheduler_result *result,
           struct error *err)
{
    struct task_spec spec = { .kind = task->kind };
    size_t added = 0;

    if (task_spec_decode(task->spec, &spec, err) != 0)
        return -1;
    const struct store_point_copy copy = { .source = spec.copy.source,
                                           .vault = task->vault,
                                           .object = task->object,
                                           .latest = spec.copy.latest,
                                           .since_ms = spec.copy.since_ms };
    for (size_t i = 0; i < result->copied_count; i++) {
        int fresh = store_points_add_copy(scheduler->store, &copy, result->copied[i].id, task->run,
                                          result->copied[i].stored_bytes, err);
        if (fresh < 0)
            return -1;
        added += (size_t)fresh;
    }
    if (!result->succeeded || result->counts.damaged > 0 || added == 0)
        return 0;
    return go_on(scheduler, task, &copy, err);
}

static int
note_lock(struct scheduler *scheduler, const struct store_task *task, const struct scheduler_result *result,
          struct error *err)
{
    struct task_spec spec = { .kind = task->kind };

    if (result->locked_until_ms <= 0)
        return 0;
    if (task_spec_decode(task->spec, &spec, err) != 0)
        return -1;
    return vault_locks_note(scheduler->store, task->vault, task_spec_lock_days(&spec), result->locked_until_ms, err);
}

static int
set_retired(struct scheduler *scheduler, const char *vault, const struct scheduler_names *names, bool retired,
            struct error *err)
{
    for (size_t i = 0; i < names->count; i++)
        if (store_points_set_retired(scheduler->store, vault, names->at[i], retired, err) != 0)
            return -1;
    return 0;
}

/* What a sweep has retired cannot be browsed or built upon any more; what is gone for good is forgotten. */
static int
take_swept(struct scheduler *scheduler, const struct store_task *task, const struct scheduler_result *result,
           struct error *err)
{
    if (set_retired(scheduler, task->vault, &result->retired, true, err) != 0 ||
        set_retired(scheduler, task->vault, &result->restored, false, err) != 0)
        return -1;
    for (size_t i = 0; i < result->removed.count; i++)
        if (store_points_forget(scheduler->store, task->vault, result->removed.at[i], err) != 0)
            return -1;
    return 0;
}

static int
note_summary(struct scheduler *scheduler, struct store_task *task, const struct scheduler_result *result,
             struct error *err)
{
    static const char *const events[] = { [STORE_RUN_SWEEP] = "vault.swept", [STORE_RUN_HEAL] = "vault.healed" };
    const char *event = (size_t)task->kind < ARRAY_LEN(events) ? events[task->kind] : NULL;

    memcpy(task->summary, result->summary, sizeof(task->summary));
    memcpy(task->figures, result->figures, sizeof(task->figures));
    if (result->summary[0] == '\0' || event == NULL)
        return 0;
    return store_events_add(scheduler->store, task->tenant, "", event, task->vault, err, "%s", result->summary);
}

static int
finish(struct scheduler *scheduler, struct store_task *task, const void *argument, struct error *err)
{
    const struct scheduler_result *result = argument;
    char damage[STORE_TEXT_LEN];

    task->counts = result->counts;
    if (store_tasks_set_gaps(scheduler->store, task->id, result->gaps, result->gap_count, err) != 0)
        return -1;
    if (result->has_point && task->kind == STORE_RUN_BACKUP && add_point(scheduler, task, result, err) != 0)
        return -1;
    if (task->kind == STORE_RUN_SWEEP && take_swept(scheduler, task, result, err) != 0)
        return -1;
    if (task->kind == STORE_RUN_COPY && add_copies(scheduler, task, result, err) != 0)
        return -1;
    if (note_lock(scheduler, task, result, err) != 0 || note_summary(scheduler, task, result, err) != 0)
        return -1;
    if (!result->succeeded)
        return scheduler_task_failed(scheduler, task, result->error_kind, result->error_text, result->retry_after_ms,
                                     err);
    if (result->counts.damaged > 0) {
        snprintf(damage, sizeof(damage), "%llu chunks or records are damaged or missing",
                 (unsigned long long)result->counts.damaged);
        return scheduler_task_failed(scheduler, task, ERROR_CORRUPT, damage, 0, err);
    }
    task->error_kind[0] = '\0';
    task->error_text[0] = '\0';
    return scheduler_task_end(scheduler, task, STORE_TASK_DONE, err);
}

static int
add_late_point(struct scheduler *scheduler, struct store_task *task, const void *argument, struct error *err)
{
    return add_point(scheduler, task, argument, err);
}

/* A former holder committed before it was fenced off, or the host would have refused it: the point is there, and
 * nobody else may ever tell. Only a transporter that is trusted with the vault is believed. */
static int
take_late_point(struct scheduler *scheduler, const char *node, const struct store_task *row,
                const struct scheduler_result *result, struct error *err)
{
    struct store_vault vault;
    struct error missing = ERROR_INIT;

    if (!result->has_point || row->kind != STORE_RUN_BACKUP || result->task.fence > row->fence)
        return 0;
    if (store_vaults_find(scheduler->store, row->vault, &vault, &missing) != 0)
        return missing.kind == ERROR_NOT_FOUND ? 0 : FAIL(err, missing.kind, missing.native, "%s", missing.text);
    int trusted = store_secrets_has_slot(scheduler->store, vault.password_secret, node, err);
    if (trusted <= 0)
        return trusted;
    log_info("jobs", "its point was committed before and is kept task=%s point=%s", row->id, result->point.id);
    return scheduler_task_change(scheduler, row->id, add_late_point, result, err);
}

int
scheduler_on_finished(struct scheduler *scheduler, const char *node, const struct scheduler_result *result,
                      struct error *err)
{
    struct store_task row = { .id = "" };
    int held = scheduler_holds(scheduler, node, &result->task, &row, err);

    if (held < 0)
        return -1;
    if (held == 0) {
        log_info("jobs", "a finished task is not this transporter's any more task=%s transporter=%s fence=%llu",
                 result->task.task, node, (unsigned long long)result->task.fence);
        /* A task that is not known any more leaves the row empty. */
        return row.id[0] != '\0' ? take_late_point(scheduler, node, &row, result, err) : 0;
    }
    return scheduler_task_change(scheduler, row.id, finish, result, err);
}
