#include "director/jobs/job_options.h"
#include "tests/unit/director/store_fixture.h"

static void
options_are_read(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct job_options options;

    assert_ok(job_options_parse("", &options, &err));
    assert_ok(job_options_parse("{}", &options, &err));
    assert_int_equal(options.bytes_per_second, 0);
    assert_ok(job_options_parse("{\"bytes_per_second\": 1000000, \"force_full\": true}", &options, &err));
    assert_int_equal(options.bytes_per_second, 1000000);
    assert_true(options.force_full);
    assert_int_equal(options.immutable_days, 0);
    assert_ok(job_options_parse("{\"immutable_days\": 36500}", &options, &err));
    assert_int_equal(options.immutable_days, 36500);
}

static void
nonsense_is_refused(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct job_options options;
    static const char *const broken[] = { "1",
                                          "[]",
                                          "{\"bytes_per_second\": -1}",
                                          "{\"bytes_per_second\": 1.5}",
                                          "{\"force_full\": 1}",
                                          "{\"immutable_days\": -1}",
                                          "{\"immutable_days\": 36501}",
                                          "{\"immutable_days\": \"30\"}",
                                          "{\"speed\": 1}",
                                          "{\"force_full\": true, \"force_full\": true}",
                                          "{" };

    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        assert_fails(job_options_parse(broken[i], &options, &err), ERROR_USAGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(options_are_read), cmocka_unit_test(nonsense_is_refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
