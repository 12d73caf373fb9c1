#include "director/jobs/task_retry.h"
#include "tests/unit/director/store_fixture.h"

static const struct task_retry_policy policy = { .attempts = 5, .first_ms = 5000 };

static void
what_cannot_get_better_is_not_tried_again(void **state)
{
    (void)state;
    assert_false(task_retry_after_failure(&policy, ERROR_DENIED, 1, 0, 0).again);
    assert_false(task_retry_after_failure(&policy, ERROR_CORRUPT, 1, 0, 0).again);
    assert_false(task_retry_after_failure(&policy, ERROR_NO_SPACE, 1, 0, 0).again);
}

static void
delays_grow_to_a_ceiling(void **state)
{
    (void)state;
    int64_t last = 0;

    for (unsigned i = 1; i < policy.attempts; i++) {
        struct task_retry retry = task_retry_after_failure(&policy, ERROR_NETWORK, i, 1000, 0);
        assert_true(retry.again);
        assert_true(retry.not_before_ms > last);
        last = retry.not_before_ms;
    }
    assert_false(task_retry_after_failure(&policy, ERROR_NETWORK, policy.attempts, 0, 0).again);
    for (uint32_t spread = 0; spread < 100000; spread += 997) {
        int64_t at = task_retry_after_failure(&policy, ERROR_TIMEOUT, 1, 0, spread).not_before_ms;
        assert_in_range(at, 5000, 6250);
    }
}

static void
what_a_service_asks_for_is_waited_for(void **state)
{
    (void)state;
    struct task_retry soon = { .again = true, .not_before_ms = 6000 }, never = { .again = false };

    assert_int_equal(task_retry_not_before(soon, 1000, 0, 7).not_before_ms, 6000);
    assert_int_equal(task_retry_not_before(soon, 1000, 2000, 7).not_before_ms, 6000);
    assert_int_equal(task_retry_not_before(soon, 1000, 3600000, 7).not_before_ms, 3601007);
    assert_in_range(task_retry_not_before(soon, 0, UINT64_MAX, UINT32_MAX).not_before_ms, 86400000, 86402000);
    assert_false(task_retry_not_before(never, 0, 5, 0).again);
}

static void
credentials_get_one_more_chance(void **state)
{
    (void)state;
    assert_true(task_retry_after_failure(&policy, ERROR_UNAUTHENTICATED, 1, 0, 0).again);
    assert_false(task_retry_after_failure(&policy, ERROR_UNAUTHENTICATED, 2, 0, 0).again);
}

static void
a_task_that_kills_transporters_ends(void **state)
{
    (void)state;
    struct task_retry retry = task_retry_after_loss(1, 77);

    assert_true(retry.again);
    assert_int_equal(retry.not_before_ms, 77);
    assert_false(task_retry_after_loss(TASK_RETRY_LOSSES, 77).again);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_get_better_is_not_tried_again), cmocka_unit_test(delays_grow_to_a_ceiling),
        cmocka_unit_test(what_a_service_asks_for_is_waited_for),     cmocka_unit_test(credentials_get_one_more_chance),
        cmocka_unit_test(a_task_that_kills_transporters_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
