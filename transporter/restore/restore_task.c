#include "transporter/restore/restore_task.h"

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/sealed_secret.h"
#include "common/vault/point.h"
#include "transporter/graph/graph_client.h"
#include "transporter/restore/restore_report.h"
#include "transporter/restore/restore_workers.h"
#include "transporter/restore/tenant_sink.h"
#include "transporter/restore/to_folder.h"
#include "transporter/task/graph_pool.h"
#include "transporter/task/task.h"
#include "transporter/task/task_secrets.h"
#include "transporter/task/vault_access.h"
#include "transporter/transporter_config.h"

#include <stdlib.h>
#include <string.h>

struct restore {
    struct task *task;
    struct vault_access *access;
    struct point point;
    struct selection selection;
    struct graph_client *graph;
    struct restore_sink *sink;
    struct restore_report *report;
    struct restore_workers *workers;
    char *scratch;
};

static void
restore_clear(struct restore *restore)
{
    restore_workers_free(restore->workers);
    if (restore->sink != NULL)
        restore->sink->vtable->close(restore->sink);
    restore_report_close(restore->report, NULL);
    if (restore->graph != NULL)
        graph_pool_put(restore->task->services->graphs, restore->graph);
    selection_clear(&restore->selection);
    vault_access_close(restore->access);
    free(restore->scratch);
}

static int
read_selection(struct restore *restore, struct error *err)
{
    const struct task_order *order = restore->task->order;
    CLEANUP(buffer_clear) struct buffer text = BUFFER_INIT(SEALED_SECRET_MAX);
    int result = task_secrets_find_large(restore->task->services->identity, order->secrets, order->secret_count,
                                         "selection", &text, err);
    if (result == 0)
        result = selection_parse((const char *)text.data, text.len, &restore->selection, err);
    secret_zero(text.data, text.len);
    return result;
}

static int
open_point(struct restore *restore, struct error *err)
{
    const struct task_order *order = restore->task->order;
    restore->access = vault_access_of_task(restore->task, err);
    if (restore->access == NULL)
        return -1;
    if (point_read(vault_access_vault(restore->access), order->point_id, &restore->point, err) != 0)
        return error_wrap(err, "recovery point %s", order->point_id);
    if (order->object.object_id[0] != '\0' && strcmp(restore->point.header.scope, order->object.object_id) != 0)
        return FAIL(err, ERROR_USAGE, 0, "recovery point %s is of another object", order->point_id);
    if (restore->selection.all) {
        atomic_store(&restore->task->items_total, restore->point.counts.items);
        atomic_store(&restore->task->bytes_total, restore->point.counts.bytes);
    }
    return 0;
}

static int
open_folder_sink(struct restore *restore, struct error *err)
{
    const struct task_order *order = restore->task->order;
    const struct to_folder_options options = { .root = restore->task->services->config->restore_folder,
                                               .below = order->folder_path,
                                               .task_id = order->task_id };
    restore->sink = to_folder_open(&options, err);
    return restore->sink != NULL ? 0 : -1;
}

static enum to_tenant_conflict
conflict_of(enum task_conflict conflict)
{
    switch (conflict) {
    case TASK_CONFLICT_SKIP:
        return TO_TENANT_SKIP;
    case TASK_CONFLICT_RENAME:
        return TO_TENANT_RENAME;
    case TASK_CONFLICT_OVERWRITE:
        return TO_TENANT_OVERWRITE;
    }
    return TO_TENANT_SKIP;
}

static int
open_tenant_sink(struct restore *restore, struct error *err)
{
    const struct task_order *order = restore->task->order;
    const struct task_services *services = restore->task->services;
    if (order->target.kind != order->object.kind)
        return FAIL(err, ERROR_USAGE, 0, "a mailbox is restored into a mailbox, and a drive into a drive");
    CLEANUP(secret_free_p)
    struct secret *credentials =
        task_secrets_find(services->identity, order->secrets, order->secret_count, "microsoft365", err);
    if (credentials == NULL)
        return -1;
    restore->graph = graph_pool_get(services->graphs, order->tenant_id, credentials, &restore->task->hold, err);
    if (restore->graph == NULL)
        return -1;
    const struct tenant_sink_options options = {
        .clock = services->clock,
        .scratch = restore->scratch,
        .tenant = { .graph = restore->graph,
                    .external_id = order->target.external_id,
                    .content = order->target.kind == TASK_OBJECT_MAILBOX ? CATALOG_MESSAGE : CATALOG_FILE,
                    .top_folder = order->target_folder,
                    .conflict = conflict_of(order->conflict),
                    .scratch = restore->scratch,
                    .cancel = &restore->task->cancel.raised },
    };
    restore->sink = tenant_sink_open(&options, err);
    return restore->sink != NULL ? 0 : -1;
}

