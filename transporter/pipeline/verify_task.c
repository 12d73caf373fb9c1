#include "transporter/pipeline/verify_task.h"

#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/private_file.h"
#include "common/vault/vault.h"
#include "common/vault/vault_verify.h"
#include "transporter/pipeline/verify_words.h"
#include "transporter/restore/restore_report.h"
#include "transporter/task/task.h"
#include "transporter/task/vault_access.h"
#include "transporter/transporter_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many are logged one by one; the rest is only counted. */
#define DAMAGE_LOGGED 20

struct verify {
    struct task *task;
    struct vault *vault;
    struct restore_report *report;
    uint64_t damaged;
    bool cancelled;
};

static int
on_damage(void *ctx, const struct vault_damage *damage, struct error *err)
{
    struct verify *verify = ctx;
    if (verify->damaged++ < DAMAGE_LOGGED)
        log_error("verify", "damage task=%s object=%s: %s %s", verify->task->order->task_id, damage->scope,
                  damage->meaning, damage->advice);
    json_t *json = verify_words_json(verify->vault, damage);
    CLEANUP(memory_free_p) char *line = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (line != NULL && restore_report_line(verify->report, line, err) != 0)
        return -1;
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

/* Where the last sample of this vault by this transporter ended; a random place without one. */
static uint32_t
sample_start(const struct verify *verify, const char *path)
{
    struct error absent = ERROR_INIT;
    uint32_t start;
    char *end = NULL;
    CLEANUP(secret_free_p) struct secret *kept = private_file_read(path, &absent);
    unsigned long long number = kept != NULL ? strtoull(secret_text(kept), &end, 10) : 0;
    if (kept != NULL && end != secret_text(kept) && number <= UINT32_MAX)
        return (uint32_t)number;
    clock_random(verify->task->services->clock, &start, sizeof(start));
    return start;
}

static char *
sample_path(const struct task *task)
{
    struct error failure = ERROR_INIT;
    CLEANUP(memory_free_p) char *folder = memory_printf("%s/verify", task->services->config->state_dir);
    if (private_file_folder(folder, &failure) != 0)
        log_failure(LOG_WARN, "verify", &failure, "it is not kept where the sample ends");
    return memory_printf("%s/%s", folder, task->order->vault.vault_id);
}

static void
keep_sample(const char *path, uint32_t next)
{
    struct error failure = ERROR_INIT;
    char text[16];
    int len = snprintf(text, sizeof(text), "%" PRIu32, next);
    if (private_file_replace(path, text, (size_t)len, &failure) != 0)
        log_failure(LOG_WARN, "verify", &failure, "it is not kept where the sample ended");
}

static int
rebuild_index(struct verify *verify, struct error *err)
{
    struct vault_backend backend = vault_backend(verify->vault);
    task_phase(verify->task, "index");
    if (backend.vtable->rebuild_index == NULL)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "this vault's index cannot be made anew from here");
    return backend.vtable->rebuild_index(backend.ctx, err);
}

static int
run(struct verify *verify, struct vault_verify_result *found, struct error *err)
{
    struct task *task = verify->task;
    const struct task_order *order = task->order;
    CLEANUP(memory_free_p) char *path = sample_path(task);
    CLEANUP(memory_free_p) const char **ids = point_ids(order);
    struct vault_verify_options options = { .data = order->verify_data,
                                            .sample_ppm = order->verify_sample_ppm,
                                            .quarantine = true,
                                            .cancelled = &verify->cancelled,
                                            .ctx = verify,
                                            .damage = on_damage,
                                            .progress = on_progress };
    if (order->rebuild_index && rebuild_index(verify, err) != 0)
        return -1;
    task_phase(task, "verify");
    options.sample_start = options.sample_ppm > 0 ? sample_start(verify, path) : 0;
    if (vault_verify(verify->vault, order->point_count > 0 ? ids : NULL, order->point_count, &options, found, err) != 0)
        return -1;
    if (options.sample_ppm > 0)
        keep_sample(path, found->sample_next);
    if (options.data)
        log_info("verify", "read task=%s from=%" PRIu32 " groups=%" PRIu64 " bytes=%" PRIu64 " of=%" PRIu64,
                 order->task_id, options.sample_start, found->groups, found->stored_bytes, found->stored_total);
    return 0;
}

int
verify_task_run(struct task *task, struct task_result *result, struct error *err)
{
    struct verify verify = { .task = task };
    struct vault_verify_result found = { .points = 0 };
    CLEANUP(vault_access_close_p) struct vault_access *access = vault_access_of_task(task, err);
    if (access == NULL)
        return -1;
    verify.vault = vault_access_vault(access);
    verify.report = restore_report_open(task->services->config->state_dir, task->order->task_id, -1, err);
    if (verify.report == NULL)
        return -1;
    int failed = run(&verify, &found, err);
    if (restore_report_close(verify.report, failed == 0 ? err : NULL) != 0)
        failed = -1;
    result->chunks_checked = found.chunks;
    result->damaged = found.damaged;
    if (failed != 0)
        return -1;
    if (found.damaged > 0)
        return FAIL(err, ERROR_CORRUPT, 0,
                    "%" PRIu64 " damaged items and %" PRIu64 " other places, in %" PRIu64 " of %" PRIu64
                    " recovery points: `longhaul vault damage RUN` names them and says what to do",
                    found.damaged_items, found.damaged - found.damaged_items, found.damaged_points, found.points);
    return 0;
}
