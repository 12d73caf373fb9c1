#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/storage/s3/s3_internal.h"

#include <pthread.h>

struct crowd {
    pthread_mutex_t lock;
    size_t next, count;
    bool failed;
    s3_parallel_fn *work;
    void *ctx;
    struct error err; /* of the first that failed */
};

unsigned
s3_parallel_take(struct s3 *s3, unsigned want)
{
    int held = atomic_load(&s3->lanes);
    for (;;) {
        int more = S3_LANES_ALL - held < (int)want ? S3_LANES_ALL - held : (int)want;
        if (more <= 0)
            return 0;
        if (atomic_compare_exchange_weak(&s3->lanes, &held, held + more))
            return (unsigned)more;
    }
}

void
s3_parallel_give(struct s3 *s3, unsigned lanes)
{
    atomic_fetch_sub(&s3->lanes, (int)lanes);
}

static void *
work_along(void *ctx)
{
    struct crowd *crowd = ctx;
    for (;;) {
        struct error err = ERROR_INIT;
        pthread_mutex_lock(&crowd->lock);
        size_t index = crowd->failed ? crowd->count : crowd->next;
        crowd->next += index < crowd->count;
        pthread_mutex_unlock(&crowd->lock);
        if (index == crowd->count)
            return NULL;
        if (crowd->work(crowd->ctx, index, &err) == 0)
            continue;
        pthread_mutex_lock(&crowd->lock);
        if (!crowd->failed)
            crowd->err = err;
        crowd->failed = true;
        pthread_mutex_unlock(&crowd->lock);
        return NULL;
    }
}

int
s3_parallel_run(struct s3 *s3, size_t count, s3_parallel_fn *work, void *ctx, struct error *err)
{
    struct crowd crowd = { .count = count, .work = work, .ctx = ctx, .err = ERROR_INIT };
    pthread_t threads[S3_LANES];
    unsigned wanted = count < S3_LANES ? (unsigned)count : S3_LANES;
    unsigned lanes = wanted > 1 ? s3_parallel_take(s3, wanted - 1) : 0, running = 0;

    pthread_mutex_init(&crowd.lock, NULL);
    while (running < lanes && pthread_create(&threads[running], NULL, work_along, &crowd) == 0)
        running++;
    work_along(&crowd);
    for (unsigned i = 0; i < running; i++)
        pthread_join(threads[i], NULL);
    s3_parallel_give(s3, lanes);
    pthread_mutex_destroy(&crowd.lock);
    if (crowd.failed)
        *err = crowd.err;
    return crowd.failed ? -1 : 0;
}
