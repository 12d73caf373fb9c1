#include "director/cli/cli_watch.h"

#include "director/cli/cli_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void
check(const char *json, bool bar, const char *wanted)
{
    char line[CLI_WATCH_LINE];
    json_t *run = json_loads(json, 0, NULL);
    assert_non_null(run);
    cli_watch_format(run, bar, line);
    assert_string_equal(line, wanted);
    json_decref(run);
}

static void
progress_goes_by_bytes_then_items_then_tasks(void **state)
{
    (void)state;
    check("{\"state\":\"running\",\"kind\":\"backup\",\"counts\":{\"items_done\":1234,\"items_total\":9999,"
          "\"bytes_read\":1048576,\"bytes_total\":2097152,\"bytes_stored\":1024},\"bytes_per_second\":2048,"
          "\"seconds_left\":61}",
          true,
          "[############            ]  50%  1,234 items  1.0 MiB read  1.0 KiB stored  2.0 KiB/s  1 min 01 s left");
    check("{\"state\":\"running\",\"counts\":{\"items_done\":1,\"items_total\":4}}", false,
          "running: 25%, 1 items, 0 B read, 0 B stored, 0 B/s");
    check("{\"state\":\"succeeded\",\"kind\":\"restore\",\"tasks\":{\"done\":2,\"total\":2},\"seconds_left\":null}",
          false, "succeeded: 100%, 0 items, 0 B read, 0 B written, 0 B/s");
}

static bool
is_news(const char *json, char shown[CLI_WATCH_REMARK])
{
    json_t *run = json_loads(json, 0, NULL);
    assert_non_null(run);
    bool news = cli_watch_is_news(run, shown);
    json_decref(run);
    return news;
}

static void
throttling_is_told_once_a_minute_and_summed_up(void **state)
{
    (void)state;
    char shown[CLI_WATCH_REMARK] = "";

    assert_false(is_news("{\"remark\":null}", shown));
    assert_true(is_news("{\"remark\":\"disk\"}", shown));
    assert_false(is_news("{\"remark\":\"disk\"}", shown));
    assert_true(is_news("{\"remark\":\"throttled by: 1\",\"throttled\":{\"since\":\"a\",\"seconds\":5}}", shown));
    assert_false(is_news("{\"remark\":\"throttled by: 2\",\"throttled\":{\"since\":\"a\",\"seconds\":50}}", shown));
    assert_true(is_news("{\"remark\":\"throttled by: 3\",\"throttled\":{\"since\":\"a\",\"seconds\":60}}", shown));
    assert_false(is_news("{\"remark\":null}", shown));
    check("{\"state\":\"succeeded\",\"final\":true,\"counts\":{\"throttled_ms\":723400}}", false,
          "succeeded: 100%, 0 items, 0 B read, 0 B stored, 0 B/s, throttled for 12 min 03 s");
    check("{\"state\":\"failed\",\"final\":true,\"tasks\":{\"total\":2},\"counts\":{\"throttled_ms\":9000}}", false,
          "failed: 0%, 0 items, 0 B read, 0 B stored, 0 B/s, throttled for 9 s over all objects");
}

static void
nonsense_stays_within_the_line(void **state)
{
    (void)state;
    check("{}", true, "[                        ]   0%  0 items  0 B read  0 B stored  0 B/s");
    check("{\"counts\":{\"items_done\":9,\"items_total\":4}}", true,
          "[########################] 100%  9 items  0 B read  0 B stored  0 B/s");
}

static void
paths_are_escaped(void **state)
{
    (void)state;
    char *path = cli_client_path("/jobs/%s/runs", "a/b c%ü");
    cli_client_add_query(&path, "before", "x&y");
    cli_client_add_query(&path, "absent", NULL);
    cli_client_add_query(&path, "limit", "5");
    assert_string_equal(path, "/jobs/a%2Fb%20c%25%C3%BC/runs?before=x%26y&limit=5");
    free(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(progress_goes_by_bytes_then_items_then_tasks),
        cmocka_unit_test(throttling_is_told_once_a_minute_and_summed_up),
        cmocka_unit_test(nonsense_stays_within_the_line),
        cmocka_unit_test(paths_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
