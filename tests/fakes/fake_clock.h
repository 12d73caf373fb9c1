#ifndef LONGHAUL_TESTS_FAKES_FAKE_CLOCK_H
#define LONGHAUL_TESTS_FAKES_FAKE_CLOCK_H

/* A clock that a test moves by hand, with random bytes from a seed. One thread at a time. */

#include "common/base/clock.h"

struct fake_clock {
    struct clock clock; /* hand out &fake.clock */
    int64_t wall_ms;
    uint64_t monotonic_ms;
    uint64_t seed;
};

/* Stands at 2026-01-01T00:00Z. */
void fake_clock_init(struct fake_clock *fake, uint64_t seed);
void fake_clock_advance(struct fake_clock *fake, uint64_t ms);

#endif
