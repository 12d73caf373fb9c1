#include "director/jobs/live_progress.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define SAMPLES   16
#define SAMPLE_MS 2000 /* apart; so the window is half a minute */
#define JITTER_MS 2000
/* A pause shorter than this is everyday life. */
#define WORTH_TELLING_MS 5000

struct sample {
    int64_t at_ms;
    uint64_t items, bytes;
};

struct entry {
    char task[IDENTIFIER_LEN];
    char run[IDENTIFIER_LEN];
    char phase[32];
    struct store_counts counts;
    struct store_counts stored; /* what the row had when this was put in: the difference is not in the run's sum */
    int64_t updated_ms;
    int64_t throttled_since_ms, throttled_until_ms; /* 0: it is not */
    struct sample samples[SAMPLES];
    size_t sample_count; /* ever taken */
    UT_hash_handle hh;
};

struct live_progress {
    struct entry *entries;
};

struct live_progress *
live_progress_new(void)
{
    return MEMORY_NEW(struct live_progress);
}

void
live_progress_free(struct live_progress *live)
{
    struct entry *entry, *next;

    if (live == NULL)
        return;
    HASH_ITER (hh, live->entries, entry, next) {
        HASH_DEL(live->entries, entry);
        free(entry);
    }
    free(live);
}

static struct entry *
find(const struct live_progress *live, const char *task_id)
{
    struct entry *entry = NULL;

    HASH_FIND_STR(live->entries, task_id, entry);
    return entry;
}

void
live_progress_put(struct live_progress *live, const struct store_task *task, const char *phase,
                  const struct store_counts *counts, int64_t now_ms)
{
    struct entry *entry = find(live, task->id);

    if (entry == NULL) {
        entry = MEMORY_NEW(struct entry);
        memcpy(entry->task, task->id, sizeof(entry->task));
        memcpy(entry->run, task->run, sizeof(entry->run));
        HASH_ADD_STR(live->entries, task, entry);
    }
    snprintf(entry->phase, sizeof(entry->phase), "%s", phase);
    entry->counts = *counts;
    entry->stored = task->counts;
    entry->updated_ms = now_ms;
    const struct sample *last = &entry->samples[(entry->sample_count + SAMPLES - 1) % SAMPLES];
    if (entry->sample_count == 0 || now_ms - last->at_ms >= SAMPLE_MS)
        entry->samples[entry->sample_count++ % SAMPLES] =
            (struct sample){ now_ms, counts->items_done, counts->bytes_read };
}

/* Reports are late by a varying little: a time that has moved by no more has not moved. */
static int64_t
steady(int64_t before, int64_t now)
{
    return before - now < JITTER_MS && now - before < JITTER_MS ? before : now;
}

void
live_progress_throttled(struct live_progress *live, const char *task_id, uint64_t for_ms, uint64_t wait_ms,
                        int64_t now_ms)
{
    struct entry *entry = find(live, task_id);

    if (entry == NULL)
        return;
    if (for_ms == 0 || for_ms + wait_ms < WORTH_TELLING_MS) {
        entry->throttled_since_ms = entry->throttled_until_ms = 0;
        return;
    }
    entry->throttled_since_ms = steady(entry->throttled_since_ms, now_ms - (int64_t)for_ms);
    entry->throttled_until_ms = steady(entry->throttled_until_ms, now_ms + (int64_t)wait_ms);
}

void
live_progress_saved(struct live_progress *live, const struct store_task *task)
{
    struct entry *entry = find(live, task->id);

    if (entry != NULL)
        entry->stored = task->counts;
}

void
live_progress_drop(struct live_progress *live, const char *task_id)
{
    struct entry *entry = find(live, task_id);

    if (entry == NULL)
        return;
    HASH_DEL(live->entries, entry);
    free(entry);
}

bool
live_progress_get(const struct live_progress *live, struct store_task *task)
{
    const struct entry *entry = find(live, task->id);

    if (entry == NULL)
        return false;
    task->counts = entry->counts;
    memcpy(task->phase, entry->phase, sizeof(task->phase));
    return true;
}

