#include "common/net/http_content_range.h"

#include "common/base/memory.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void
ranges_are_read(void **state)
{
    uint64_t first = 7, last = 7, total = 7;
    (void)state;
    assert_int_equal(http_content_range_parse("bytes 0-9/100", &first, &last, &total), 0);
    assert_true(first == 0 && last == 9 && total == 100);
    assert_int_equal(http_content_range_parse("bytes 90-109/100", &first, &last, &total), 0);
    assert_true(first == 90 && last == 109 && total == 100);
    assert_int_equal(http_content_range_parse("bytes 100-99/100", &first, &last, &total), 0);
    assert_true(first == 100 && last == 99 && total == 100);
    assert_int_equal(http_content_range_parse("bytes 42-42/*", &first, &last, &total), 0);
    assert_true(first == 42 && last == 42 && total == UINT64_MAX);
    assert_int_equal(
        http_content_range_parse("bytes 0-18446744073709551614/18446744073709551615", &first, &last, &total), 0);
    assert_true(last == UINT64_MAX - 1 && total == UINT64_MAX);
}

static void
anything_else_is_none(void **state)
{
    static const char *const bad[] = {
        "",
        "bytes",
        "bytes ",
        "bytes */100", /* of a 416: there is no range */
        "items 0-9/100",
        "Bytes 0-9/100",
        "bytes 0-9",
        "bytes 0-9/",
        "bytes 0-9/**",
        "bytes 0-9/100 ",
        "bytes 0-9/100,20-29/100",
        "bytes -9/100",
        "bytes 0-/100",
        "bytes +0-9/100",
        "bytes 0- 9/100",
        "bytes  0-9/100",
        "bytes 0x0-9/100",
        "bytes 0-18446744073709551616/5",
    };
    uint64_t first, last, total;
    (void)state;
    assert_int_equal(http_content_range_parse(NULL, &first, &last, &total), -1);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (http_content_range_parse(bad[i], &first, &last, &total) == 0)
            fail_msg("taken: %s", bad[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_read),
        cmocka_unit_test(anything_else_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
