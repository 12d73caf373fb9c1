#include "transporter/host/fence_store.h"

#include "common/base/error.h"
#include "common/base/log.h"
#include "tests/fakes/scratch_folder.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* Lets files grow to this size and no further, as a full disk does: the write that meets it is cut off. */
static void
limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
a_line_that_is_cut_off_does_not_spoil_the_next(void **state)
{
    (void)state;
    struct scratch_folder folder;
    struct error err = ERROR_INIT;
    struct stat st;
    char path[sizeof(folder.path) + 8];
    scratch_folder_init(&folder);
    snprintf(path, sizeof(path), "%s/fences", folder.path);
    struct fence_store *store = fence_store_open(path, &err);
    assert_non_null(store);
    assert_int_equal(fence_store_check(store, "object-1", 5, &err), 0);
    assert_int_equal(stat(path, &st), 0);

    limit_files((rlim_t)st.st_size + 4);
    assert_int_equal(fence_store_check(store, "object-2", 7, &err), -1);
    limit_files(RLIM_INFINITY);
    assert_int_equal(err.kind, ERROR_NO_SPACE);

    error_clear(&err);
    assert_int_equal(fence_store_check(store, "object-2", 7, &err), 0);
    fence_store_close(store);
    store = fence_store_open(path, &err);
    assert_non_null(store);
    assert_int_equal(fence_store_check(store, "object-2", 6, &err), -1);
    assert_int_equal(err.kind, ERROR_FENCED);
    fence_store_close(store);
    scratch_folder_clear(&folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_that_is_cut_off_does_not_spoil_the_next),
    };
    log_setup(2, LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
