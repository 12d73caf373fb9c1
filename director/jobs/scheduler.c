#include "director/jobs/scheduler.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "director/jobs/scheduler_internal.h"
#include "director/jobs/task_state.h"
#include "director/jobs/vault_locks.h"
#include "director/store/store_events.h"

#include <stdlib.h>
#include <string.h>

#define LOCKS_WATCH_MS ((int64_t)3600 * 1000)

struct scheduler *
scheduler_new(const struct scheduler_options *options)
{
    struct scheduler *scheduler = MEMORY_NEW(struct scheduler);

    scheduler->store = options->store;
    scheduler->links = options->links;
    scheduler->retry = options->retry;
    scheduler->lease_ms = options->lease_ms;
    scheduler->grace_ms = options->grace_ms;
    scheduler->progress = live_progress_new();
    return scheduler;
}

void
scheduler_free(struct scheduler *scheduler)
{
    if (scheduler == NULL)
        return;
    live_progress_free(scheduler->progress);
    free(scheduler);
}

struct live_progress *
scheduler_progress(struct scheduler *scheduler)
{
    return scheduler->progress;
}

int
scheduler_collect(void *ctx, const struct store_task *task, struct error *err)
{
    struct scheduler_ids *ids = ctx;

    (void)err;
    if (ids->count < SCHEDULER_IDS_MAX)
        memcpy(ids->at[ids->count++], task->id, IDENTIFIER_LEN);
    return 0;
}

static int
lose(struct scheduler *scheduler, struct store_task *task, const void *argument, struct error *err)
{
    return scheduler_task_lost(scheduler, task, argument, err);
}

static int
lose_all(struct scheduler *scheduler, const struct scheduler_ids *ids, const char *why, struct error *err)
{
    for (size_t i = 0; i < ids->count; i++)
        if (scheduler_task_change(scheduler, ids->at[i], lose, why, err) != 0)
            return -1;
    return 0;
}

static int
expire(struct scheduler *scheduler, struct error *err)
{
    struct scheduler_ids ids = { .count = 0 };
    int64_t now = clock_wall_ms(store_clock(scheduler->store));

    if (store_tasks_expired(scheduler->store, now, scheduler_collect, &ids, err) != 0)
        return -1;
    return lose_all(scheduler, &ids, "its transporter has not been heard of", err);
}

int
scheduler_on_revoked(struct scheduler *scheduler, const char *node, struct error *err)
{
    struct scheduler_ids ids = { .count = 0 };

    if (store_tasks_held(scheduler->store, node, scheduler_collect, &ids, err) != 0)
        return -1;
    return lose_all(scheduler, &ids, "its transporter was revoked", err);
}

void
scheduler_tick(struct scheduler *scheduler)
{
    struct error err = ERROR_INIT;

    if (expire(scheduler, &err) != 0)
        log_failure(LOG_ERROR, "jobs", &err, "leases cannot be checked");
    error_clear(&err);
    if (scheduler_place(scheduler, &err) != 0)
        log_failure(LOG_ERROR, "jobs", &err, "tasks cannot be given away");
    error_clear(&err);
    int64_t now = clock_wall_ms(store_clock(scheduler->store));
    if (now >= scheduler->locks_watched_ms && now < scheduler->locks_watched_ms + LOCKS_WATCH_MS)
        return;
    scheduler->locks_watched_ms = now;
    if (vault_locks_watch(scheduler->store, &err) != 0)
        log_failure(LOG_ERROR, "jobs", &err, "the ends of locks cannot be watched");
}

struct cancelling {
    struct scheduler *scheduler;
    struct scheduler_ids ids;
    char last[IDENTIFIER_LEN];
    unsigned rows;
};

static int
on_task(void *ctx, const struct store_task *task, struct error *err)
{
    struct cancelling *c = ctx;

    c->rows++;
    memcpy(c->last, task->id, sizeof(c->last));
    return store_task_state_final(task->state) ? 0 : scheduler_collect(&c->ids, task, err);
}

static int
cancel_task(struct scheduler *scheduler, const char *id, struct error *err)
{
    struct store_task task;

    if (store_tasks_find(scheduler->store, id, &task, err) != 0)
        return -1;
    task.cancel_requested = true;
    if (task.state == STORE_TASK_QUEUED)
        return scheduler_task_end(scheduler, &task, STORE_TASK_CANCELLED, err);
    if (store_tasks_update(scheduler->store, &task, err) != 0)
        return -1;
    scheduler->links.cancel(scheduler->links.ctx, task.transporter, task.id, task.fence);
    return 0;
}

/* A thousand tasks at a time. */
static int
cancel_tasks(struct scheduler *scheduler, const char *run_id, struct error *err)
{
    struct cancelling *c = MEMORY_NEW(struct cancelling);
    char after[IDENTIFIER_LEN] = "";
    int result = 0;

    do {
        c->rows = 0;
        c->ids.count = 0;
        result = store_tasks_list(scheduler->store, run_id, (struct store_page){ after, 0 }, on_task, c, err);
        for (size_t i = 0; result == 0 && i < c->ids.count; i++)
            result = cancel_task(scheduler, c->ids.at[i], err);
        memcpy(after, c->last, sizeof(after));
    } while (result == 0 && c->rows == STORE_PAGE_MAX);
    free(c);
    return result;
}

static int
cancel_run(struct scheduler *scheduler, struct store_run *run, const char *actor, struct error *err)
{
    run->cancel_requested = true;
    if (store_runs_update(scheduler->store, run, err) != 0 ||
        store_events_add(scheduler->store, run->tenant, actor, "run.cancel", run->id, err, "cancel was asked for") != 0)
        return -1;
    return cancel_tasks(scheduler, run->id, err);
}

int
scheduler_cancel_run(struct scheduler *scheduler, const char *run_id, const char *actor, struct error *err)
{
    struct store_run run;

    if (store_runs_find(scheduler->store, run_id, &run, err) != 0)
        return -1;
    if (store_run_state_final(run.state))
        return FAIL(err, ERROR_CONFLICT, 0, "run %s is over: %s", run.id, store_run_state_name(run.state));
    if (store_begin(scheduler->store, err) != 0)
        return -1;
    if (cancel_run(scheduler, &run, actor, err) != 0) {
        store_rollback(scheduler->store);
        return -1;
    }
    return store_commit(scheduler->store, err);
}
