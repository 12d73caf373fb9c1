#include "common/base/clock.h"
#include "common/base/log.h"
#include "director/jobs/scheduler_internal.h"
#include "director/jobs/task_retry.h"
#include "director/jobs/task_state.h"
#include "director/store/store_events.h"
#include "director/store/store_repositories.h"
#include "director/store/store_secrets.h"
#include "director/store/store_tenants.h"
#include "director/store/store_vaults.h"

#include <stdio.h>
#include <string.h>

static int64_t
now_of(const struct scheduler *scheduler)
{
    return clock_wall_ms(store_clock(scheduler->store));
}

int
scheduler_task_settle_run(struct scheduler *scheduler, const char *run_id, struct error *err)
{
    struct store_run run;

    if (store_runs_find(scheduler->store, run_id, &run, err) != 0 || store_tasks_sum(scheduler->store, &run, err) != 0)
        return -1;
    enum store_run_state state = task_state_of_run(&run);
    if (state != run.state && store_run_state_final(state)) {
        if (run.state == STORE_RUN_QUEUED && task_state_run_may_follow(STORE_RUN_RUNNING, state) &&
            !task_state_run_may_follow(STORE_RUN_QUEUED, state))
            task_state_run_move(&run, STORE_RUN_RUNNING);
        task_state_run_move(&run, state);
        run.finished_ms = now_of(scheduler);
        if (store_events_add(scheduler->store, run.tenant, "director", "run.finished", run.id, err,
                             "%s %s, done=%u failed=%u cancelled=%u", store_run_kind_name(run.kind),
                             store_run_state_name(run.state), run.tasks_done, run.tasks_failed,
                             run.tasks_cancelled) != 0)
            return -1;
    }
    return store_runs_update(scheduler->store, &run, err);
}

/* What the end of a task means for what it was about. */
static int
conclude(struct scheduler *scheduler, const struct store_task *task, struct error *err)
{
    bool done = task->state == STORE_TASK_DONE;

    switch (task->kind) {
    case STORE_RUN_CREATE_VAULT:
        if (task->vault[0] == '\0')
            return 0;
        return store_vaults_set_state(scheduler->store, task->vault, done ? STORE_VAULT_READY : STORE_VAULT_FAILED,
                                      err);
    case STORE_RUN_DISCOVER:
        return done ? store_tenants_set_discovered(scheduler->store, task->tenant, task->finished_ms, err) : 0;
    case STORE_RUN_RESTORE:
        return task->selection_secret[0] != '\0' ? store_secrets_delete(scheduler->store, task->selection_secret, err)
                                                 : 0;
    case STORE_RUN_BACKUP:
    case STORE_RUN_VERIFY:
    case STORE_RUN_COPY:
    case STORE_RUN_SWEEP:
    case STORE_RUN_HEAL:
        return 0;
    }
    return 0;
}

int
scheduler_task_end(struct scheduler *scheduler, struct store_task *task, enum store_task_state state, struct error *err)
{
    task_state_move(task, state);
    task->finished_ms = now_of(scheduler);
    task->lease_until_ms = 0;
    task->waiting[0] = '\0';
    live_progress_drop(scheduler->progress, task->id);
    if (store_tasks_update(scheduler->store, task, err) != 0 || conclude(scheduler, task, err) != 0)
        return -1;
    return scheduler_task_settle_run(scheduler, task->run, err);
}

static int
requeue(struct scheduler *scheduler, struct store_task *task, int64_t not_before_ms, struct error *err)
{
    task_state_move(task, STORE_TASK_QUEUED);
    task->lease_until_ms = 0;
    task->not_before_ms = not_before_ms;
    live_progress_drop(scheduler->progress, task->id);
    return store_tasks_update(scheduler->store, task, err);
}

static void
set_error(struct store_task *task, enum error_kind kind, const char *text)
{
    snprintf(task->error_kind, sizeof(task->error_kind), "%s", error_kind_name(kind));
    snprintf(task->error_text, sizeof(task->error_text), "%s", text);
}

/* From now on the host refuses the former holder, also before anybody else has the task. */
static int
fence_off(struct scheduler *scheduler, const struct store_task *task, struct error *err)
{
    struct store_vault vault;
    struct store_repository repository;

    if (task->vault[0] == '\0')
        return 0;
    if (store_vaults_find(scheduler->store, task->vault, &vault, err) != 0 ||
        store_repositories_find(scheduler->store, vault.repository, &repository, err) != 0)
        return -1;
    scheduler->links.raise_fence(scheduler->links.ctx, repository.host, store_vaults_stored_id(&vault), task->scope,
                                 task->fence + 1);
    return 0;
}

int
scheduler_task_lost(struct scheduler *scheduler, struct store_task *task, const char *why, struct error *err)
{
    if (task->state != STORE_TASK_LEASED && task->state != STORE_TASK_RUNNING)
        return 0;
    log_warn("jobs", "lease lost: %s task=%s transporter=%s fence=%llu losses=%u", why, task->id, task->transporter,
             (unsigned long long)task->fence, task->losses + 1);
    if (fence_off(scheduler, task, err) != 0)
        return -1;
    task->losses++;
    if (task->cancel_requested)
        return scheduler_task_end(scheduler, task, STORE_TASK_CANCELLED, err);
    if (store_events_add(scheduler->store, task->tenant, "director", "task.lost", task->id, err, "%s, transporter=%s",
                         why, task->transporter) != 0)
        return -1;
    struct task_retry retry = task_retry_after_loss(task->losses, now_of(scheduler));
    if (retry.again)
        return requeue(scheduler, task, retry.not_before_ms, err);
    set_error(task, ERROR_UNAVAILABLE, "its transporters were lost again and again");
    return scheduler_task_end(scheduler, task, STORE_TASK_FAILED, err);
}

int
scheduler_task_failed(struct scheduler *scheduler, struct store_task *task, enum error_kind kind, const char *text,
                      uint64_t retry_after_ms, struct error *err)
{
    uint32_t spread;

    set_error(task, kind, text);
    if (task->cancel_requested)
        return scheduler_task_end(scheduler, task, STORE_TASK_CANCELLED, err);
    task->attempts++;
    clock_random(store_clock(scheduler->store), &spread, sizeof(spread));
    struct task_retry retry =
        task_retry_after_failure(&scheduler->retry, kind, task->attempts, now_of(scheduler), spread);
    if (!retry.again)
        return scheduler_task_end(scheduler, task, STORE_TASK_FAILED, err);
    retry = task_retry_not_before(retry, now_of(scheduler), retry_after_ms, spread);
    log_warn("jobs", "task failed and is tried again: kind=%s attempts=%u task=%s in_ms=%lld", error_kind_name(kind),
             task->attempts, task->id, (long long)(retry.not_before_ms - now_of(scheduler)));
    return requeue(scheduler, task, retry.not_before_ms, err);
}

int
scheduler_task_change(struct scheduler *scheduler, const char *task_id, scheduler_change_fn *change,
                      const void *argument, struct error *err)
{
    struct store_task task;

    if (store_begin(scheduler->store, err) != 0)
        return -1;
    if (store_tasks_find(scheduler->store, task_id, &task, err) != 0 || change(scheduler, &task, argument, err) != 0) {
        store_rollback(scheduler->store);
        return -1;
    }
    return store_commit(scheduler->store, err);
}
