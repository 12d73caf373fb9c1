#ifndef LONGHAUL_TRANSPORTER_PIPELINE_RATE_LIMIT_H
#define LONGHAUL_TRANSPORTER_PIPELINE_RATE_LIMIT_H

/* At most so many bytes a second, over all threads that ask. Embedded. Any thread. */

#include <pthread.h>
#include <stdint.h>

struct cancel;
struct clock;

struct rate_limit {
    const struct clock *clock;
    uint64_t bytes_per_second; /* 0: no limit */
    pthread_mutex_t lock;
    uint64_t free_at_us; /* when all that was asked for has had its time, on the monotonic clock */
};

void rate_limit_init(struct rate_limit *limit, const struct clock *clock, uint64_t bytes_per_second);
void rate_limit_clear(struct rate_limit *limit);
/* Waits until the bytes may pass, or the cancel is raised. */
void rate_limit_take(struct rate_limit *limit, uint64_t bytes, struct cancel *cancel);

#endif
