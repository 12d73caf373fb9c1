#include "common/base/clock.h"

#include "common/base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void
graph_times_parse_to_milliseconds(void **state)
{
    (void)state;
    int64_t ms;
    assert_int_equal(clock_parse_ms("1970-01-01T00:00:00Z", &ms), 0);
    assert_int_equal(ms, 0);
    assert_int_equal(clock_parse_ms("2026-09-14T07:58:10.1234567Z", &ms), 0);
    assert_true(ms == 1789372690123);
    assert_int_equal(clock_parse_ms("0001-01-01T00:00:00Z", &ms), 0);
    assert_true(ms == -62135596800000);
}

static void
what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "",
                                         "2026-09-14",
                                         "2026-09-14T07:58:10",
                                         "2026-09-14T07:58:10+01:00",
                                         "2026-13-14T07:58:10Z",
                                         "2026-09-14T24:00:00Z",
                                         "2026-09-14T07:58:10.Z",
                                         "2026-09-14T07:58:10.1234567890Z",
                                         "2026-09-14T07:58:10Zx" };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        int64_t ms;
        assert_int_equal(clock_parse_ms(wrong[i], &ms), -1);
    }
}

static void
a_time_survives_formatting(void **state)
{
    (void)state;
    static const int64_t times[] = { 0, 1789372690123, -1, -62135596800000, 4102444800000 };
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        char text[CLOCK_TEXT_LEN];
        int64_t again;
        clock_format_ms(times[i], text);
        assert_int_equal(clock_parse_ms(text, &again), 0);
        assert_true(again == times[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graph_times_parse_to_milliseconds),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(a_time_survives_formatting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
