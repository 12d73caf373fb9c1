#ifndef LONGHAUL_TRANSPORTER_PIPELINE_HEAL_TASK_H
#define LONGHAUL_TRANSPORTER_PIPELINE_HEAL_TASK_H

/* Stores anew what a vault does not hold whole: common/vault/vault_heal.h under the director's order. */

struct error;
struct task;
struct task_result;

/* What became of each item and each other place is in the task's report; ERROR_CORRUPT when something is left. */
int heal_task_run(struct task *task, struct task_result *result, struct error *err);

#endif
