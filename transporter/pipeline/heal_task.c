#include "transporter/pipeline/heal_task.h"

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/vault/vault.h"
#include "common/vault/vault_heal.h"
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

#define READER_CACHE ((size_t)4 << 20)

struct heal_run {
    struct task *task;
    struct vault *vault;
    struct restore_report *report;
    bool cancelled;
};

static int
add_line(struct heal_run *run, const char *point, const char *outcome, const struct vault_damage *damage,
         struct error *err)
{
    char points[1][IDENTIFIER_LEN];
    struct vault_damage of_point = *damage;
    snprintf(points[0], sizeof(points[0]), "%s", point);
    of_point.points = points;
    of_point.point_count = 1;
    json_t *json = verify_words_json(run->vault, &of_point);
    json_object_set_new(json, "outcome", json_string(outcome));
    CLEANUP(memory_free_p) char *line = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return line == NULL ? 0 : restore_report_line(run->report, line, err);
}

static int
on_left(void *ctx, const char *point, struct catalog_key item, const struct error *cause, struct error *err)
{
    struct heal_run *run = ctx;
    bool is_item = item.len > 0;
    CLEANUP(memory_free_p)
    char *meaning = memory_printf("%s of %s could not be healed: %s", is_item ? "This item" : "A part of the catalog",
                                  point, cause->text);
    const struct vault_damage damage = {
        .what = is_item ? VAULT_DAMAGED_CONTENT : VAULT_DAMAGED_CATALOG,
        .item = item,
        .cause = cause,
        .meaning = meaning,
        .advice = is_item
                      ? "The next backup fetches it again when Microsoft 365 still has it; or heal from another copy."
                      : "Make a whole new point: longhaul run start JOB --full --wait. A replica heals this one.",
    };
    log_warn("heal", "left point=%s task=%s: %s", point, run->task->order->task_id, cause->text);
    return add_line(run, point, "damaged", &damage, err);
}

static int
on_healed(void *ctx, const char *point, struct catalog_key item, struct error *err)
{
    CLEANUP(memory_free_p)
    char *meaning = memory_printf("It was stored anew for %s%s.", point, item.len > 0 ? ", and can be restored" : "");
    const struct vault_damage damage = {
        .what = item.len > 0 ? VAULT_DAMAGED_CONTENT : VAULT_DAMAGED_CATALOG,
        .item = item,
        .meaning = meaning,
        .advice = "",
    };
    return add_line(ctx, point, "healed", &damage, err);
}

static void
on_progress(void *ctx, uint64_t points_done, uint64_t points_total, uint64_t chunks_healed)
{
    struct heal_run *run = ctx;
    (void)chunks_healed;
    run->cancelled = cancel_raised(&run->task->cancel);
    atomic_store(&run->task->items_done, points_done);
    atomic_store(&run->task->items_total, points_total);
}

static void
summarize(const struct vault_heal_result *r, struct task_result *result)
{
    const struct task_figure figures[] = {
        { "points", r->points },
        { "points_replaced", r->points_replaced },
        { "catalogs_rebuilt", r->catalogs_rebuilt },
        { "chunks_own", r->chunks_own },
        { "chunks_copied", r->chunks_copied },
        { "items_copied", r->items_copied },
        { "places_healed", r->healed },
        { "places_left", r->left },
        { "bytes_stored", r->bytes_stored },
    };
    for (size_t i = 0; i < ARRAY_LEN(figures); i++)
        task_result_add_figure(result, figures[i].name, figures[i].value);
    snprintf(result->summary, sizeof(result->summary),
             "looked at %" PRIu64 " points: healed %" PRIu64 " places, %" PRIu64
             " are left damaged; stored anew %" PRIu64 " chunks of the vault itself, %" PRIu64 " chunks and %" PRIu64
             " contents of the copy, %" PRIu64 " points, %" PRIu64 " catalogs, %" PRIu64 " bytes",
             r->points, r->healed, r->left, r->chunks_own, r->chunks_copied, r->items_copied, r->points_replaced,
             r->catalogs_rebuilt, r->bytes_stored);
}

static int
heal(struct heal_run *run, struct vault *from, struct task_result *result, struct error *err)
{
    struct task *task = run->task;
    CLEANUP(memory_free_p) char *scratch = memory_printf("%s/scratch", task->services->config->state_dir);
    struct vault_heal_result found;
    const struct vault_heal_options options = {
        .memory_bytes = READER_CACHE,
        .temp_dir = scratch,
        .writer = vault_writer_options_for((unsigned)task->services->config->task_slots),
        .cancelled = &run->cancelled,
        .ctx = run,
        .left = on_left,
        .healed = on_healed,
        .progress = on_progress,
    };
    int failed = vault_heal(run->vault, from, &options, &found, err);
    summarize(&found, result);
    log_info("heal", "%s task=%s vault=%s", result->summary, task->order->task_id, task->order->vault.vault_id);
    atomic_store(&task->bytes_stored, found.bytes_stored);
    result->damaged = found.left;
    if (failed != 0)
        return -1;
    if (found.left > 0)
        return FAIL(err, ERROR_CORRUPT, 0,
                    "%" PRIu64
                    " places could not be healed: `longhaul vault damage RUN` names them and says what to do",
                    found.left);
    return 0;
}

int
heal_task_run(struct task *task, struct task_result *result, struct error *err)
{
    struct heal_run run = { .task = task };
    CLEANUP(vault_access_close_p) struct vault_access *from = NULL;
    task_phase(task, "prepare");
    if (task->order->source.vault_id[0] != '\0' && (from = vault_access_of_source(task, err)) == NULL)
        return error_wrap(err, "the copy to heal from");
    CLEANUP(vault_access_close_p) struct vault_access *access = vault_access_of_task(task, err);
    if (access == NULL)
        return -1;
    run.vault = vault_access_vault(access);
    run.report = restore_report_open(task->services->config->state_dir, task->order->task_id, -1, err);
    if (run.report == NULL)
        return -1;
    task_phase(task, "heal");
    int failed = heal(&run, from == NULL ? NULL : vault_access_vault(from), result, err);
    if (restore_report_close(run.report, failed == 0 ? err : NULL) != 0)
        failed = -1;
    return failed;
}
