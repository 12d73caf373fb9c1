#ifndef LONGHAUL_TRANSPORTER_PIPELINE_CREATE_VAULT_TASK_H
#define LONGHAUL_TRANSPORTER_PIPELINE_CREATE_VAULT_TASK_H

struct error;
struct task;

/* Makes the vault on its host. Again with the same password is fine. */
int create_vault_task_run(struct task *task, struct error *err);

#endif
