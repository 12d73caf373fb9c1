#include "transporter/link/renew.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define HOUR_MS INT64_C(3600000)

static void
it_is_due_at_two_thirds_of_the_life(void **state)
{
    (void)state;
    assert_int_equal(renew_wait_ms(0, 30 * HOUR_MS, 0, 0), 20 * HOUR_MS);
    assert_int_equal(renew_wait_ms(0, 30 * HOUR_MS, 20 * HOUR_MS - 1, 0), 1);
    assert_int_equal(renew_wait_ms(0, 30 * HOUR_MS, 20 * HOUR_MS, 0), 0);
    assert_int_equal(renew_wait_ms(0, 30 * HOUR_MS, 40 * HOUR_MS, 0), 0);
}

static void
pauses_grow_with_failures_and_shrink_with_the_life_left(void **state)
{
    (void)state;
    int64_t ends = 720 * HOUR_MS, now = 480 * HOUR_MS;
    assert_int_equal(renew_wait_ms(0, ends, now, 1), 10000);
    assert_int_equal(renew_wait_ms(0, ends, now, 2), 20000);
    assert_int_equal(renew_wait_ms(0, ends, now, 5), 160000);
    assert_int_equal(renew_wait_ms(0, ends, now, 100), HOUR_MS);
    assert_int_equal(renew_wait_ms(0, ends, ends - HOUR_MS, 100), HOUR_MS / 10);
    assert_int_equal(renew_wait_ms(0, ends, ends - 1, 100), 10000);
    assert_int_equal(renew_wait_ms(0, ends, ends + HOUR_MS, 100), 10000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_due_at_two_thirds_of_the_life),
        cmocka_unit_test(pauses_grow_with_failures_and_shrink_with_the_life_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
