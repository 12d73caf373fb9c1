#include "tests/fakes/fake_clock.h"

#include <stdatomic.h>

static int64_t
wall(void *ctx)
{
    return ((struct fake_clock *)ctx)->wall_ms;
}

static uint64_t
monotonic(void *ctx)
{
    return ((struct fake_clock *)ctx)->monotonic_ms;
}

/* splitmix64, as in https://prng.di.unimi.it/splitmix64.c */
static void
fill_random(void *ctx, void *out, size_t len)
{
    struct fake_clock *fake = ctx;
    uint8_t *bytes = out;

    for (size_t i = 0; i < len; i++) {
        uint64_t z = atomic_fetch_add(&fake->seed, 0x9e3779b97f4a7c15u) + 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        bytes[i] = (uint8_t)(z ^ (z >> 31));
    }
}

void
fake_clock_init(struct fake_clock *fake, uint64_t seed)
{
    fake->wall_ms = FAKE_CLOCK_START_MS;
    fake->monotonic_ms = 1000;
    fake->seed = seed;
    fake->clock = (struct clock){ .ctx = fake, .wall_ms = wall, .monotonic_ms = monotonic, .random = fill_random };
}

void
fake_clock_advance(struct fake_clock *fake, uint64_t ms)
{
    fake->wall_ms += (int64_t)ms;
    fake->monotonic_ms += ms;
}
