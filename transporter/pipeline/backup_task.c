#include "transporter/pipeline/backup_task.h"

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/vault/catalog.h"
#include "common/vault/tree.h"
#include "common/vault/vault.h"
#include "common/vault/vault_reader.h"
#include "common/vault/vault_writer.h"
#include "transporter/pipeline/backup_internal.h"
#include "transporter/pipeline/backup_repair.h"
#include "transporter/task/graph_pool.h"
#include "transporter/task/task_secrets.h"
#include "transporter/task/vault_access.h"
#include "transporter/transporter_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READER_CACHE   ((size_t)1 << 20)
#define CURSOR_CEILING POINT_CURSOR_MAX

static void
backup_clear(struct backup *backup)
{
    struct task *task = backup->task;
    backup_fetch_free(backup->fetch);
    backup_scopes_free(backup->scopes);
    backup_ledger_free(backup->ledger);
    known_items_free(backup->judged);
    source_free(backup->source);
    vault_writer_close(backup->writer);
    vault_reader_close(backup->trusted);
    vault_reader_close(backup->reader);
    vault_access_close(backup->access);
    if (backup->graph != NULL)
        graph_pool_put(task->services->graphs, backup->graph);
    rate_limit_clear(&backup->limit);
    free(backup->scratch);
}

void
backup_task_observe(struct backup *backup)
{
    struct task *task = backup->task;
    struct vault_writer_progress written;
    vault_writer_progress(backup->writer, &written);
    atomic_store(&task->bytes_stored, written.bytes_stored);
    if (backup->graph == NULL)
        return;
    struct graph_counters now;
    graph_client_counters(backup->graph, &now);
    atomic_store(&task->requests, now.requests);
}

/* The same attempt again must not make a second point, so the name comes from the task's. */
static void
name_point(struct backup *backup)
{
    const struct task_order *order = backup->task->order;
    const char *dash = strchr(order->task_id, '-');
    struct point_header *header = &backup->point.header;
    snprintf(header->id, sizeof(header->id), "point-%.*s", IDENTIFIER_LEN - 7,
             dash != NULL ? dash + 1 : order->task_id);
    snprintf(header->vault_id, sizeof(header->vault_id), "%s", order->vault.vault_id);
    snprintf(header->scope, sizeof(header->scope), "%s", order->object.object_id);
    header->fence = order->fence;
    header->created_ms = clock_wall_ms(backup->task->services->clock);
}

static void
report(struct backup *backup, const struct point *point)
{
    struct task_result *result = backup->result;
    const struct point_counts *counts = &point->counts;
    snprintf(result->point.point_id, sizeof(result->point.point_id), "%s", point->header.id);
    snprintf(result->point.previous_point, sizeof(result->point.previous_point), "%s", point->previous);
    result->point.created_ms = point->header.created_ms;
    result->point.items = counts->items;
    result->point.bytes = counts->bytes;
    result->point.stored_bytes = counts->bytes_stored;
    result->point.items_new = counts->items_new;
    result->point.items_changed = counts->items_changed;
    result->point.items_deleted = counts->items_deleted;
    result->items_skipped = counts->items_skipped;
    result->items_failed = counts->items_failed;
}

/* 1 when an earlier attempt has committed already, 0 when not. */
static int
find_committed(struct backup *backup, struct error *err)
{
    struct error failure = ERROR_INIT;
    struct point point;
    if (point_read(backup->vault, backup->point.header.id, &point, &failure) == 0) {
        log_info("backup", "an earlier attempt has committed task=%s point=%s", backup->task->order->task_id,
                 point.header.id);
        report(backup, &point);
        return 1;
    }
    if (failure.kind == ERROR_NOT_FOUND)
        return 0;
    *err = failure;
    return -1;
}

static bool
is_lost(const struct error *failure)
{
    return failure->kind == ERROR_NOT_FOUND || failure->kind == ERROR_CORRUPT || failure->kind == ERROR_FORMAT;
}

static int
refuse_previous(const struct backup *backup, const struct error *failure, struct error *err)
{
    if (!is_lost(failure)) {
        *err = *failure;
        return error_wrap(err, "previous recovery point");
    }
    return FAIL(err, failure->kind, failure->native,
                "previous recovery point %s cannot be read: %s; `longhaul run start JOB --full` starts afresh",
                backup->task->order->point_id, failure->text);
}

static int
on_previous_item(void *ctx, const struct catalog_item *item, struct error *err)
{
    const struct backup *backup = ctx;
    (void)item;
    return cancel_check(&backup->task->cancel, err);
}

