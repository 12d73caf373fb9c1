#include "director/cli/cli_tenant_id.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void
a_guid_or_a_domain_name_is_a_tenant_id(void **state)
{
    static const char *const good[] = { "8d2b6a34-0000-4c0f-9a11-5d1b2c3d4e5f", "8D2B6A34-0000-4C0F-9A11-5D1B2C3D4E5F",
                                        "contoso.onmicrosoft.com", "a-1.example", "xn--bcher-kva.example" };
    static const char *const bad[] = { "",
                                       "contoso",
                                       "8d2b6a34-0000-4c0f-9a11-5d1b2c3d4e5",
                                       "8d2b6a34-0000-4c0f-9a11-5d1b2c3d4e5g",
                                       "{8d2b6a34-0000-4c0f-9a11-5d1b2c3d4e5f}",
                                       "contoso.",
                                       ".contoso.com",
                                       "a..b",
                                       "-a.example",
                                       "contoso .com",
                                       "https://contoso.com",
                                       "ada@contoso.com",
                                       "10.0.0.1" };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(cli_tenant_id_check(good[i], NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct error err = ERROR_INIT;
        assert_int_equal(cli_tenant_id_check(bad[i], &err), -1);
        assert_int_equal(err.kind, ERROR_USAGE);
        assert_non_null(strstr(err.text, "is no tenant id"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_guid_or_a_domain_name_is_a_tenant_id) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
