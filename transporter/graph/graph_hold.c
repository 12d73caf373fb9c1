#include "transporter/graph/graph_hold.h"

#include "common/base/clock.h"
#include "common/base/error.h"

#include <stdio.h>
#include <time.h>

#define LENGTH_LEN 32

void
graph_hold_init(struct graph_hold *hold, uint64_t patience_ms)
{
    *hold = (struct graph_hold){ .patience_ms = patience_ms };
    pthread_mutex_init(&hold->lock, NULL);
}

void
graph_hold_clear(struct graph_hold *hold)
{
    pthread_mutex_destroy(&hold->lock);
}

static const char *
format_length(uint64_t ms, char out[LENGTH_LEN])
{
    unsigned long long s = (ms + 999) / 1000;

    if (s < 120)
        snprintf(out, LENGTH_LEN, "%llu s", s);
    else if (s < 7200)
        snprintf(out, LENGTH_LEN, "%llu min", s / 60);
    else
        snprintf(out, LENGTH_LEN, "%llu h %02llu min", s / 3600, s % 3600 / 60);
    return out;
}

#define ADVICE                                                                                                         \
    "other work in the tenant, or with this app registration, uses up what Microsoft allows it: find that work, or "

/* Lock held. What is left of the patience at now_ms. */
static uint64_t
left_of(const struct graph_hold *hold, uint64_t now_ms)
{
    uint64_t used = hold->held && now_ms > hold->since_ms ? now_ms - hold->since_ms : 0;

    return used < hold->patience_ms ? hold->patience_ms - used : 0;
}

static int
give_up(const struct graph_hold *hold, const struct clock *clock, uint64_t used_ms, uint64_t wait_ms, struct error *err)
{
    char patience[LENGTH_LEN], used[LENGTH_LEN], wait[LENGTH_LEN], at[32] = "";
    time_t then = (time_t)((clock_wall_ms(clock) + (int64_t)wait_ms + 999) / 1000);
    struct tm tm;

    format_length(hold->patience_ms, patience);
    if (wait_ms > hold->patience_ms) {
        strftime(at, sizeof(at), "%Y-%m-%d %H:%M:%S", gmtime_r(&then, &tm));
        FAIL(err, ERROR_THROTTLED, 0,
             "throttled by Microsoft 365, which allows no request before %s UTC (in %s; graph.throttle_patience is "
             "%s): " ADVICE "run the job after that time",
             at, format_length(wait_ms, wait), patience);
    } else {
        FAIL(err, ERROR_THROTTLED, 0,
             "throttled by Microsoft 365: no other answer for %s (graph.throttle_patience is %s): " ADVICE
             "run the job at a quieter time",
             format_length(used_ms, used), patience);
    }
    if (err != NULL && err->kind == ERROR_THROTTLED)
        err->retry_after_ms = wait_ms < UINT32_MAX ? (uint32_t)wait_ms : UINT32_MAX;
    return -1;
}

/* Lock held. */
static void
hold_until(struct graph_hold *hold, uint64_t now_ms, uint64_t until_ms)
{
    if (!hold->held) {
        hold->held = true;
        hold->since_ms = now_ms;
        hold->until_ms = until_ms;
    }
    if (until_ms > hold->until_ms)
        hold->until_ms = until_ms;
}

int
graph_hold_throttled(struct graph_hold *hold, const struct clock *clock, uint32_t hint_ms, uint32_t backoff_ms,
                     uint32_t *wait_ms, struct error *err)
{
    uint64_t now = clock_monotonic_ms(clock);
    int status = 0;

    pthread_mutex_lock(&hold->lock);
    uint64_t left = left_of(hold, now);
    *wait_ms = hint_ms;
    if (left == 0 || hint_ms > left)
        status = give_up(hold, clock, hold->held ? now - hold->since_ms : 0, hint_ms, err);
    else if (backoff_ms > left - hint_ms)
        *wait_ms = (uint32_t)left;
    else
        *wait_ms = hint_ms + backoff_ms;
    hold_until(hold, now, now + *wait_ms);
    pthread_mutex_unlock(&hold->lock);
    return status;
}

int
graph_hold_wait_begin(struct graph_hold *hold, const struct clock *clock, uint64_t ms, bool asked, struct error *err)
{
    uint64_t now = clock_monotonic_ms(clock);
    int status = 0;

    pthread_mutex_lock(&hold->lock);
    if (asked && ms > left_of(hold, now))
        status = give_up(hold, clock, hold->held ? now - hold->since_ms : 0, ms, err);
    else if (hold->waiting++ == 0)
        hold->waiting_since_ms = now;
    if (asked)
        hold_until(hold, now, now + ms);
    pthread_mutex_unlock(&hold->lock);
    return status;
}

void
graph_hold_wait_end(struct graph_hold *hold, const struct clock *clock)
{
    pthread_mutex_lock(&hold->lock);
    if (--hold->waiting == 0)
        hold->waited_ms += clock_monotonic_ms(clock) - hold->waiting_since_ms;
    pthread_mutex_unlock(&hold->lock);
}

void
graph_hold_answered(struct graph_hold *hold)
{
    pthread_mutex_lock(&hold->lock);
    hold->held = false;
    pthread_mutex_unlock(&hold->lock);
}

void
graph_hold_state(struct graph_hold *hold, const struct clock *clock, struct graph_hold_state *out)
{
    uint64_t now = clock_monotonic_ms(clock);

    pthread_mutex_lock(&hold->lock);
    *out = (struct graph_hold_state){ .held = hold->held, .waited_ms = hold->waited_ms };
    if (hold->waiting > 0)
        out->waited_ms += now - hold->waiting_since_ms;
    if (hold->held) {
        out->for_ms = now - hold->since_ms;
        out->wait_ms = hold->until_ms > now ? hold->until_ms - now : 0;
    }
    pthread_mutex_unlock(&hold->lock);
}
