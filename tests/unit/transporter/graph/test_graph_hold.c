#include "transporter/graph/graph_hold.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/fakes/fake_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MINUTE 60000u

struct fixture {
    struct fake_clock clock;
    struct graph_hold hold;
    struct graph_hold_state state;
    struct error err;
};

static int
setup(void **state)
{
    struct fixture *f = MEMORY_NEW(struct fixture);

    fake_clock_init(&f->clock, 1);
    graph_hold_init(&f->hold, 30 * MINUTE);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    graph_hold_clear(&f->hold);
    free(f);
    return 0;
}

static uint32_t
throttled(struct fixture *f, uint32_t hint_ms, uint32_t backoff_ms)
{
    uint32_t ms;

    assert_int_equal(graph_hold_throttled(&f->hold, &f->clock.clock, hint_ms, backoff_ms, &ms, &f->err), 0);
    return ms;
}

static void
wait(struct fixture *f, uint64_t ms, bool asked)
{
    assert_int_equal(graph_hold_wait_begin(&f->hold, &f->clock.clock, ms, asked, &f->err), 0);
    fake_clock_advance(&f->clock, ms);
    graph_hold_wait_end(&f->hold, &f->clock.clock);
}

static void
it_is_held_from_the_first_throttle_to_the_next_answer(void **state)
{
    struct fixture *f = *state;

    graph_hold_state(&f->hold, &f->clock.clock, &f->state);
    assert_false(f->state.held);
    assert_int_equal(throttled(f, 2 * MINUTE, 0), 2 * MINUTE);
    fake_clock_advance(&f->clock, MINUTE);
    graph_hold_state(&f->hold, &f->clock.clock, &f->state);
    assert_true(f->state.held);
    assert_int_equal(f->state.for_ms, MINUTE);
    assert_int_equal(f->state.wait_ms, MINUTE);
    fake_clock_advance(&f->clock, 2 * MINUTE);
    throttled(f, 5 * MINUTE, 0);
    graph_hold_state(&f->hold, &f->clock.clock, &f->state);
    assert_int_equal(f->state.for_ms, 3 * MINUTE);
    assert_int_equal(f->state.wait_ms, 5 * MINUTE);
    graph_hold_answered(&f->hold);
    graph_hold_state(&f->hold, &f->clock.clock, &f->state);
    assert_false(f->state.held);
    assert_int_equal(f->state.for_ms, 0);
}

static void
patience_ends_when_nothing_else_came_for_so_long(void **state)
{
    struct fixture *f = *state;
    uint32_t ms;

    for (int i = 0; i < 3; i++)
        wait(f, throttled(f, 10 * MINUTE, 0), true);
    assert_int_equal(graph_hold_throttled(&f->hold, &f->clock.clock, 10 * MINUTE, 0, &ms, &f->err), -1);
    assert_int_equal(f->err.kind, ERROR_THROTTLED);
    assert_int_equal(f->err.retry_after_ms, 10 * MINUTE);
    assert_non_null(strstr(f->err.text, "no other answer for 30 min (graph.throttle_patience is 30 min): "));
    assert_null(strchr(f->err.text, '\n'));
    graph_hold_state(&f->hold, &f->clock.clock, &f->state);
    assert_int_equal(f->state.waited_ms, 30 * MINUTE);
    assert_int_equal(f->state.wait_ms, 10 * MINUTE);
}

static void
an_answer_renews_the_patience(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 10; i++) {
        wait(f, throttled(f, 20 * MINUTE, 0), true);
        graph_hold_answered(&f->hold);
    }
}

static void
a_wish_longer_than_what_is_left_ends_it_at_once(void **state)
{
    struct fixture *f = *state;
    uint32_t ms;

    wait(f, throttled(f, 25 * MINUTE, 0), true);
    assert_int_equal(graph_hold_throttled(&f->hold, &f->clock.clock, 6 * MINUTE, 0, &ms, &f->err), -1);
    assert_non_null(strstr(f->err.text, "no other answer for 25 min"));
    error_clear(&f->err);
    graph_hold_answered(&f->hold);
    assert_int_equal(graph_hold_throttled(&f->hold, &f->clock.clock, 31 * MINUTE, 0, &ms, &f->err), -1);
    assert_non_null(strstr(f->err.text, "allows no request before 2026-01-01 00:56:00 UTC (in 31 min; "));
    assert_int_equal(f->err.retry_after_ms, 31 * MINUTE);
}

static void
our_own_back_off_never_ends_it(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(throttled(f, 10 * MINUTE, 5 * MINUTE), 15 * MINUTE);
    fake_clock_advance(&f->clock, 15 * MINUTE);
    assert_int_equal(throttled(f, 14 * MINUTE, 5 * MINUTE), 15 * MINUTE);
}

static void
a_wait_for_somebody_elses_pause_counts(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(graph_hold_wait_begin(&f->hold, &f->clock.clock, 20 * MINUTE, true, &f->err), 0);
    assert_int_equal(graph_hold_wait_begin(&f->hold, &f->clock.clock, 20 * MINUTE, true, &f->err), 0);
    fake_clock_advance(&f->clock, 20 * MINUTE);
    graph_hold_wait_end(&f->hold, &f->clock.clock);
    graph_hold_state(&f->hold, &f->clock.clock, &f->state);
    assert_true(f->state.held);
    assert_int_equal(f->state.waited_ms, 20 * MINUTE);
    graph_hold_wait_end(&f->hold, &f->clock.clock);
    assert_int_equal(graph_hold_wait_begin(&f->hold, &f->clock.clock, 11 * MINUTE, true, &f->err), -1);
    assert_int_equal(f->err.kind, ERROR_THROTTLED);
    graph_hold_state(&f->hold, &f->clock.clock, &f->state);
    assert_int_equal(f->state.waited_ms, 20 * MINUTE);
}

static void
spreading_requests_is_no_throttling(void **state)
{
    struct fixture *f = *state;

    wait(f, 40 * MINUTE, false);
    graph_hold_state(&f->hold, &f->clock.clock, &f->state);
    assert_false(f->state.held);
    assert_int_equal(f->state.waited_ms, 40 * MINUTE);
}

#define HOLD_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HOLD_TEST(it_is_held_from_the_first_throttle_to_the_next_answer),
        HOLD_TEST(patience_ends_when_nothing_else_came_for_so_long),
        HOLD_TEST(an_answer_renews_the_patience),
        HOLD_TEST(a_wish_longer_than_what_is_left_ends_it_at_once),
        HOLD_TEST(our_own_back_off_never_ends_it),
        HOLD_TEST(a_wait_for_somebody_elses_pause_counts),
        HOLD_TEST(spreading_requests_is_no_throttling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
