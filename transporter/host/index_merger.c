#include "transporter/host/index_merger.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/crypto/private_file.h"
#include "transporter/host/index_merge.h"
#include "transporter/host/vault_host_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct index_merger {
    struct vault_host *host;
    pthread_mutex_t lock;    /* kicked, running */
    pthread_mutex_t merging; /* one merge at a time */
    pthread_cond_t wake;
    bool kicked, running;
    atomic_bool stop;
    pthread_t thread;
};

/* A merge under way. */
struct job {
    struct vault_host *host;
    struct index_segment *segments[INDEX_MERGE_MAX]; /* owned; the newest first */
    size_t count;
    uint64_t epoch; /* of the retire journal when the merge began */
    size_t lost;
};

struct index_merger *
index_merger_new(struct vault_host *host)
{
    struct index_merger *merger = MEMORY_NEW(struct index_merger);
    merger->host = host;
    pthread_mutex_init(&merger->lock, NULL);
    pthread_mutex_init(&merger->merging, NULL);
    pthread_cond_init(&merger->wake, NULL);
    return merger;
}

static unsigned
tier_of(size_t chunks)
{
    unsigned tier = 0;
    for (size_t most = 4096; chunks > most; most *= INDEX_MERGER_FAN)
        tier++;
    return tier;
}

size_t
index_merger_choose(const size_t *chunks, size_t count, size_t *chosen, size_t most)
{
    for (unsigned tier = 0; tier <= tier_of(SIZE_MAX / (2 * INDEX_MERGER_FAN)); tier++) {
        size_t found = 0;
        for (size_t i = 0; i < count && found < most; i++)
            if (tier_of(chunks[i]) == tier)
                chosen[found++] = i;
        if (found >= INDEX_MERGER_FAN)
            return found;
    }
    return 0;
}

/* Called with the lock held. Packs that are not stored leave the index; a place that is retired or damaged gives way to
 * another.
 */
static enum index_pack_fate
fate_of(void *ctx, const uint8_t pack[16])
{
    struct vault_host *host = ctx;
    pthread_rwlock_rdlock(&host->lock);
    enum index_pack_fate fate = lost_packs_has(host->lost, pack) ? INDEX_PACK_DROP
                                : retire_state_pack(host->retired, pack) != 0 || pack_marks_touch(&host->marks, pack)
                                    ? INDEX_PACK_SPARE
                                    : INDEX_PACK_KEEP;
    pthread_rwlock_unlock(&host->lock);
    return fate;
}

static void
job_begin(struct job *job, struct vault_host *host)
{
    size_t chosen[INDEX_MERGE_MAX];
    *job = (struct job){ .host = host };
    pthread_rwlock_rdlock(&host->lock);
    size_t *chunks = memory_new((host->segment_count + 1) * sizeof(*chunks));
    for (size_t i = 0; i < host->segment_count; i++)
        chunks[i] = index_segment_chunks(host->segments[i]);
    job->count = index_merger_choose(chunks, host->segment_count, chosen, INDEX_MERGE_MAX);
    for (size_t i = 0; i < job->count; i++)
        job->segments[i] = index_segment_retain(host->segments[chosen[job->count - 1 - i]]);
    job->epoch = retire_state_epoch(host->retired);
    job->lost = lost_packs_count(host->lost);
    pthread_rwlock_unlock(&host->lock);
    free(chunks);
}

static void
job_clear(struct job *job)
{
    for (size_t i = 0; i < job->count; i++)
        index_segment_close(job->segments[i]);
}

static bool
is_merged(const struct job *job, const struct index_segment *segment)
{
    for (size_t i = 0; i < job->count; i++)
        if (job->segments[i] == segment)
            return true;
    return false;
}

/* A sweep looks at the segments it found at its beginning, so none may change under it, and what it decided in the
 * meantime may not be what the merge went by. Called with `sweeping` held. */
static bool
sweep_came_between(const struct job *job)
{
    struct vault_host *host = job->host;
    return vault_host_sweep_runs(host) || retire_state_epoch(host->retired) != job->epoch ||
           lost_packs_count(host->lost) != job->lost;
}

