#include "common/vault/vault_writer.h"

#include "common/base/memory.h"
#include "common/vault/vault_writer_internal.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_SEALERS   2
#define DEFAULT_UPLOADERS 2
#define DEFAULT_PACK      ((size_t)16 << 20)
#define LEAST_PACK        ((size_t)64 << 10)
#define MOST_PACK         ((size_t)32 << 20)

struct vault_writer_options
vault_writer_options_for(unsigned writers)
{
    if (writers <= 1)
        return (struct vault_writer_options){ .sealers = 2, .uploaders = 2, .pack_bytes = DEFAULT_PACK };
    if (writers <= 2)
        return (struct vault_writer_options){ .sealers = 2, .uploaders = 1, .pack_bytes = DEFAULT_PACK };
    size_t pack = writers <= 4 ? DEFAULT_PACK / 32 * 5 : DEFAULT_PACK / 8;
    return (struct vault_writer_options){ .sealers = 1, .uploaders = 1, .pack_bytes = pack };
}

static struct vault_writer_options
complete_options(const struct vault_writer_options *given)
{
    struct vault_writer_options o = { 0 };
    if (given != NULL)
        o = *given;
    o.sealers = o.sealers == 0 ? DEFAULT_SEALERS : o.sealers;
    o.uploaders = o.uploaders == 0 ? DEFAULT_UPLOADERS : o.uploaders;
    o.pack_bytes = o.pack_bytes == 0 ? DEFAULT_PACK : o.pack_bytes;
    o.sealers = o.sealers > WRITER_MAX_THREADS ? WRITER_MAX_THREADS : o.sealers;
    o.uploaders = o.uploaders > WRITER_MAX_THREADS ? WRITER_MAX_THREADS : o.uploaders;
    o.pack_bytes = o.pack_bytes < LEAST_PACK ? LEAST_PACK : o.pack_bytes;
    o.pack_bytes = o.pack_bytes > MOST_PACK ? MOST_PACK : o.pack_bytes;
    return o;
}

static int
start_threads(struct vault_writer *writer, struct error *err)
{
    int failed = pthread_create(&writer->dedup, NULL, vault_writer_dedup_run, writer);
    writer->dedup_running = failed == 0;
    for (; failed == 0 && writer->sealers_running < writer->options.sealers; writer->sealers_running++) {
        failed = pthread_create(&writer->sealers[writer->sealers_running], NULL, vault_writer_seal_run, writer);
        if (failed != 0)
            break;
    }
    for (; failed == 0 && writer->uploaders_running < writer->options.uploaders; writer->uploaders_running++) {
        failed = pthread_create(&writer->uploaders[writer->uploaders_running], NULL, vault_writer_upload_run, writer);
        if (failed != 0)
            break;
    }
    if (failed != 0)
        return FAIL(err, ERROR_LIMIT, failed, "cannot start a thread: %s", strerror(failed));
    return 0;
}

struct vault_writer *
vault_writer_open(struct vault *vault, const struct vault_writer_options *options, struct error *err)
{
    CLEANUP(vault_writer_close_p) struct vault_writer *writer = MEMORY_NEW(struct vault_writer);
    writer->vault = vault;
    writer->options = complete_options(options);
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->changed, NULL);
    writer->recent = memory_new(WRITER_RECENT * sizeof(writer->recent[0]));
    writer->pack_names = memory_new(VAULT_WRITER_PACKS_KEPT * sizeof(writer->pack_names[0]));
    writer->names_out = memory_new(VAULT_WRITER_PACKS_KEPT * sizeof(writer->names_out[0]));
    writer->found = bounded_queue_new(16384, WRITER_QUEUE_BYTES);
    writer->groups = bounded_queue_new(writer->options.sealers, (size_t)-1);
    writer->packs = bounded_queue_new(WRITER_MAX_THREADS + 2, (size_t)-1);
    if (start_threads(writer, err) != 0)
        return NULL;
    return MOVE(writer);
}

