#include "director/cli/cli_time.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define NOW "2026-11-22T16:55:07.250Z"

static void
times_are_understood_as_people_give_them(void **state)
{
    static const char *const pairs[][2] = {
        { "2026-09-14T07:58:10Z", "2026-09-14T07:58:10.000Z" },
        { "2026-09-14T07:58:10.5Z", "2026-09-14T07:58:10.500Z" },
        { "2026-09-14", "2026-09-14T00:00:00.000Z" },
        { "now", NOW },
        { "today", "2026-11-22T00:00:00.000Z" },
        { "Yesterday", "2026-11-21T00:00:00.000Z" },
        { "45m", "2026-11-22T16:10:07.250Z" },
        { "12h", "2026-11-22T04:55:07.250Z" },
        { "3d", "2026-11-19T16:55:07.250Z" },
        { "2w ago", "2026-11-08T16:55:07.250Z" },
        { "0d", NOW },
    };
    struct error err = ERROR_INIT;
    int64_t now = 0, ms = 0;
    char text[CLOCK_TEXT_LEN];
    (void)state;
    assert_int_equal(clock_parse_ms(NOW, &now), 0);
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        if (cli_time_parse(pairs[i][0], now, &ms, &err) != 0)
            fail_msg("%s", err.text);
        clock_format_ms(ms, text);
        assert_string_equal(text, pairs[i][1]);
    }
}

static void
anything_else_is_refused_with_the_forms(void **state)
{
    static const char *const bad[] = {
        "",         "3",          "d",          "-3d",        "3d later",        "3y", "tomorrow", "3 d",
        "1000000d", "2026-13-01", "2026-9-14x", "14.09.2026", "2026-09-14 07:58"
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct error err = ERROR_INIT;
        int64_t ms = 0;
        if (cli_time_parse(bad[i], 1700000000000, &ms, &err) == 0)
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(err.kind, ERROR_USAGE);
        assert_non_null(strstr(err.text, "yesterday"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_understood_as_people_give_them),
        cmocka_unit_test(anything_else_is_refused_with_the_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