/* Over the oldest sample that is still within the window. */
static void
add_rate(const struct entry *entry, int64_t now_ms, struct director_progress *out)
{
    size_t kept = entry->sample_count < SAMPLES ? entry->sample_count : SAMPLES;

    for (size_t i = kept; i > 0; i--) {
        const struct sample *from = &entry->samples[(entry->sample_count - i) % SAMPLES];
        int64_t ms = now_ms - from->at_ms;
        if (ms <= 0 || ms > SAMPLES * SAMPLE_MS)
            continue;
        if (entry->counts.items_done > from->items)
            out->items_per_second += (entry->counts.items_done - from->items) * 1000 / (uint64_t)ms;
        if (entry->counts.bytes_read > from->bytes)
            out->bytes_per_second += (entry->counts.bytes_read - from->bytes) * 1000 / (uint64_t)ms;
        return;
    }
}

static void
add_throttle(const struct entry *entry, struct director_progress *out)
{
    if (entry->throttled_since_ms == 0)
        return;
    if (out->throttled == 0 || entry->throttled_since_ms < out->throttled_since_ms)
        out->throttled_since_ms = entry->throttled_since_ms;
    if (out->throttled == 0 || entry->throttled_until_ms < out->throttled_until_ms)
        out->throttled_until_ms = entry->throttled_until_ms;
    out->throttled++;
}

static void
estimate(struct director_progress *out)
{
    const struct store_counts *c = &out->counts;

    out->seconds_left = -1;
    if (c->bytes_total > c->bytes_read && out->bytes_per_second > 0)
        out->seconds_left = (int64_t)((c->bytes_total - c->bytes_read) / out->bytes_per_second);
    else if (c->items_total > c->items_done && out->items_per_second > 0)
        out->seconds_left = (int64_t)((c->items_total - c->items_done) / out->items_per_second);
}

void
live_progress_of_task(const struct live_progress *live, const struct store_task *task, int64_t now_ms,
                      struct director_progress *out)
{
    const struct entry *entry = find(live, task->id);

    memset(out, 0, sizeof(*out));
    out->counts = task->counts;
    out->updated_ms = task->finished_ms;
    if (entry != NULL) {
        out->counts = entry->counts;
        out->updated_ms = entry->updated_ms;
        add_rate(entry, now_ms, out);
        add_throttle(entry, out);
    }
    estimate(out);
}

/* total + (fresh - stale), without wrapping. */
static void
replace(uint64_t *total, uint64_t stale, uint64_t fresh)
{
    *total = (*total > stale ? *total - stale : 0) + fresh;
}

static void
replace_all(struct store_counts *total, const struct store_counts *stale, const struct store_counts *fresh)
{
    replace(&total->items_done, stale->items_done, fresh->items_done);
    replace(&total->items_total, stale->items_total, fresh->items_total);
    replace(&total->bytes_read, stale->bytes_read, fresh->bytes_read);
    replace(&total->bytes_total, stale->bytes_total, fresh->bytes_total);
    replace(&total->bytes_stored, stale->bytes_stored, fresh->bytes_stored);
    replace(&total->requests, stale->requests, fresh->requests);
    replace(&total->throttled_ms, stale->throttled_ms, fresh->throttled_ms);
    replace(&total->items_skipped, stale->items_skipped, fresh->items_skipped);
    replace(&total->items_failed, stale->items_failed, fresh->items_failed);
    replace(&total->chunks_checked, stale->chunks_checked, fresh->chunks_checked);
    replace(&total->damaged, stale->damaged, fresh->damaged);
}

int
live_progress_of_run(const struct live_progress *live, struct store *store, const struct store_run *run, int64_t now_ms,
                     struct director_progress *out, struct error *err)
{
    struct store_run sum = *run;
    const struct entry *entry, *next;

    memset(out, 0, sizeof(*out));
    if (!store_run_state_final(run->state) && store_tasks_sum(store, &sum, err) != 0)
        return -1;
    out->counts = sum.totals;
    out->updated_ms = run->finished_ms;
    HASH_ITER (hh, live->entries, entry, next) {
        if (strcmp(entry->run, run->id) != 0)
            continue;
        replace_all(&out->counts, &entry->stored, &entry->counts);
        add_rate(entry, now_ms, out);
        add_throttle(entry, out);
        if (entry->updated_ms > out->updated_ms)
            out->updated_ms = entry->updated_ms;
    }
    estimate(out);
    return 0;
}