/* The merged segment takes the place of the newest of those it was made of. */
static bool
job_swap(const struct job *job, struct index_segment *merged)
{
    struct vault_host *host = job->host;
    pthread_mutex_lock(&host->sweeping);
    pthread_rwlock_wrlock(&host->lock);
    bool swapped = !sweep_came_between(job);
    size_t kept = 0;
    for (size_t i = 0; swapped && i < host->segment_count; i++) {
        struct index_segment *segment = host->segments[i];
        if (segment == job->segments[0])
            host->segments[kept++] = merged;
        else if (!is_merged(job, segment))
            host->segments[kept++] = segment;
        if (is_merged(job, segment))
            index_segment_close(segment);
    }
    if (swapped)
        host->segment_count = kept;
    pthread_rwlock_unlock(&host->lock);
    pthread_mutex_unlock(&host->sweeping);
    return swapped;
}

static int
job_store(struct job *job, const atomic_bool *stop, struct index_segment **merged, struct error *err)
{
    struct vault_host *host = job->host;
    CLEANUP(memory_free_p) char *folder = memory_printf("%s/index", host->state_dir);
    const struct index_merge_options options = { .segments = (const struct index_segment *const *)job->segments,
                                                 .count = job->count,
                                                 .fate = fate_of,
                                                 .fate_ctx = host,
                                                 .temp_dir = folder,
                                                 .cancel = stop };
    uint64_t size = 0;
    int fd = -1;
    if (private_file_folder(folder, err) != 0 || index_merge(&options, &fd, &size, err) != 0)
        return -1;
    *merged = vault_host_store_segment_file(host, fd, size, err);
    close(fd);
    return *merged == NULL ? -1 : 0;
}

static int
merge_once(struct index_merger *merger, struct error *err)
{
    struct index_segment *merged = NULL;
    struct job job;
    job_begin(&job, merger->host);
    int result = job.count == 0 ? 0 : job_store(&job, &merger->stop, &merged, err);
    if (result == 0 && merged != NULL) {
        result = job_swap(&job, merged) ? 1 : 0;
        for (size_t i = 0; result == 1 && i < job.count; i++)
            vault_host_remove_segment(merger->host, job.segments[i]);
        if (result == 0) {
            vault_host_remove_segment(merger->host, merged);
            index_segment_close(merged);
        }
    }
    job_clear(&job);
    return result;
}

int
index_merger_run(struct index_merger *merger, struct error *err)
{
    pthread_mutex_lock(&merger->merging);
    int result = merge_once(merger, err);
    pthread_mutex_unlock(&merger->merging);
    return result;
}

void
index_merger_pause(struct index_merger *merger)
{
    pthread_mutex_lock(&merger->merging);
}

void
index_merger_resume(struct index_merger *merger)
{
    pthread_mutex_unlock(&merger->merging);
}

static bool
wait_for_kick(struct index_merger *merger)
{
    pthread_mutex_lock(&merger->lock);
    while (!merger->kicked && !atomic_load(&merger->stop))
        pthread_cond_wait(&merger->wake, &merger->lock);
    merger->kicked = false;
    pthread_mutex_unlock(&merger->lock);
    return !atomic_load(&merger->stop);
}

static void *
run_thread(void *ctx)
{
    struct index_merger *merger = ctx;
    while (wait_for_kick(merger)) {
        struct error err = ERROR_INIT;
        int done = 1;
        while (done == 1 && !atomic_load(&merger->stop))
            done = index_merger_run(merger, &err);
        if (done < 0 && err.kind != ERROR_CANCELLED)
            log_failure(LOG_WARN, "host", &err, "merging index segments: it is tried again after the next run vault=%s",
                        merger->host->vault_id);
    }
    return NULL;
}

void
index_merger_kick(struct index_merger *merger)
{
    pthread_mutex_lock(&merger->lock);
    if (!merger->running)
        merger->running = pthread_create(&merger->thread, NULL, run_thread, merger) == 0;
    merger->kicked = true;
    pthread_cond_signal(&merger->wake);
    pthread_mutex_unlock(&merger->lock);
}

void
index_merger_free(struct index_merger *merger)
{
    if (merger == NULL)
        return;
    pthread_mutex_lock(&merger->lock);
    atomic_store(&merger->stop, true);
    pthread_cond_signal(&merger->wake);
    pthread_mutex_unlock(&merger->lock);
    if (merger->running)
        pthread_join(merger->thread, NULL);
    pthread_cond_destroy(&merger->wake);
    pthread_mutex_destroy(&merger->merging);
    pthread_mutex_destroy(&merger->lock);
    free(merger);
}