static int
on_previous_child(void *ctx, struct tree_bytes key, const struct tree_bytes *before, const struct tree_bytes *after,
                  struct error *err)
{
    const struct backup *backup = ctx;
    (void)key;
    (void)before;
    (void)after;
    return cancel_check(&backup->task->cancel, err);
}

/* A full run is the way out when the catalog it would build on is lost, so it looks at all of it first. */
static int
check_previous_catalog(struct backup *backup, struct error *err)
{
    CLEANUP(catalog_close_p) struct catalog *catalog = catalog_open(backup->reader, &backup->previous.catalog);
    const struct catalog_key start = { .len = 0 };
    static const struct tree_root nothing = { .height = 0 };
    return catalog_walk(catalog, start, on_previous_item, backup, err) != 0
               ? -1
               : tree_diff(backup->reader, &nothing, &backup->previous.catalog.children, on_previous_child, backup,
                           err);
}

static int
read_previous(struct backup *backup, struct error *err)
{
    const struct task_order *order = backup->task->order;
    struct error failure = ERROR_INIT;
    if (order->point_id[0] == '\0')
        return 0;
    int status = point_read(backup->vault, order->point_id, &backup->previous, &failure);
    if (status == 0 && order->force_full)
        status = check_previous_catalog(backup, &failure);
    if (status != 0 && (!order->force_full || !is_lost(&failure)))
        return refuse_previous(backup, &failure, err);
    if (status != 0) {
        log_failure(LOG_WARN, "backup", &failure, "the previous point is lost, starting afresh task=%s point=%s",
                    order->task_id, order->point_id);
        return 0;
    }
    if (strcmp(backup->previous.header.scope, order->object.object_id) != 0)
        return FAIL(err, ERROR_USAGE, 0, "previous point %s is of another object", order->point_id);
    backup->has_previous = true;
    snprintf(backup->point.previous, sizeof(backup->point.previous), "%s", order->point_id);
    return 0;
}

/* Without credentials in the order (tests bring a source of their own) there is no Graph client. */
static int
open_graph(struct backup *backup, struct error *err)
{
    const struct task_order *order = backup->task->order;
    const struct task_services *services = backup->task->services;
    if (services->graphs == NULL)
        return 0;
    CLEANUP(secret_free_p)
    struct secret *credentials =
        task_secrets_find(services->identity, order->secrets, order->secret_count, "microsoft365", err);
    if (credentials == NULL)
        return -1;
    backup->graph = graph_pool_get(services->graphs, order->tenant_id, credentials, &backup->task->hold, err);
    return backup->graph != NULL ? 0 : -1;
}

static int
open_source(struct backup *backup, struct error *err)
{
    const struct task_order *order = backup->task->order;
    CLEANUP(memory_free_p) uint8_t *cursor = NULL;
    size_t cursor_len = 0;
    struct error failure = ERROR_INIT;
    bool goes_on = backup->has_previous && !order->force_full;
    if (goes_on && point_read_cursor(backup->reader, &backup->previous, &cursor, &cursor_len, &failure) != 0)
        return refuse_previous(backup, &failure, err);
    const struct source_options options = {
        .graph = backup->graph,
        .external_id = order->object.external_id,
        .cursor = goes_on ? cursor : NULL,
        .cursor_len = cursor_len,
        .force_full = order->force_full,
        .scratch = backup->scratch,
        .cancel = &backup->task->cancel.raised,
    };
    backup->source = source_open(backup->driver, &options, err);
    return backup->source != NULL ? 0 : -1;
}

static int
open_pipeline(struct backup *backup, struct error *err)
{
    const struct transporter_config *config = backup->task->services->config;
    const struct vault_writer_options options = vault_writer_options_for((unsigned)config->task_slots);
    backup->writer = vault_writer_open(backup->vault, &options, err);
    backup->judged = backup->writer != NULL ? known_items_new(backup->scratch, err) : NULL;
    if (backup->judged == NULL)
        return -1;
    const struct backup_ledger_options ledger_options = {
        .vault = backup->vault,
        .writer = backup->writer,
        .base = backup->has_previous ? &backup->previous.catalog : NULL,
        .scratch = backup->scratch,
    };
    backup->ledger = backup_ledger_new(&ledger_options, err);
    if (backup->ledger == NULL)
        return -1;
    const struct backup_fetch_options fetch_options = {
        .task = backup->task,
        .source = backup->source,
        .writer = backup->writer,
        .ledger = backup->ledger,
        .limit = &backup->limit,
        .threads = (unsigned)config->pipeline_threads,
    };
    backup->fetch = backup_fetch_new(&fetch_options, err);
    if (backup->fetch == NULL)
        return -1;
    const struct backup_scopes_options scopes_options = {
        .vault = backup->vault,
        .ledger = backup->ledger,
        .fetch = backup->fetch,
        .scratch = backup->scratch,
    };
    backup->scopes = backup_scopes_new(&scopes_options, err);
    return backup->scopes != NULL ? 0 : -1;
}