static void
on_progress(void *ctx, uint64_t bytes, uint64_t items)
{
    struct task *task = ctx;
    atomic_fetch_add(&task->bytes_read, bytes);
    atomic_fetch_add(&task->bytes_stored, bytes);
    atomic_fetch_add(&task->items_done, items);
}

static int
open_sink(struct restore *restore, struct error *err)
{
    struct task *task = restore->task;
    int opened = task->order->to_tenant ? open_tenant_sink(restore, err) : open_folder_sink(restore, err);
    if (opened != 0)
        return -1;
    int folder_fd = task->order->to_tenant ? -1 : to_folder_fd(restore->sink);
    restore->report = restore_report_open(task->services->config->state_dir, task->order->task_id, folder_fd, err);
    if (restore->report == NULL)
        return -1;
    restore->sink->report = restore->report;
    const struct restore_workers_options options = {
        .vault = vault_access_vault(restore->access),
        .sink = restore->sink,
        .cancel = &task->cancel,
        .threads = (unsigned)task->services->config->pipeline_threads,
        .progress = on_progress,
        .progress_ctx = task,
    };
    restore->workers = restore_workers_new(&options, err);
    return restore->workers != NULL ? 0 : -1;
}

static int
on_plan_folder(void *ctx, const struct restore_item *folder, struct error *err)
{
    struct restore *restore = ctx;
    on_progress(restore->task, 0, 1);
    if (cancel_check(&restore->task->cancel, err) != 0)
        return -1;
    return restore->sink->vtable->folder(restore->sink, folder, err);
}

static int
on_plan_batch(void *ctx, struct restore_batch *batch, struct error *err)
{
    struct restore *restore = ctx;
    return restore_workers_push(restore->workers, batch, err);
}

static int
transfer(struct restore *restore, struct error *err)
{
    const struct restore_plan_options options = {
        .vault = vault_access_vault(restore->access),
        .root = &restore->point.catalog,
        .selection = &restore->selection,
        .ctx = restore,
        .folder = on_plan_folder,
        .batch = on_plan_batch,
    };
    uint64_t missing = 0;
    if (restore_plan_run(&options, &missing, err) != 0 || restore_workers_finish(restore->workers, err) != 0)
        return -1;
    if (missing > 0 && atomic_load(&restore->task->items_done) == 0)
        return FAIL(err, ERROR_NOT_FOUND, 0, "none of the selected items is in recovery point %s",
                    restore->task->order->point_id);
    atomic_store(&restore->task->items_total, atomic_load(&restore->task->items_done));
    atomic_store(&restore->task->bytes_total, atomic_load(&restore->task->bytes_read));
    return restore->sink->vtable->finish(restore->sink, err);
}

static int
run(struct restore *restore, struct task_result *result, struct error *err)
{
    task_phase(restore->task, "prepare");
    if (read_selection(restore, err) != 0 || open_point(restore, err) != 0 || open_sink(restore, err) != 0)
        return -1;
    task_phase(restore->task, "transfer");
    int failed = transfer(restore, err);
    if (failed != 0)
        cancel_raise(&restore->task->cancel, err->kind, err->text);
    restore_workers_free(MOVE(restore->workers));
    restore_report_totals(restore->report, result);
    if (restore_report_close(MOVE(restore->report), failed == 0 ? err : NULL) != 0)
        failed = -1;
    return failed;
}

int
restore_task_run(struct task *task, struct task_result *result, struct error *err)
{
    struct restore restore = { .task = task };
    restore.scratch = memory_printf("%s/scratch", task->services->config->state_dir);
    int failed = run(&restore, result, err);
    restore_clear(&restore);
    return failed;
}