static void
stop_queues(struct vault_writer *writer)
{
    bounded_queue_abort(writer->found);
    bounded_queue_abort(writer->groups);
    bounded_queue_abort(writer->packs);
}

void
vault_writer_fail(struct vault_writer *writer, const struct error *why)
{
    pthread_mutex_lock(&writer->lock);
    if (!writer->failed) {
        writer->failed = true;
        writer->failure = *why;
    }
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    stop_queues(writer);
}

void
vault_writer_cancel(struct vault_writer *writer)
{
    struct error why = ERROR_INIT;
    FAIL(&why, ERROR_CANCELLED, 0, "cancelled");
    vault_writer_fail(writer, &why);
}

int
vault_writer_failed(struct vault_writer *writer, struct error *err)
{
    pthread_mutex_lock(&writer->lock);
    if (err != NULL && !error_is_set(err)) {
        if (writer->failed)
            *err = writer->failure;
        else
            FAIL(err, ERROR_INTERNAL, 0, "the vault writer stopped without a reason");
    }
    pthread_mutex_unlock(&writer->lock);
    return -1;
}

void
vault_writer_close(struct vault_writer *writer)
{
    if (writer == NULL)
        return;
    vault_writer_cancel(writer);
    if (writer->dedup_running)
        pthread_join(writer->dedup, NULL);
    for (unsigned i = 0; i < writer->sealers_running; i++)
        pthread_join(writer->sealers[i], NULL);
    for (unsigned i = 0; i < writer->uploaders_running; i++)
        pthread_join(writer->uploaders[i], NULL);
    bounded_queue_free(writer->found, free);
    bounded_queue_free(writer->groups, free);
    vault_writer_free_groups(writer);
    bounded_queue_free(writer->packs, NULL);
    vault_writer_free_packs(writer);
    vault_stream_free_idle(writer);
    vault_writer_forget_all(writer);
    pthread_mutex_destroy(&writer->lock);
    pthread_cond_destroy(&writer->changed);
    free(writer->recent);
    free(writer->pack_names);
    free(writer->names_out);
    free(writer);
}

void
vault_writer_close_p(struct vault_writer **writer)
{
    vault_writer_close(*writer);
    *writer = NULL;
}

static int
wait_for_zero(struct vault_writer *writer, const size_t *counter, struct error *err)
{
    pthread_mutex_lock(&writer->lock);
    while (!writer->failed && *counter > 0)
        pthread_cond_wait(&writer->changed, &writer->lock);
    bool failed = writer->failed;
    pthread_mutex_unlock(&writer->lock);
    return failed ? vault_writer_failed(writer, err) : 0;
}

int
vault_writer_flush(struct vault_writer *writer, struct error *err)
{
    if (vault_writer_feed_marker(writer, err) != 0 || wait_for_zero(writer, &writer->chunks_pending, err) != 0 ||
        wait_for_zero(writer, &writer->groups_pending, err) != 0)
        return -1;
    if (vault_writer_close_pack(writer, err) != 0)
        return -1;
    return wait_for_zero(writer, &writer->packs_pending, err);
}

void
vault_writer_progress(struct vault_writer *writer, struct vault_writer_progress *progress)
{
    pthread_mutex_lock(&writer->lock);
    *progress = writer->progress;
    pthread_mutex_unlock(&writer->lock);
}

const char (*vault_writer_packs(struct vault_writer *writer, size_t *count))[PACK_NAME_LEN]
{
    pthread_mutex_lock(&writer->lock);
    *count = writer->pack_names_count;
    for (size_t i = 0; i < *count; i++)
        memcpy(writer->names_out[i], writer->pack_names[(writer->pack_names_at + i) % VAULT_WRITER_PACKS_KEPT],
               PACK_NAME_LEN);
    pthread_mutex_unlock(&writer->lock);
    return (const char(*)[PACK_NAME_LEN])writer->names_out;
}
