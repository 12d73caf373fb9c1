#include "transporter/pipeline/backup_fetch.h"

#include "common/base/bounded_queue.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/vault_writer.h"
#include "transporter/pipeline/backup_ledger.h"
#include "transporter/pipeline/item_record.h"
#include "transporter/pipeline/rate_limit.h"
#include "transporter/task/task.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WAITING_MAX   64
#define WAITING_BYTES ((size_t)8 << 20)

/* An item on its way, from the push until the ledger knows its fate. */
struct flight {
    struct source_item *item;
    struct catalog_key_buffer key;
    bool repair;
    struct flight *next;
};

struct backup_fetch {
    struct backup_fetch_options options;
    struct bounded_queue *waiting; /* of struct flight */
    pthread_mutex_t lock;
    pthread_cond_t landed;
    struct flight *flights;
    uint64_t unrepaired;
    unsigned thread_count;
    pthread_t threads[];
};

/* One fetch's way into the vault. */
struct passage {
    struct backup_fetch *fetch;
    enum vault_content type;
    struct vault_stream *stream;
    uint64_t bytes;
};

static int
on_content(void *ctx, const void *data, size_t len, struct error *err)
{
    struct passage *passage = ctx;
    struct task *task = passage->fetch->options.task;
    rate_limit_take(passage->fetch->options.limit, len, &task->cancel);
    if (cancel_check(&task->cancel, err) != 0 || vault_stream_write(passage->stream, data, len, err) != 0)
        return -1;
    passage->bytes += len;
    atomic_fetch_add(&task->bytes_read, len);
    return 0;
}

static int
on_restart(void *ctx, struct error *err)
{
    struct passage *passage = ctx;
    vault_stream_abort(MOVE(passage->stream));
    atomic_fetch_sub(&passage->fetch->options.task->bytes_read, passage->bytes);
    passage->bytes = 0;
    passage->stream = vault_stream_begin(passage->fetch->options.writer, passage->type, err);
    return passage->stream != NULL ? 0 : -1;
}

/* What the source says of the item becomes its record. */
static int
settle(struct passage *passage, const struct flight *flight, const struct source_outcome *outcome, struct error *err)
{
    struct backup_ledger *ledger = passage->fetch->options.ledger;
    struct content_ref ref = { .form = CONTENT_NONE };
    struct content_parts parts;
    switch (outcome->result) {
    case SOURCE_STORED:
        if (vault_stream_end_message(MOVE(passage->stream), &parts, &ref, err) != 0 ||
            backup_ledger_put_stored(ledger, flight->item, &ref, &parts, err) != 0)
            return -1;
        return outcome->reason[0] != '\0' ? backup_ledger_outcome(ledger, flight->item, outcome, err) : 0;
    case SOURCE_GONE:
        return backup_ledger_remove(ledger, catalog_key_of(&flight->key), err);
    case SOURCE_SKIPPED:
    case SOURCE_FAILED:
        if (flight->repair) {
            pthread_mutex_lock(&passage->fetch->lock);
            passage->fetch->unrepaired++;
            pthread_mutex_unlock(&passage->fetch->lock);
            return 0;
        }
        if (backup_ledger_put(ledger, flight->item, NULL, true, err) != 0)
            return -1;
        return backup_ledger_outcome(ledger, flight->item, outcome, err);
    }
    return 0;
}

static int
fetch_one(struct backup_fetch *fetch, const struct flight *flight, struct error *err)
{
    struct passage passage = { .fetch = fetch,
                               .type = catalog_kind_is_mime(flight->item->kind) ? VAULT_MESSAGE : VAULT_FILE };
    const struct source_sink sink = { .ctx = &passage, .write = on_content, .restart = on_restart };
    struct source_outcome outcome = { .result = SOURCE_FAILED };
    if (cancel_check(&fetch->options.task->cancel, err) != 0)
        return -1;
    passage.stream = vault_stream_begin(fetch->options.writer, passage.type, err);
    if (passage.stream == NULL)
        return -1;
    int result = source_fetch(fetch->options.source, flight->item, &sink, &outcome, err);
    if (result == 0)
        result = settle(&passage, flight, &outcome, err);
    vault_stream_abort(passage.stream);
    return result;
}

static void
land(struct backup_fetch *fetch, struct flight *flight)
{
    pthread_mutex_lock(&fetch->lock);
    struct flight **at = &fetch->flights;
    while (*at != flight)
        at = &(*at)->next;
    *at = flight->next;
    pthread_cond_broadcast(&fetch->landed);
    pthread_mutex_unlock(&fetch->lock);
    source_item_free(flight->item);
    free(flight);
}

