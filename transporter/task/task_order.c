#include "transporter/task/task_order.h"

#include "common/base/memory.h"

#include <stdlib.h>

struct task_order *
task_order_new(void)
{
    return MEMORY_NEW(struct task_order);
}

void
task_order_free(struct task_order *order)
{
    if (order == NULL)
        return;
    task_order_vault_clear(&order->vault);
    for (size_t i = 0; i < order->secret_count; i++)
        task_order_secret_clear(&order->secrets[i]);
    free(order->secrets);
    free(order->folder_path);
    free(order->target_folder);
    free(order->points);
    task_order_vault_clear(&order->source);
    task_order_secret_clear(&order->source_password);
    free(order);
}

void
task_order_free_p(struct task_order **order)
{
    task_order_free(*order);
    *order = NULL;
}

void
task_order_vault_clear(struct task_vault *vault)
{
    free(vault->grant);
    *vault = (struct task_vault){ 0 };
}

void
task_order_secret_clear(struct task_secret *secret)
{
    free(secret->sealed);
    *secret = (struct task_secret){ 0 };
}

const char *
task_order_kind_name(enum task_kind kind)
{
    switch (kind) {
    case TASK_CREATE_VAULT:
        return "create-vault";
    case TASK_BACKUP:
        return "backup";
    case TASK_RESTORE:
        return "restore";
    case TASK_VERIFY:
        return "verify";
    case TASK_DISCOVER:
        return "discover";
    case TASK_COPY:
        return "copy";
    case TASK_SWEEP:
        return "sweep";
    case TASK_HEAL:
        return "heal";
    }
    return "";
}
