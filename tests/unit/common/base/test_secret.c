#include "common/base/secret.h"

#include "common/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void
a_secret_holds_its_bytes_and_a_nul(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct secret *secret = secret_new("hunter2", 7, &err);
    assert_int_equal(secret_len(secret), 7);
    assert_string_equal(secret_text(secret), "hunter2");
    struct secret *copy = secret_copy(secret);
    assert_true(secret_equal(secret, copy));
    secret_bytes_mutable(copy)[0] = 'p';
    assert_false(secret_equal(secret, copy));
    secret_free(copy);
    secret_free(secret);
    secret_free(NULL);
}

static void
a_secret_has_a_ceiling(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    assert_null(secret_reserve(SECRET_MAX + 1, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
}

/* VmFlags of the mapping that holds the address: "dd" is "do not dump" (proc_pid_smaps(5)). */
static void
the_pages_are_kept_out_of_core_dumps(void **state)
{
    (void)state;
    struct secret *secret = secret_new("key", 3, NULL);
    uintptr_t address = (uintptr_t)secret_bytes(secret);
    FILE *maps = fopen("/proc/self/smaps", "re");
    char line[512];
    int inside = 0, kept_out = 0;
    while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = address >= from && address < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            kept_out = strstr(line, " dd") != NULL;
    }
    if (maps != NULL)
        fclose(maps);
    assert_true(kept_out);
    secret_free(secret);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_holds_its_bytes_and_a_nul),
        cmocka_unit_test(a_secret_has_a_ceiling),
        cmocka_unit_test(the_pages_are_kept_out_of_core_dumps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
