#include "transporter/pipeline/verify_task.h"

#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/vault/vault_verify.h"
#include "transporter/task/task.h"
#include "transporter/task/vault_access.h"

#include <inttypes.h>
#include <stdlib.h>

/* So many are logged one by one; the rest is only counted. */
#define DAMAGE_LOGGED 20

struct verify {
    struct task *task;
    uint64_t damaged;
    bool cancelled;
};

static int
on_damage(void *ctx, const struct vault_damage *damage, struct error *err)
{
    struct verify *verify = ctx;
    if (verify->damaged++ < DAMAGE_LOGGED)
        log_error("verify", "damage points=%zu: %s %s", damage->point_count, damage->meaning, damage->advice);
    return cancel_check(&verify->task->cancel, err);
}

static void
on_progress(void *ctx, uint64_t items_done, uint64_t items_total, uint64_t bytes_read)
{
    struct verify *verify = ctx;
    verify->cancelled = cancel_raised(&verify->task->cancel);
    atomic_store(&verify->task->items_done, items_done);
    atomic_store(&verify->task->items_total, items_total);
    atomic_store(&verify->task->bytes_read, bytes_read);
}

/* The orders' ids as the vault wants them; the caller frees the array. */
static const char **
point_ids(const struct task_order *order)
{
    const char **ids = memory_new((order->point_count + 1) * sizeof(*ids));
    for (size_t i = 0; i < order->point_count; i++)
        ids[i] = order->points[i];
    return ids;
}

int
verify_task_run(struct task *task, struct task_result *result, struct error *err)
{
    const struct task_order *order = task->order;
    CLEANUP(vault_access_close_p) struct vault_access *access = vault_access_of_task(task, err);
    if (access == NULL)
        return -1;
    struct verify verify = { .task = task };
    const struct vault_verify_options options = { .data = order->verify_data,
                                                  .cancelled = &verify.cancelled,
                                                  .ctx = &verify,
                                                  .damage = on_damage,
                                                  .progress = on_progress };
    CLEANUP(memory_free_p) const char **ids = point_ids(order);
    struct vault_verify_result found = { .points = 0 };
    task_phase(task, "verify");
    int failed = vault_verify(vault_access_vault(access), order->point_count > 0 ? ids : NULL, order->point_count,
                              &options, &found, err);
    result->chunks_checked = found.chunks;
    result->damaged = found.damaged;
    if (failed != 0)
        return -1;
    if (found.damaged > 0)
        return FAIL(err, ERROR_CORRUPT, 0, "%" PRIu64 " damaged places in %" PRIu64 " recovery points", found.damaged,
                    found.points);
    return 0;
}