static void *
run_fetches(void *ctx)
{
    struct backup_fetch *fetch = ctx;
    struct task *task = fetch->options.task;
    for (struct flight *flight; (flight = bounded_queue_pop(fetch->waiting)) != NULL;) {
        struct error err = ERROR_INIT;
        if (fetch_one(fetch, flight, &err) != 0)
            cancel_raise(&task->cancel, err.kind, err.text);
        else
            atomic_fetch_add(&task->items_done, 1);
        land(fetch, flight);
    }
    return NULL;
}

static void
on_cancel(void *ctx)
{
    struct backup_fetch *fetch = ctx;
    bounded_queue_abort(fetch->waiting);
    vault_writer_cancel(fetch->options.writer);
    pthread_mutex_lock(&fetch->lock);
    pthread_cond_broadcast(&fetch->landed);
    pthread_mutex_unlock(&fetch->lock);
}

struct backup_fetch *
backup_fetch_new(const struct backup_fetch_options *options, struct error *err)
{
    struct backup_fetch *fetch = memory_new(sizeof(*fetch) + options->threads * sizeof(fetch->threads[0]));
    fetch->options = *options;
    fetch->waiting = bounded_queue_new(WAITING_MAX, WAITING_BYTES);
    pthread_mutex_init(&fetch->lock, NULL);
    pthread_cond_init(&fetch->landed, NULL);
    cancel_hook(&options->task->cancel, on_cancel, fetch);
    for (unsigned i = 0; i < options->threads; i++) {
        int failed = pthread_create(&fetch->threads[i], NULL, run_fetches, fetch);
        if (failed != 0) {
            FAIL(err, ERROR_LIMIT, failed, "cannot start a thread to fetch: %s", strerror(failed));
            backup_fetch_free(fetch);
            return NULL;
        }
        fetch->thread_count++;
    }
    return fetch;
}

void
backup_fetch_free(struct backup_fetch *fetch)
{
    if (fetch == NULL)
        return;
    bounded_queue_abort(fetch->waiting);
    for (unsigned i = 0; i < fetch->thread_count; i++)
        pthread_join(fetch->threads[i], NULL);
    cancel_unhook(&fetch->options.task->cancel, on_cancel, fetch);
    while (fetch->flights != NULL) {
        struct flight *flight = fetch->flights;
        fetch->flights = flight->next;
        source_item_free(flight->item);
        free(flight);
    }
    bounded_queue_free(fetch->waiting, NULL);
    pthread_cond_destroy(&fetch->landed);
    pthread_mutex_destroy(&fetch->lock);
    free(fetch);
}

static int
push(struct backup_fetch *fetch, struct source_item *item, bool repair, struct error *err)
{
    struct flight *flight = MEMORY_NEW(struct flight);
    flight->item = item;
    flight->repair = repair;
    if (item_record_key(item->kind, item->id, &flight->key, err) != 0) {
        source_item_free(item);
        free(flight);
        return -1;
    }
    pthread_mutex_lock(&fetch->lock);
    flight->next = fetch->flights;
    fetch->flights = flight;
    pthread_mutex_unlock(&fetch->lock);
    if (bounded_queue_push(fetch->waiting, flight, item->metadata_len))
        return 0;
    land(fetch, flight);
    if (cancel_check(&fetch->options.task->cancel, err) != 0)
        return -1;
    return FAIL(err, ERROR_CANCELLED, 0, "fetching has ended");
}

int
backup_fetch_push(struct backup_fetch *fetch, struct source_item *item, struct error *err)
{
    return push(fetch, item, false, err);
}

int
backup_fetch_push_repair(struct backup_fetch *fetch, struct source_item *item, struct error *err)
{
    return push(fetch, item, true, err);
}

uint64_t
backup_fetch_unrepaired(struct backup_fetch *fetch)
{
    pthread_mutex_lock(&fetch->lock);
    uint64_t count = fetch->unrepaired;
    pthread_mutex_unlock(&fetch->lock);
    return count;
}

static bool
is_flying_locked(const struct backup_fetch *fetch, const struct catalog_key *key)
{
    for (const struct flight *f = fetch->flights; f != NULL; f = f->next)
        if (key == NULL || catalog_key_equal(catalog_key_of(&f->key), *key))
            return true;
    return false;
}

static int
await(struct backup_fetch *fetch, const struct catalog_key *key, struct error *err)
{
    struct cancel *cancel = &fetch->options.task->cancel;
    pthread_mutex_lock(&fetch->lock);
    while (!cancel_raised(cancel) && is_flying_locked(fetch, key))
        pthread_cond_wait(&fetch->landed, &fetch->lock);
    pthread_mutex_unlock(&fetch->lock);
    return cancel_check(cancel, err);
}

int
backup_fetch_await(struct backup_fetch *fetch, struct catalog_key key, struct error *err)
{
    return await(fetch, &key, err);
}

int
backup_fetch_drain(struct backup_fetch *fetch, struct error *err)
{
    return await(fetch, NULL, err);
}
