#include "transporter/pipeline/copy_task.h"

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/crypto/private_file.h"
#include "common/vault/vault.h"
#include "common/vault/vault_copy.h"
#include "transporter/task/task.h"
#include "transporter/task/vault_access.h"
#include "transporter/transporter_config.h"

#include <string.h>

#define READER_CACHE ((size_t)4 << 20)

struct copy_run {
    struct task *task;
    struct task_result *result;
    bool cancelled;
};

static int
on_damage(void *ctx, const struct vault_copy_damage *damage, struct error *err)
{
    struct copy_run *run = ctx;
    (void)err;
    log_warn("copy", "%s task=%s point=%s", damage->text, run->task->order->task_id, damage->point);
    run->result->damaged++;
    return 0;
}

static int
on_copied(void *ctx, const char *id, const struct point *point, bool there, uint64_t bytes_stored, struct error *err)
{
    struct copy_run *run = ctx;
    (void)point;
    (void)err;
    log_info("copy", "%s task=%s point=%s stored=%llu", there ? "there already" : "copied", run->task->order->task_id,
             id, (unsigned long long)bytes_stored);
    task_result_add_copied(run->result, id, bytes_stored);
    return 0;
}

static void
on_progress(void *ctx, const struct vault_copy_counts *counts)
{
    struct copy_run *run = ctx;
    struct task *task = run->task;
    run->cancelled = cancel_raised(&task->cancel);
    task_phase(task, "copy");
    atomic_store(&task->items_done, counts->items_done);
    atomic_store(&task->items_total, counts->items_total);
    atomic_store(&task->bytes_read, counts->bytes_read);
    atomic_store(&task->bytes_stored, counts->bytes_stored);
}

/* Without it a copy that was cut off reads again what it has brought already. */
static char *
refs_path(const struct task *task)
{
    CLEANUP(memory_free_p) char *folder = memory_printf("%s/copies", task->services->config->state_dir);
    struct error failure = ERROR_INIT;
    if (private_file_folder(folder, &failure) != 0)
        log_failure(LOG_WARN, "copy", &failure, "nothing is noted for later copies");
    return memory_printf("%s/%s-%s", folder, task->order->source.vault_id, task->order->vault.vault_id);
}

static int
copy(struct copy_run *run, struct vault_access *from, struct vault_access *to, struct error *err)
{
    struct task *task = run->task;
    const struct task_order *order = task->order;
    CLEANUP(memory_free_p)
    const char **ids = memory_array(order->point_count, sizeof(*ids), TASK_ORDER_COPY_MAX * sizeof(*ids), err);
    CLEANUP(memory_free_p) char *scratch = memory_printf("%s/scratch", task->services->config->state_dir);
    CLEANUP(memory_free_p) char *refs = refs_path(task);
    struct vault_copy_counts counts;
    if (ids == NULL)
        return -1;
    for (size_t i = 0; i < order->point_count; i++)
        ids[i] = order->points[i];
    const struct vault_copy_options options = {
        .fence = order->fence,
        .memory_bytes = READER_CACHE,
        .temp_dir = scratch,
        .refs_path = refs,
        .writer = vault_writer_options_for((unsigned)task->services->config->task_slots),
        .cancelled = &run->cancelled,
        .ctx = run,
        .damage = on_damage,
        .copied = on_copied,
        .progress = on_progress,
    };
    const struct vault_copy_source source = { vault_access_backend(from), vault_access_vault(from) };
    struct vault *replica_of = vault_access_vault(to) == NULL ? source.vault : NULL;
    int failed =
        replica_of != NULL
            ? vault_copy_verbatim(&source, vault_access_backend(to), ids, order->point_count, &options, &counts, err)
            : vault_copy_reseal(source.vault, vault_access_vault(to), ids, order->point_count, &options, &counts, err);
    on_progress(run, &counts);
    atomic_store(&task->items_total, counts.items_done);
    run->result->locked_until_ms = vault_access_locked_until(to);
    return failed;
}

int
copy_task_run(struct task *task, struct task_result *result, struct error *err)
{
    const struct task_order *order = task->order;
    struct copy_run run = { .task = task, .result = result };
    bool replica = strcmp(order->source.vault_id, order->vault.vault_id) == 0;
    task_phase(task, "prepare");
    CLEANUP(vault_access_close_p) struct vault_access *from = vault_access_of_source(task, err);
    if (from == NULL)
        return error_wrap(err, "the vault to copy from");
    CLEANUP(vault_access_close_p)
    struct vault_access *to = replica ? vault_access_of_replica(task, err) : vault_access_of_task(task, err);
    if (to == NULL)
        return error_wrap(err, "the vault to copy to");
    task_phase(task, "copy");
    return copy(&run, from, to, err);
}
