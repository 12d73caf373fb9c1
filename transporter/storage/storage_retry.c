#include "transporter/storage/storage_retry.h"

#include "common/base/clock.h"
#include "common/base/error.h"

#include <stdio.h>
#include <time.h>

#define PAUSE_FIRST_MS   100u
#define PAUSE_LONGEST_MS (15u * 1000)

void
storage_retry_begin(struct storage_retry *retry, const struct clock *clock, unsigned tries_max)
{
    *retry = (struct storage_retry){ .clock = clock, .tries_max = tries_max != 0 ? tries_max : STORAGE_RETRY_TRIES };
}

uint32_t
storage_retry_pause_ms(unsigned tries, uint32_t hint_ms, uint32_t random)
{
    uint32_t pause = PAUSE_FIRST_MS;
    for (unsigned i = 1; i < tries && pause < PAUSE_LONGEST_MS; i++)
        pause *= 2;
    if (pause > PAUSE_LONGEST_MS)
        pause = PAUSE_LONGEST_MS;
    /* At least half of it, so that the peer gets its rest. Jitter goes on top of what the peer asked for: all who were
     * told the same second must not come back in it. */
    return hint_ms + pause / 2 + random % (pause / 2 + 1);
}

static bool
is_passing(const struct error *err)
{
    return err->kind == ERROR_THROTTLED || err->kind == ERROR_NETWORK || err->kind == ERROR_TIMEOUT ||
           err->kind == ERROR_UNAVAILABLE || err->kind == ERROR_CONFLICT;
}

static bool
give_up(const struct storage_retry *retry, struct error *err)
{
    if (err->kind == ERROR_NETWORK || err->kind == ERROR_TIMEOUT)
        err->kind = ERROR_UNAVAILABLE;
    if (retry->tries > 1)
        error_wrap(err, "given up after %u tries with %llu ms of pauses, at first for: %s; at last", retry->tries,
                   (unsigned long long)retry->paused_ms, retry->first);
    return false;
}

bool
storage_retry_again(struct storage_retry *retry, struct error *err)
{
    if (err == NULL)
        return false;
    uint32_t random = 0,
             hint = err->kind == ERROR_THROTTLED || err->kind == ERROR_UNAVAILABLE ? err->retry_after_ms : 0;

    retry->tries++;
    if (retry->tries == 1)
        snprintf(retry->first, sizeof(retry->first), "%s", err->text);
    if (!is_passing(err) || retry->tries >= retry->tries_max || hint > STORAGE_RETRY_HINT_MAX_MS)
        return give_up(retry, err);
    clock_random(retry->clock, &random, sizeof(random));
    uint32_t pause = storage_retry_pause_ms(retry->tries, hint, random);
    struct timespec rest = { .tv_sec = pause / 1000, .tv_nsec = (long)(pause % 1000) * 1000000 };
    while (nanosleep(&rest, &rest) != 0)
        ;
    retry->paused_ms += pause;
    error_clear(err);
    return true;
}
