#ifndef LONGHAUL_TRANSPORTER_RESTORE_RESTORE_TASK_H
#define LONGHAUL_TRANSPORTER_RESTORE_RESTORE_TASK_H

/* A restore from one recovery point, to a folder of this machine or into a tenant. */

struct error;
struct task;
struct task_result;

/* The whole task on the calling thread. Items that could not be restored are counted in the result and named in the
 * report; the task fails only when it could not go on. */
int restore_task_run(struct task *task, struct task_result *result, struct error *err);

#endif
