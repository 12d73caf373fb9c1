#ifndef LONGHAUL_TRANSPORTER_PIPELINE_SWEEP_TASK_H
#define LONGHAUL_TRANSPORTER_PIPELINE_SWEEP_TASK_H

/* Retention of a vault, or the undoing of it: common/vault/vault_sweep.h under the director's order. */

struct error;
struct task;
struct task_result;

/* What it did is in result->swept, also when it fails. */
int sweep_task_run(struct task *task, struct task_result *result, struct error *err);

#endif
