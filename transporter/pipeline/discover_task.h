#ifndef LONGHAUL_TRANSPORTER_PIPELINE_DISCOVER_TASK_H
#define LONGHAUL_TRANSPORTER_PIPELINE_DISCOVER_TASK_H

struct error;
struct task;
struct task_result;

/* Tells the director what the tenant has. Users without a mailbox or drive are counted by reason. */
int discover_task_run(struct task *task, struct task_result *result, struct error *err);

#endif
