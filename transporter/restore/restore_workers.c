#include "transporter/restore/restore_workers.h"

#include "common/base/bounded_queue.h"
#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/vault_reader.h"
#include "transporter/restore/open_format.h"
#include "transporter/restore/restore_report.h"
#include "transporter/task/cancel.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define READER_CACHE      ((size_t)8 << 20)
#define CONVERTED_CEILING ((size_t)64 << 20)

struct restore_workers {
    struct restore_workers_options options;
    struct bounded_queue *waiting; /* of struct restore_batch */
    bool joined;
    unsigned thread_count;
    pthread_t threads[];
};

/* One thread's tools. */
struct worker {
    struct restore_workers *workers;
    struct vault_reader *reader;
    struct restore_writer *writer;
    struct buffer content; /* of an item that is to be converted */
};

static const struct restore_sink_vtable *
sink_of(const struct worker *worker)
{
    return worker->workers->options.sink->vtable;
}

static void
tell(const struct worker *worker, uint64_t bytes, uint64_t items)
{
    const struct restore_workers_options *options = &worker->workers->options;
    if (options->progress != NULL)
        options->progress(options->progress_ctx, bytes, items);
}

/* A file in an open format can only be made when all of the content is there. */
static bool
converts(const struct worker *worker, const struct restore_item *item)
{
    return sink_of(worker)->files && open_format_converts(item->record.kind);
}

static int
on_read_begin(void *batch, struct vault_read *read, struct error *err)
{
    struct worker *worker = batch;
    if (cancel_check(worker->workers->options.cancel, err) != 0)
        return -1;
    worker->content.len = 0;
    return converts(worker, read->ctx) ? 0 : sink_of(worker)->begin(worker->writer, read->ctx, err);
}

static int
on_read_data(void *batch, struct vault_read *read, const uint8_t *data, size_t len, struct error *err)
{
    struct worker *worker = batch;
    tell(worker, len, 0);
    return converts(worker, read->ctx) ? buffer_append(&worker->content, data, len, err)
                                       : sink_of(worker)->data(worker->writer, data, len, err);
}

static int
write_open_format(struct worker *worker, const struct restore_item *item, const struct error *failure,
                  struct error *err)
{
    const struct restore_sink_vtable *sink = sink_of(worker);
    struct error malformed = ERROR_INIT;
    CLEANUP(buffer_clear) struct buffer file = BUFFER_INIT(2 * CONVERTED_CEILING);
    if (failure == NULL &&
        open_format_write(&item->record, worker->content.data, worker->content.len, &file, &malformed) != 0)
        failure = &malformed;
    return sink->begin(worker->writer, item, err) != 0 ||
                   (failure == NULL && sink->data(worker->writer, file.data, file.len, err) != 0) ||
                   sink->end(worker->writer, failure, err) != 0
               ? -1
               : 0;
}

static int
on_read_end(void *batch, struct vault_read *read, const struct error *failure, struct error *err)
{
    struct worker *worker = batch;
    tell(worker, 0, 1);
    return converts(worker, read->ctx) ? write_open_format(worker, read->ctx, failure, err)
                                       : sink_of(worker)->end(worker->writer, failure, err);
}

/* What it is stands in its metadata: nothing is missing though there is no content. */
static int
restore_without_content(struct worker *worker, struct restore_item *item, struct error *err)
{
    struct vault_read read = { .ctx = item };
    return on_read_begin(worker, &read, err) != 0 ? -1 : on_read_end(worker, &read, NULL, err);
}

static const struct vault_batch_vtable reading = { .begin = on_read_begin, .data = on_read_data, .end = on_read_end };

/* The point itself has no content of the item: its outcomes say why, unless the item never had any (a shortcut). */
static int
report_gap(const struct worker *worker, const struct restore_item *item, struct error *err)
{
    const struct restore_report_entry entry = { .key = item->record.key,
                                                .kind = item->record.kind,
                                                .outcome = RESTORE_SKIPPED,
                                                .path = item->path,
                                                .size = item->record.size,
                                                .reason = (item->record.flags & CATALOG_FLAG_NO_CONTENT) != 0
                                                              ? "not_in_point"
                                                              : "no_content" };
    tell(worker, 0, 1);
    return restore_report_add(worker->workers->options.sink->report, &entry, err);
}