static void
count(struct backup *backup, const struct backup_ledger_totals *totals)
{
    struct point_counts *counts = &backup->point.counts;
    uint64_t before = backup->has_previous ? backup->previous.counts.bytes : 0;
    counts->items = catalog_count(&totals->root);
    counts->bytes = before + (uint64_t)totals->bytes_grown;
    counts->items_new = totals->added;
    counts->items_changed = totals->changed;
    counts->items_deleted = totals->removed;
    counts->items_skipped = totals->skipped;
    counts->items_failed = totals->failed;
    counts->bytes_read = atomic_load(&backup->task->bytes_read);
}

static int
commit(struct backup *backup, struct error *err)
{
    struct backup_ledger_totals totals;
    struct vault_writer_progress written;
    CLEANUP(buffer_clear) struct buffer cursor = BUFFER_INIT(CURSOR_CEILING);
    task_phase(backup->task, "commit");
    if (source_cursor(backup->source, &cursor, err) != 0 ||
        backup_ledger_finish(backup->ledger, backup->result, &totals, err) != 0 ||
        vault_writer_flush(backup->writer, err) != 0)
        return -1;
    vault_writer_progress(backup->writer, &written);
    backup->point.catalog = totals.root;
    backup->point.outcomes = totals.outcomes;
    count(backup, &totals);
    backup->point.counts.bytes_stored = written.bytes_stored;
    if (cancel_check(&backup->task->cancel, err) != 0 ||
        point_commit(backup->vault, backup->writer, &backup->point, cursor.data, cursor.len, err) != 0)
        return -1;
    backup->result->locked_until_ms = backup->access != NULL ? vault_access_locked_until(backup->access) : 0;
    backup_task_observe(backup);
    /* The service's own estimate is of no interest any more. */
    atomic_store(&backup->task->items_total, atomic_load(&backup->task->items_done));
    report(backup, &backup->point);
    return 0;
}

static int
run(struct backup *backup, struct error *err)
{
    struct task *task = backup->task;
    task_phase(task, "prepare");
    if (backup->vault == NULL) {
        backup->access = vault_access_of_task(task, err);
        if (backup->access == NULL)
            return -1;
        backup->vault = vault_access_vault(backup->access);
    }
    backup->reader = vault_reader_open(backup->vault, READER_CACHE, err);
    if (backup->reader == NULL || vault_begin(backup->vault, &backup->point.epoch, err) != 0)
        return -1;
    name_point(backup);
    int committed = find_committed(backup, err);
    if (committed != 0)
        return committed < 0 ? -1 : 0;
    if (read_previous(backup, err) != 0 || backup_repair_begin(backup, err) != 0 || open_graph(backup, err) != 0 ||
        open_source(backup, err) != 0 || open_pipeline(backup, err) != 0)
        return -1;
    task_phase(task, "transfer");
    if (backup_round_run(backup, err) != 0 || backup_gaps_run(backup, err) != 0 ||
        backup_repair_run(backup, err) != 0 || backup_scopes_finish(backup->scopes, err) != 0)
        return -1;
    return commit(backup, err);
}

int
backup_task_run_with(struct task *task, const struct backup_task_parts *parts, struct task_result *result,
                     struct error *err)
{
    struct backup backup = { .task = task, .result = result, .driver = parts->driver, .vault = parts->vault };
    rate_limit_init(&backup.limit, task->services->clock, task->order->bytes_per_second);
    backup.scratch = memory_printf("%s/scratch", task->services->config->state_dir);
    int failed = run(&backup, err);
    /* What is still being fetched or uploaded is of no use any more. */
    if (failed != 0)
        cancel_raise(&task->cancel, err->kind, err->text);
    backup_clear(&backup);
    return failed;
}

int
backup_task_run(struct task *task, struct task_result *result, struct error *err)
{
    const struct backup_task_parts parts = {
        .driver = task->order->object.kind == TASK_OBJECT_MAILBOX ? &exchange_driver : &drive_driver,
    };
    return backup_task_run_with(task, &parts, result, err);
}
