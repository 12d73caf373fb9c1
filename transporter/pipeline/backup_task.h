#ifndef LONGHAUL_TRANSPORTER_PIPELINE_BACKUP_TASK_H
#define LONGHAUL_TRANSPORTER_PIPELINE_BACKUP_TASK_H

/* A backup of one object, from its source into a recovery point. */

struct error;
struct source_driver;
struct task;
struct task_result;
struct vault;

/* The whole task on the calling thread: opens the vault, asks the source what has changed since the previous point,
 * fetches and stores it, commits. Nothing of an older point is touched, and what a run that was cut off has stored
 * already is found again by the next one. The point's name follows from the task's: when an earlier attempt of the
 * same task has committed already, its point is the result. */
int backup_task_run(struct task *task, struct task_result *result, struct error *err);

/* Same with a source and a vault that are given: for tests, and for whoever has the vault open already. */
struct backup_task_parts {
    const struct source_driver *driver;
    struct vault *vault; /* NULL: the order's */
};

int backup_task_run_with(struct task *task, const struct backup_task_parts *parts, struct task_result *result,
                         struct error *err);

#endif
