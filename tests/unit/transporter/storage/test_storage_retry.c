#include "transporter/storage/storage_retry.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/fakes/fake_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void
pauses_double_with_jitter_and_end_somewhere(void **state)
{
    (void)state;
    for (uint32_t random = 0; random < 1000; random += 37) {
        assert_in_range(storage_retry_pause_ms(1, 0, random), 50, 100);
        assert_in_range(storage_retry_pause_ms(2, 0, random), 100, 200);
        assert_in_range(storage_retry_pause_ms(5, 0, random), 800, 1600);
        assert_in_range(storage_retry_pause_ms(40, 0, random), 7500, 15000);
        assert_in_range(storage_retry_pause_ms(1, 3000, random), 3050, 3100);
    }
    assert_int_not_equal(storage_retry_pause_ms(5, 0, 1), storage_retry_pause_ms(5, 0, 2));
}

static void
what_cannot_get_better_is_told_at_once(void **state)
{
    (void)state;
    static const enum error_kind kinds[] = { ERROR_DENIED, ERROR_NOT_FOUND, ERROR_LOCKED,  ERROR_CONFIG,
                                             ERROR_EXISTS, ERROR_CORRUPT,   ERROR_NO_SPACE };
    struct fake_clock fake;
    fake_clock_init(&fake, 1);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct storage_retry retry;
        struct error err = ERROR_INIT;
        storage_retry_begin(&retry, &fake.clock, 0);
        FAIL(&err, kinds[i], 0, "no");
        assert_false(storage_retry_again(&retry, &err));
        assert_string_equal(err.text, "no");
        assert_int_equal(err.kind, kinds[i]);
    }
}

static void
tries_end_with_an_account_of_them(void **state)
{
    (void)state;
    struct fake_clock fake;
    struct storage_retry retry;
    struct error err = ERROR_INIT;
    fake_clock_init(&fake, 1);
    storage_retry_begin(&retry, &fake.clock, 3);
    FAIL(&err, ERROR_THROTTLED, 503, "slow down");
    assert_true(storage_retry_again(&retry, &err));
    assert_false(error_is_set(&err));
    FAIL(&err, ERROR_NETWORK, 7, "lost");
    assert_true(storage_retry_again(&retry, &err));
    FAIL(&err, ERROR_NETWORK, 7, "lost again");
    assert_false(storage_retry_again(&retry, &err));
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "3 tries"));
    assert_non_null(strstr(err.text, "slow down"));
    assert_non_null(strstr(err.text, "lost again"));
}

static void
a_long_wait_is_left_to_the_caller(void **state)
{
    (void)state;
    struct fake_clock fake;
    struct storage_retry retry;
    struct error err = ERROR_INIT;
    fake_clock_init(&fake, 1);
    storage_retry_begin(&retry, &fake.clock, 0);
    FAIL(&err, ERROR_THROTTLED, 503, "slow down");
    err.retry_after_ms = STORAGE_RETRY_HINT_MAX_MS + 1;
    assert_false(storage_retry_again(&retry, &err));
    assert_int_equal(err.kind, ERROR_THROTTLED);
    assert_int_equal(err.retry_after_ms, STORAGE_RETRY_HINT_MAX_MS + 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_double_with_jitter_and_end_somewhere),
        cmocka_unit_test(what_cannot_get_better_is_told_at_once),
        cmocka_unit_test(tries_end_with_an_account_of_them),
        cmocka_unit_test(a_long_wait_is_left_to_the_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