static int
restore_batch(struct worker *worker, const struct restore_batch *batch, struct error *err)
{
    struct vault_read reads[RESTORE_PLAN_ITEMS];
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct restore_item *item = &batch->items[i];
        if (item->record.content.form == CONTENT_NONE) {
            bool whole = catalog_kind_is_structured(item->record.kind);
            if ((whole ? restore_without_content(worker, item, err) : report_gap(worker, item, err)) != 0)
                return -1;
            continue;
        }
        reads[count++] = (struct vault_read){ .ref = item->record.content, .ctx = item };
    }
    return count > 0 ? vault_reader_batch(worker->reader, reads, count, &reading, worker, err) : 0;
}

static int
work(struct worker *worker, struct error *err)
{
    struct restore_workers *workers = worker->workers;
    worker->reader = vault_reader_open(workers->options.vault, READER_CACHE, err);
    if (worker->reader == NULL)
        return -1;
    worker->writer = workers->options.sink->vtable->writer_open(workers->options.sink, err);
    int result = worker->writer != NULL ? 0 : -1;
    for (struct restore_batch *batch; result == 0 && (batch = bounded_queue_pop(workers->waiting)) != NULL;) {
        result = restore_batch(worker, batch, err);
        restore_plan_batch_free(batch);
    }
    workers->options.sink->vtable->writer_close(worker->writer);
    vault_reader_close(worker->reader);
    return result;
}

static void *
run_worker(void *ctx)
{
    struct worker worker = { .workers = ctx, .content = BUFFER_INIT(CONVERTED_CEILING) };
    struct error err = ERROR_INIT;
    if (work(&worker, &err) != 0)
        cancel_raise(worker.workers->options.cancel, err.kind, err.text);
    buffer_clear(&worker.content);
    return NULL;
}

static void
on_cancel(void *ctx)
{
    bounded_queue_abort(((struct restore_workers *)ctx)->waiting);
}

struct restore_workers *
restore_workers_new(const struct restore_workers_options *options, struct error *err)
{
    struct restore_workers *workers = memory_new(sizeof(*workers) + options->threads * sizeof(workers->threads[0]));
    workers->options = *options;
    workers->waiting = bounded_queue_new(1, SIZE_MAX);
    cancel_hook(options->cancel, on_cancel, workers);
    for (unsigned i = 0; i < options->threads; i++) {
        int failed = pthread_create(&workers->threads[i], NULL, run_worker, workers);
        if (failed != 0) {
            FAIL(err, ERROR_LIMIT, failed, "cannot start a thread to restore: %s", strerror(failed));
            restore_workers_free(workers);
            return NULL;
        }
        workers->thread_count++;
    }
    return workers;
}

int
restore_workers_push(struct restore_workers *workers, struct restore_batch *batch, struct error *err)
{
    if (bounded_queue_push(workers->waiting, batch, 1))
        return 0;
    restore_plan_batch_free(batch);
    if (cancel_check(workers->options.cancel, err) != 0)
        return -1;
    return FAIL(err, ERROR_CANCELLED, 0, "restoring has ended");
}

static void
join(struct restore_workers *workers)
{
    for (unsigned i = 0; !workers->joined && i < workers->thread_count; i++)
        pthread_join(workers->threads[i], NULL);
    workers->joined = true;
}

int
restore_workers_finish(struct restore_workers *workers, struct error *err)
{
    bounded_queue_close(workers->waiting);
    join(workers);
    return cancel_check(workers->options.cancel, err);
}

static void
drop_batch(void *batch)
{
    restore_plan_batch_free(batch);
}

void
restore_workers_free(struct restore_workers *workers)
{
    if (workers == NULL)
        return;
    bounded_queue_abort(workers->waiting);
    join(workers);
    cancel_unhook(workers->options.cancel, on_cancel, workers);
    bounded_queue_free(workers->waiting, drop_batch);
    free(workers);
}
