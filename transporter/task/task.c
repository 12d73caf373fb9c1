#include "transporter/task/task.h"

#include "common/base/buffer.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/crypto/grant.h"
#include "transporter/pipeline/backup_task.h"
#include "transporter/pipeline/copy_task.h"
#include "transporter/pipeline/create_vault_task.h"
#include "transporter/pipeline/discover_task.h"
#include "transporter/pipeline/heal_task.h"
#include "transporter/pipeline/sweep_task.h"
#include "transporter/pipeline/verify_task.h"
#include "transporter/restore/restore_task.h"
#include "transporter/transporter_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char phase_lock[] = "lock";

static void
keep_grant(struct task *task, uint8_t **kept, size_t *kept_len, const void *grant, size_t len)
{
    uint8_t *copy = memory_new(len);
    if (len > 0)
        memcpy(copy, grant, len);
    pthread_mutex_lock(&task->lock);
    free(*kept);
    *kept = copy;
    *kept_len = len;
    pthread_mutex_unlock(&task->lock);
}

struct task *
task_new(struct task_order *order, const struct task_services *services, struct error *err)
{
    struct task *task = MEMORY_NEW(struct task);
    if (cancel_init(&task->cancel, err) != 0) {
        free(task);
        task_order_free(order);
        return NULL;
    }
    task->order = order;
    task->services = services;
    pthread_mutex_init(&task->lock, NULL);
    graph_hold_init(&task->hold,
                    services->config != NULL ? services->config->graph_throttle_patience_ms : GRAPH_HOLD_PATIENCE_MS);
    atomic_store(&task->phase, "waiting");
    keep_grant(task, &task->grant, &task->grant_len, order->vault.grant, order->vault.grant_len);
    keep_grant(task, &task->source_grant, &task->source_grant_len, order->source.grant, order->source.grant_len);
    return task;
}

void
task_free(struct task *task)
{
    if (task == NULL)
        return;
    cancel_clear(&task->cancel);
    pthread_mutex_destroy(&task->lock);
    graph_hold_clear(&task->hold);
    free(task->grant);
    free(task->source_grant);
    task_order_free(task->order);
    free(task);
}

void
task_set_grant(struct task *task, const void *grant, size_t len)
{
    const struct task_vault *source = &task->order->source;
    struct grant fields;
    bool two = task->order->kind == TASK_COPY || task->order->kind == TASK_HEAL;
    if (two && grant_decode(grant, len, &fields, NULL) == 0 && strcmp(fields.vault_id, source->vault_id) == 0 &&
        strcmp(fields.repository_id, source->repository_id) == 0)
        keep_grant(task, &task->source_grant, &task->source_grant_len, grant, len);
    else
        keep_grant(task, &task->grant, &task->grant_len, grant, len);
}

int
task_grant(void *ctx, struct buffer *out, struct error *err)
{
    struct task *task = ctx;
    pthread_mutex_lock(&task->lock);
    int result = buffer_append(out, task->grant, task->grant_len, err);
    pthread_mutex_unlock(&task->lock);
    return result;
}

int
task_source_grant(void *ctx, struct buffer *out, struct error *err)
{
    struct task *task = ctx;
    pthread_mutex_lock(&task->lock);
    int result = buffer_append(out, task->source_grant, task->source_grant_len, err);
    pthread_mutex_unlock(&task->lock);
    return result;
}

void
task_phase(struct task *task, const char *phase)
{
    atomic_store(&task->phase, phase);
}

void
task_locking(struct task *task, uint64_t done, uint64_t total)
{
    atomic_store(&task->locks_done, done);
    atomic_store(&task->locks_total, total);
    task_phase(task, phase_lock);
}

void
task_snapshot(struct task *task, struct task_progress *progress)
{
    memset(progress, 0, sizeof(*progress)); /* it is compared byte by byte */
    const char *phase = atomic_load(&task->phase);
    unsigned long long done = atomic_load(&task->locks_done), total = atomic_load(&task->locks_total);
    if (phase == phase_lock)
        snprintf(progress->phase, sizeof(progress->phase), "%s %llu/%llu", phase, done, total);
    else
        snprintf(progress->phase, sizeof(progress->phase), "%s", phase);
    progress->items_done = atomic_load(&task->items_done);
    progress->items_total = atomic_load(&task->items_total);
    progress->bytes_read = atomic_load(&task->bytes_read);
    progress->bytes_total = atomic_load(&task->bytes_total);
    progress->bytes_stored = atomic_load(&task->bytes_stored);
    progress->requests = atomic_load(&task->requests);
    struct graph_hold_state hold;
    graph_hold_state(&task->hold, task->services->clock, &hold);
    progress->throttled_ms = hold.waited_ms;
    progress->held_for_ms = hold.held && hold.for_ms == 0 ? 1 : hold.for_ms;
    progress->held_wait_ms = hold.wait_ms;
}

static int
run_kind(struct task *task, struct task_result *result, struct error *err)
{
    switch (task->order->kind) {
    case TASK_CREATE_VAULT:
        return create_vault_task_run(task, err);
    case TASK_BACKUP:
        return backup_task_run(task, result, err);
    case TASK_RESTORE:
        return restore_task_run(task, result, err);
    case TASK_VERIFY:
        return verify_task_run(task, result, err);
    case TASK_DISCOVER:
        return discover_task_run(task, result, err);
    case TASK_COPY:
        return copy_task_run(task, result, err);
    case TASK_SWEEP:
        return sweep_task_run(task, result, err);
    case TASK_HEAL:
        return heal_task_run(task, result, err);
    }
    return FAIL(err, ERROR_INTERNAL, 0, "task of no known kind");
}

void
task_run(struct task *task, struct task_result *result)
{
    const struct task_order *order = task->order;
    *result = (struct task_result){ .fence = order->fence };
    snprintf(result->task_id, sizeof(result->task_id), "%s", order->task_id);
    log_info("task", "started kind=%s task=%s fence=%llu", task_order_kind_name(order->kind), order->task_id,
             (unsigned long long)order->fence);
    struct error err = ERROR_INIT;
    if (cancel_check(&task->cancel, &err) != 0 || run_kind(task, result, &err) != 0) {
        /* Whatever broke because the task was to end, the reason for the end is what to report. */
        struct error reason = ERROR_INIT;
        result->error = cancel_check(&task->cancel, &reason) != 0 ? reason : err;
        log_failure(LOG_WARN, "task", &result->error, "failed kind=%s task=%s", task_order_kind_name(order->kind),
                    order->task_id);
    } else {
        log_info("task", "done kind=%s task=%s", task_order_kind_name(order->kind), order->task_id);
    }
    task_snapshot(task, &result->totals);
    /* On its way through queues and cancelling the error has lost this. */
    if (result->error.kind == ERROR_THROTTLED && result->totals.held_wait_ms > 0)
        result->error.retry_after_ms = (uint32_t)result->totals.held_wait_ms;
}
