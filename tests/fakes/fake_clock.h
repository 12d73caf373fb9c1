#ifndef LONGHAUL_TESTS_FAKES_FAKE_CLOCK_H
#define LONGHAUL_TESTS_FAKES_FAKE_CLOCK_H

/* A clock that a test moves by hand, with random bytes from a seed. Several threads may read it while one
 * moves it. */

#include "common/base/clock.h"

#define FAKE_CLOCK_START_MS INT64_C(1767225600000)

struct fake_clock {
    struct clock clock; /* hand out &fake.clock */
    _Atomic int64_t wall_ms;
    _Atomic uint64_t monotonic_ms;
    _Atomic uint64_t seed;
};

/* Stands at FAKE_CLOCK_START_MS, 2026-01-01T00:00Z. */
void fake_clock_init(struct fake_clock *fake, uint64_t seed);
void fake_clock_advance(struct fake_clock *fake, uint64_t ms);

#endif
