#ifndef LONGHAUL_DIRECTOR_JOBS_SCHEDULER_INTERNAL_H
#define LONGHAUL_DIRECTOR_JOBS_SCHEDULER_INTERNAL_H

#include "director/jobs/scheduler.h"

struct scheduler {
    struct store *store;
    struct scheduler_links links;
    struct task_retry_policy retry;
    int64_t lease_ms;
    int64_t locks_watched_ms; /* when the ends of locks were looked at */
    int64_t grace_ms;
    struct live_progress *progress;
    char cursor[IDENTIFIER_LEN]; /* the due task after which the next search begins; empty: from the start */
};

/* scheduler_task.c: changes of one task, each with its run, in the caller's transaction. */

/* A held task goes back to the queue, or ends, as its transporter is lost. */
int scheduler_task_lost(struct scheduler *scheduler, struct store_task *task, const char *why, struct error *err);
/* A held task ended with an error: once more, not before retry_after_ms have passed, or for good. */
int scheduler_task_failed(struct scheduler *scheduler, struct store_task *task, enum error_kind kind, const char *text,
                          uint64_t retry_after_ms, struct error *err);
/* To one of the final states. */
int scheduler_task_end(struct scheduler *scheduler, struct store_task *task, enum store_task_state state,
                       struct error *err);
/* The run's numbers and state by its tasks. */
int scheduler_task_settle_run(struct scheduler *scheduler, const char *run_id, struct error *err);

/* Runs change(scheduler, task, argument) on the task's row in a transaction. */
typedef int scheduler_change_fn(struct scheduler *scheduler, struct store_task *task, const void *argument,
                                struct error *err);
int scheduler_task_change(struct scheduler *scheduler, const char *task_id, scheduler_change_fn *change,
                          const void *argument, struct error *err);

/* A growing list of task ids, at most SCHEDULER_IDS_MAX. */
#define SCHEDULER_IDS_MAX 1000
struct scheduler_ids {
    char at[SCHEDULER_IDS_MAX][IDENTIFIER_LEN];
    size_t count;
};
/* For the lists of the store; ctx is a scheduler_ids. */
int scheduler_collect(void *ctx, const struct store_task *task, struct error *err);

/* scheduler_place.c */
int scheduler_place(struct scheduler *scheduler, struct error *err);

#endif
