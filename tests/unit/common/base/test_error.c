#include "common/base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void
the_first_failure_wins(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    assert_int_equal(FAIL(&err, ERROR_NETWORK, 7, "first %d", 1), -1);
    assert_int_equal(FAIL(&err, ERROR_IO, 8, "second"), -1);
    assert_int_equal(err.kind, ERROR_NETWORK);
    assert_int_equal(err.native, 7);
    assert_string_equal(err.text, "first 1");
}

static void
wrap_puts_context_in_front(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    FAIL(&err, ERROR_IO, EIO, "disk on fire");
    error_wrap(&err, "pack %s", "ab12");
    assert_string_equal(err.text, "pack ab12: disk on fire");
    assert_int_equal(err.kind, ERROR_IO);
}

static void
wrap_keeps_a_text_that_is_too_long(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    FAIL(&err, ERROR_IO, 0, "%0511d", 7);
    error_wrap(&err, "context");
    assert_true(strlen(err.text) < sizeof(err.text));
    assert_memory_equal(err.text, "context: 000", 12);
}

static void
every_kind_has_a_name_that_leads_back(void **state)
{
    (void)state;
    for (int k = ERROR_NONE + 1; k < ERROR_KIND_COUNT; k++) {
        const char *name = error_kind_name((enum error_kind)k);
        assert_true(strlen(name) > 1);
        assert_int_equal(error_kind_from_name(name), k);
        assert_true(error_kind_exit_code((enum error_kind)k) >= 64);
    }
    assert_int_equal(error_kind_from_name("nonsense"), ERROR_INTERNAL);
    assert_int_equal(error_kind_from_rpc_status(14), ERROR_NETWORK);
    assert_int_equal(error_kind_from_errno(ENOSPC), ERROR_NO_SPACE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_failure_wins),
        cmocka_unit_test(wrap_puts_context_in_front),
        cmocka_unit_test(wrap_keeps_a_text_that_is_too_long),
        cmocka_unit_test(every_kind_has_a_name_that_leads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
