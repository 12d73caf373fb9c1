#include "director/cli/cli_format.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void
bytes_are_shown_in_powers_of_1024(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = { { 0, "0 B" },
                  { 1023, "1023 B" },
                  { 1024, "1.0 KiB" },
                  { 1536, "1.5 KiB" },
                  { 1048575, "1.0 MiB" },
                  { (uint64_t)5 << 40, "5.0 TiB" },
                  { UINT64_MAX, "16.0 EiB" } };
    char out[CLI_FORMAT_LEN];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cli_format_bytes(cases[i].bytes, out);
        assert_string_equal(out, cases[i].text);
    }
}

static void
counts_have_separators(void **state)
{
    (void)state;
    char out[CLI_FORMAT_LEN];
    cli_format_count(0, out);
    assert_string_equal(out, "0");
    cli_format_count(999, out);
    assert_string_equal(out, "999");
    cli_format_count(1000, out);
    assert_string_equal(out, "1,000");
    cli_format_count(UINT64_MAX, out);
    assert_string_equal(out, "18,446,744,073,709,551,615");
}

static void
durations_have_two_units_at_most(void **state)
{
    (void)state;
    char out[CLI_FORMAT_LEN];
    cli_format_duration(59, out);
    assert_string_equal(out, "59 s");
    cli_format_duration(185, out);
    assert_string_equal(out, "3 min 05 s");
    cli_format_duration(7800, out);
    assert_string_equal(out, "2 h 10 min");
    cli_format_duration(4 * 86400 + 3 * 3600, out);
    assert_string_equal(out, "4 d 03 h");
}

static void
times_lose_their_fraction(void **state)
{
    (void)state;
    char out[CLI_FORMAT_LEN];
    cli_format_time("2026-11-22T09:55:29.974Z", out);
    assert_string_equal(out, "2026-11-22 09:55:29Z");
    cli_format_time("-", out);
    assert_string_equal(out, "-");
}

static void
durations_are_read(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "h", "-1h", "1x", "1hh", "1.5h", "99999999999999999999s", " 1h" };
    uint64_t seconds;
    assert_int_equal(cli_format_parse_duration("90", &seconds, NULL), 0);
    assert_int_equal(seconds, 90);
    assert_int_equal(cli_format_parse_duration("15m", &seconds, NULL), 0);
    assert_int_equal(seconds, 900);
    assert_int_equal(cli_format_parse_duration("2w", &seconds, NULL), 0);
    assert_int_equal(seconds, 14 * 86400);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(cli_format_parse_duration(bad[i], &seconds, NULL), -1);
}

static void
sizes_are_read(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "M", "-5", "10X", "10MX", "nan", "inf", "1e30", "99999999999E" };
    uint64_t bytes;
    assert_int_equal(cli_format_parse_bytes("512", &bytes, NULL), 0);
    assert_int_equal(bytes, 512);
    assert_int_equal(cli_format_parse_bytes("10k", &bytes, NULL), 0);
    assert_int_equal(bytes, 10240);
    assert_int_equal(cli_format_parse_bytes("1.5MiB", &bytes, NULL), 0);
    assert_int_equal(bytes, 1572864);
    assert_int_equal(cli_format_parse_bytes("2GB", &bytes, NULL), 0);
    assert_int_equal(bytes, (uint64_t)2 << 30);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(cli_format_parse_bytes(bad[i], &bytes, NULL), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_shown_in_powers_of_1024),
        cmocka_unit_test(counts_have_separators),
        cmocka_unit_test(durations_have_two_units_at_most),
        cmocka_unit_test(times_lose_their_fraction),
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(sizes_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
