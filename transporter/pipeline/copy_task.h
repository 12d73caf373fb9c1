#ifndef LONGHAUL_TRANSPORTER_PIPELINE_COPY_TASK_H
#define LONGHAUL_TRANSPORTER_PIPELINE_COPY_TASK_H

/* Copies recovery points from one vault to another: common/vault/vault_copy.h over two hosts. */

struct error;
struct task;
struct task_result;

/* result->copied says what the destination holds, also when this fails. */
int copy_task_run(struct task *task, struct task_result *result, struct error *err);

#endif
