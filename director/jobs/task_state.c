#include "director/jobs/task_state.h"

#include "common/base/log.h"

#include <stdlib.h>

#define TO(state) (1U << (state))

static const unsigned task_moves[] = {
    [STORE_TASK_QUEUED] = TO(STORE_TASK_LEASED) | TO(STORE_TASK_FAILED) | TO(STORE_TASK_CANCELLED),
    [STORE_TASK_LEASED] = TO(STORE_TASK_RUNNING) | TO(STORE_TASK_QUEUED) | TO(STORE_TASK_DONE) | TO(STORE_TASK_FAILED) |
                          TO(STORE_TASK_CANCELLED),
    [STORE_TASK_RUNNING] =
        TO(STORE_TASK_QUEUED) | TO(STORE_TASK_DONE) | TO(STORE_TASK_FAILED) | TO(STORE_TASK_CANCELLED),
    [STORE_TASK_DONE] = 0,
    [STORE_TASK_FAILED] = 0,
    [STORE_TASK_CANCELLED] = 0,
};

static const unsigned run_moves[] = {
    [STORE_RUN_QUEUED] = TO(STORE_RUN_RUNNING) | TO(STORE_RUN_FAILED) | TO(STORE_RUN_CANCELLED),
    [STORE_RUN_RUNNING] =
        TO(STORE_RUN_SUCCEEDED) | TO(STORE_RUN_WARNING) | TO(STORE_RUN_FAILED) | TO(STORE_RUN_CANCELLED),
    [STORE_RUN_SUCCEEDED] = 0,
    [STORE_RUN_WARNING] = 0,
    [STORE_RUN_FAILED] = 0,
    [STORE_RUN_CANCELLED] = 0,
};

bool
task_state_may_follow(enum store_task_state from, enum store_task_state to)
{
    return from <= STORE_TASK_CANCELLED && to <= STORE_TASK_CANCELLED && (task_moves[from] & TO(to)) != 0;
}

void
task_state_move(struct store_task *task, enum store_task_state to)
{
    if (!task_state_may_follow(task->state, to)) {
        log_error("jobs", "defect: task may not go from %s to %s task=%s", store_task_state_name(task->state),
                  store_task_state_name(to), task->id);
        abort();
    }
    log_info("jobs", "task %s -> %s task=%s run=%s transporter=%s fence=%llu", store_task_state_name(task->state),
             store_task_state_name(to), task->id, task->run, task->transporter, (unsigned long long)task->fence);
    task->state = to;
}

bool
task_state_run_may_follow(enum store_run_state from, enum store_run_state to)
{
    return from <= STORE_RUN_CANCELLED && to <= STORE_RUN_CANCELLED && (run_moves[from] & TO(to)) != 0;
}

void
task_state_run_move(struct store_run *run, enum store_run_state to)
{
    if (!task_state_run_may_follow(run->state, to)) {
        log_error("jobs", "defect: run may not go from %s to %s run=%s", store_run_state_name(run->state),
                  store_run_state_name(to), run->id);
        abort();
    }
    log_info("jobs", "run %s -> %s run=%s", store_run_state_name(run->state), store_run_state_name(to), run->id);
    run->state = to;
}

enum store_run_state
task_state_of_run(const struct store_run *run)
{
    if (run->tasks_done + run->tasks_failed + run->tasks_cancelled < run->tasks)
        return STORE_RUN_RUNNING;
    if (run->tasks_failed > 0 || run->totals.damaged > 0)
        return STORE_RUN_FAILED;
    if (run->tasks_cancelled > 0)
        return STORE_RUN_CANCELLED;
    if (run->totals.items_skipped > 0 || run->totals.items_failed > 0)
        return STORE_RUN_WARNING;
    return STORE_RUN_SUCCEEDED;
}
