#include "transporter/transporter_config.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/fakes/scratch_folder.h"
#include "tests/fakes/test_certificates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int
check(const char *file, struct error *err)
{
    CLEANUP(memory_free_p) char *setting = memory_printf("graph.extra_ca=%s", file);
    char *argv[] = { (char[]){ "longhaul-transporter" },
                     (char[]){ "--config" },
                     (char[]){ "/dev/null" },
                     (char[]){ "--set" },
                     setting,
                     (char[]){ "--check-config" },
                     NULL };
    CLEANUP(config_free_p) struct config *config = config_new(&transporter_config_schema);

    error_clear(err);
    return (int)config_program_start(&transporter_config_program, config, (int)ARRAY_LEN(argv) - 1, argv, NULL, err);
}

static void
write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void
checking_sees_an_authority_file_that_is_none(void **state)
{
    struct error err = ERROR_INIT;
    struct scratch_folder folder;
    (void)state;

    scratch_folder_init(&folder);
    CLEANUP(memory_free_p) char *path = memory_printf("%s/ca.pem", folder.path);
    assert_int_equal(check("", &err), CONFIG_DONE);
    assert_int_equal(check(path, &err), CONFIG_FAILED);
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "graph.extra_ca: "));
    assert_non_null(strstr(err.text, "cannot be read: No such file"));
    write_file(path, "no certificate\n");
    assert_int_equal(check(path, &err), CONFIG_FAILED);
    assert_non_null(strstr(err.text, "holds no readable PEM certificates"));
    struct test_authority *authority = test_authority_new("private");
    write_file(path, test_authority_pem(authority));
    assert_int_equal(check(path, &err), CONFIG_DONE);
    test_authority_free(authority);
    scratch_folder_clear(&folder);
}

static void
the_patience_with_throttling_is_bounded(void **state)
{
    struct error err = ERROR_INIT;
    struct transporter_config values;
    CLEANUP(config_free_p) struct config *config = config_new(&transporter_config_schema);
    (void)state;

    config_store(config, &values);
    assert_int_equal(values.graph_throttle_patience_ms, 30 * 60 * 1000);
    assert_int_equal(config_set(config, "graph.throttle_patience=90m", &err), 0);
    assert_int_equal(config_set(config, "graph.throttle_patience=100ms", &err), -1);
    error_clear(&err);
    assert_int_equal(config_set(config, "graph.throttle_patience=25h", &err), -1);
    assert_int_equal(err.kind, ERROR_CONFIG);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checking_sees_an_authority_file_that_is_none),
        cmocka_unit_test(the_patience_with_throttling_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
