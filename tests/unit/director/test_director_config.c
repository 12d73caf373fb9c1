#include "director/director_config.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static enum config_outcome
check(char *setting, struct error *err)
{
    char *argv[] = { (char[]){ "longhaul-director" },
                     (char[]){ "--config" },
                     (char[]){ "/dev/null" },
                     (char[]){ "--set" },
                     setting,
                     (char[]){ "--check-config" },
                     NULL };
    CLEANUP(config_free_p) struct config *config = config_new(&director_config_schema);

    return config_program_start(&director_config_program, config, (int)ARRAY_LEN(argv) - 1, argv, NULL, err);
}

static void
checking_sees_a_heartbeat_that_does_not_fit_the_lease(void **state)
{
    struct error err = ERROR_INIT;
    (void)state;

    assert_int_equal(check((char[]){ "heartbeat.interval=20s" }, &err), CONFIG_DONE);
    assert_int_equal(check((char[]){ "heartbeat.interval=21s" }, &err), CONFIG_FAILED);
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(
        strstr(err.text, "heartbeat.interval (21000 ms) is more than a third of lease.duration (60000 ms)"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(checking_sees_a_heartbeat_that_does_not_fit_the_lease) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
