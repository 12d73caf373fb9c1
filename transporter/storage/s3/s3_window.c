#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/storage/s3/s3_internal.h"

#include <pthread.h>
#include <string.h>

#define BLOCK_MAX ((size_t)1 << 20)

struct slot {
    uint8_t *bytes;
    size_t len;
    bool full;
};

/* Segment n goes through slot n % lanes: fetchers take segments in order, the calling thread empties them in order. */
struct window {
    struct s3 *s3;
    const char *key, *version;
    uint64_t offset, len;
    size_t next, emptied, count; /* segments to fetch, delivered, all */
    unsigned lanes;
    struct slot slots[S3_LANES];
    bool stopped;
    struct error err;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

static int
keep_block(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct slot *slot = ctx;
    if (len > S3_WINDOW_SEGMENT - slot->len)
        return FAIL(err, ERROR_INTERNAL, 0, "a segment with more bytes than asked for");
    memcpy(slot->bytes + slot->len, data, len);
    slot->len += len;
    return 0;
}

static void
stop(struct window *window, const struct error *err)
{
    if (!window->stopped && err != NULL)
        window->err = *err;
    window->stopped = true;
    pthread_cond_broadcast(&window->changed);
}

static void *
fetch_along(void *ctx)
{
    struct window *window = ctx;
    pthread_mutex_lock(&window->lock);
    while (!window->stopped && window->next < window->count) {
        if (window->next >= window->emptied + window->lanes) {
            pthread_cond_wait(&window->changed, &window->lock);
            continue;
        }
        size_t index = window->next++;
        pthread_mutex_unlock(&window->lock);
        struct slot *slot = &window->slots[index % window->lanes];
        uint64_t at = (uint64_t)index * S3_WINDOW_SEGMENT, left = window->len - at;
        struct error err = ERROR_INIT;
        slot->len = 0;
        int failed = s3_range_fetch(window->s3, window->key, window->version, window->offset + at,
                                    left < S3_WINDOW_SEGMENT ? left : S3_WINDOW_SEGMENT, keep_block, slot, &err);
        pthread_mutex_lock(&window->lock);
        slot->full = failed == 0;
        if (failed != 0)
            stop(window, &err);
        pthread_cond_broadcast(&window->changed);
    }
    pthread_mutex_unlock(&window->lock);
    return NULL;
}

static int
deliver(struct window *window, storage_block_fn *sink, void *ctx, struct error *err)
{
    for (size_t index = 0; index < window->count; index++) {
        struct slot *slot = &window->slots[index % window->lanes];
        pthread_mutex_lock(&window->lock);
        while (!window->stopped && !slot->full)
            pthread_cond_wait(&window->changed, &window->lock);
        bool full = slot->full;
        pthread_mutex_unlock(&window->lock);
        if (!full)
            return -1;
        for (size_t at = 0; at < slot->len; at += BLOCK_MAX)
            if (sink(ctx, slot->bytes + at, slot->len - at < BLOCK_MAX ? slot->len - at : BLOCK_MAX, err) != 0)
                return -1;
        pthread_mutex_lock(&window->lock);
        slot->full = false;
        window->emptied++;
        pthread_cond_broadcast(&window->changed);
        pthread_mutex_unlock(&window->lock);
    }
    return 0;
}

static int
run(struct window *window, storage_block_fn *sink, void *ctx, struct error *err)
{
    pthread_t threads[S3_LANES];
    unsigned running = 0;
    while (running < window->lanes && pthread_create(&threads[running], NULL, fetch_along, window) == 0)
        running++;
    int failed = running > 0 ? deliver(window, sink, ctx, err) : FAIL(err, ERROR_LIMIT, 0, "no thread can be started");
    pthread_mutex_lock(&window->lock);
    if (failed != 0)
        stop(window, NULL);
    pthread_mutex_unlock(&window->lock);
    for (unsigned i = 0; i < running; i++)
        pthread_join(threads[i], NULL);
    if (failed != 0 && !error_is_set(err))
        *err = window->err;
    return failed;
}

int
s3_window_get(struct s3 *s3, const char *key, const char *version, uint64_t offset, uint64_t len,
              storage_block_fn *sink, void *ctx, struct error *err)
{
    struct window window = { .s3 = s3, .key = key, .version = version, .offset = offset, .len = len };
    window.count = (size_t)((len + S3_WINDOW_SEGMENT - 1) / S3_WINDOW_SEGMENT);
    window.lanes = s3_parallel_take(s3, window.count < S3_LANES ? (unsigned)window.count : S3_LANES);
    if (window.lanes < 2) {
        s3_parallel_give(s3, window.lanes);
        return s3_range_fetch(s3, key, version, offset, len, sink, ctx, err);
    }
    int failed = 0;
    window.err = (struct error)ERROR_INIT;
    for (unsigned i = 0; i < window.lanes && failed == 0; i++) {
        window.slots[i].bytes = memory_array(1, S3_WINDOW_SEGMENT, S3_WINDOW_SEGMENT, err);
        failed = window.slots[i].bytes == NULL ? -1 : 0;
    }
    pthread_mutex_init(&window.lock, NULL);
    pthread_cond_init(&window.changed, NULL);
    if (failed == 0)
        failed = run(&window, sink, ctx, err);
    pthread_cond_destroy(&window.changed);
    pthread_mutex_destroy(&window.lock);
    for (unsigned i = 0; i < window.lanes; i++)
        memory_free_p(&window.slots[i].bytes);
    s3_parallel_give(s3, window.lanes);
    return failed;
}
