#include "transporter/pipeline/rate_limit.h"

#include "common/base/clock.h"
#include "transporter/task/cancel.h"

/* Bytes of so much time may pass at once: it keeps the waits few. */
#define BURST_US 200000

void
rate_limit_init(struct rate_limit *limit, const struct clock *clock, uint64_t bytes_per_second)
{
    *limit = (struct rate_limit){ .clock = clock, .bytes_per_second = bytes_per_second };
    pthread_mutex_init(&limit->lock, NULL);
}

void
rate_limit_clear(struct rate_limit *limit)
{
    pthread_mutex_destroy(&limit->lock);
}

void
rate_limit_take(struct rate_limit *limit, uint64_t bytes, struct cancel *cancel)
{
    if (limit->bytes_per_second == 0)
        return;
    uint64_t cost_us = bytes * 1000000 / limit->bytes_per_second;
    pthread_mutex_lock(&limit->lock);
    uint64_t now_us = clock_monotonic_ms(limit->clock) * 1000;
    if (limit->free_at_us < now_us)
        limit->free_at_us = now_us;
    limit->free_at_us += cost_us;
    uint64_t ahead_us = limit->free_at_us - now_us;
    pthread_mutex_unlock(&limit->lock);
    if (ahead_us > BURST_US)
        cancel_wait(cancel, (uint32_t)((ahead_us - BURST_US) / 1000));
}
