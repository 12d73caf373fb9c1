#ifndef LONGHAUL_TRANSPORTER_TASK_TASK_RUNNER_H
#define LONGHAUL_TRANSPORTER_TASK_TASK_RUNNER_H

/* The threads that tasks run on, and which tasks there are. Any thread. */

#include "transporter/task/task.h"

struct task_runner;

/* Tasks that wait for a thread, beyond those running; more are refused. */
#define TASK_RUNNER_WAITING_MAX 256

struct task_runner_options {
    unsigned slots;
    const struct task_services *services; /* borrowed for life */
    /* Called once for each task that was taken, from its thread. The task is still listed then. */
    void (*finished)(void *ctx, const struct task_result *result);
    void *finished_ctx;
};

struct task_runner *task_runner_new(const struct task_runner_options *options, struct error *err);
/* Cancels what is left, waits for it and frees. NULL is fine. */
void task_runner_free(struct task_runner *runner);

/* Takes the order in either case. The same task with the same or an older fence is here already: nothing happens. With
 * a newer fence the older one is cancelled. ERROR_UNAVAILABLE when too many wait or after task_runner_close(). */
int task_runner_start(struct task_runner *runner, struct task_order *order, struct error *err);
/* Of the task with this fence or an older one. */
void task_runner_cancel(struct task_runner *runner, const char *task_id, uint64_t fence, const char *why);
void task_runner_cancel_all(struct task_runner *runner, enum error_kind kind, const char *why);
void task_runner_grant(struct task_runner *runner, const char *task_id, const void *grant, size_t len);

/* Calls fn for each task, waiting ones too, with a snapshot. fn must not call the runner. */
void task_runner_each(struct task_runner *runner,
                      void (*fn)(void *ctx, const char *task_id, uint64_t fence, const struct task_progress *progress),
                      void *ctx);
size_t task_runner_count(struct task_runner *runner);
/* Takes no more tasks. */
void task_runner_close(struct task_runner *runner);

#endif
