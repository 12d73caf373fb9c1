#ifndef LONGHAUL_TRANSPORTER_PIPELINE_VERIFY_TASK_H
#define LONGHAUL_TRANSPORTER_PIPELINE_VERIFY_TASK_H

struct error;
struct task;
struct task_result;

/* Checks recovery points against what is stored. Damage is in the result and logged; ERROR_CORRUPT when there is any.
 */
int verify_task_run(struct task *task, struct task_result *result, struct error *err);

#endif
