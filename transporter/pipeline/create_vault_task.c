#include "transporter/pipeline/create_vault_task.h"

#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/vault/vault.h"
#include "transporter/task/task.h"
#include "transporter/task/vault_access.h"

int
create_vault_task_run(struct task *task, struct error *err)
{
    const struct task_order *order = task->order;
    const struct vault_access_options options = {
        .services = task->services,
        .cancel = &task->cancel,
        .where = &order->vault,
        .secrets = order->secrets,
        .secret_count = order->secret_count,
        .grant = task_grant,
        .grant_ctx = task,
    };
    const struct vault_params params = { .compression_level = (int)order->compression_level };
    task_phase(task, "create");
    CLEANUP(secret_free_p) struct secret *password = NULL;
    CLEANUP(vault_access_close_p) struct vault_access *access = vault_access_open_new(&options, &password, err);
    if (access == NULL)
        return -1;
    return vault_create(vault_access_backend(access), task->services->clock, order->vault.vault_id, password, &params,
                        err);
}
