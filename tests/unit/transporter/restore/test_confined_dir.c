#include "transporter/restore/confined_dir.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/fakes/scratch_folder.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static struct scratch_folder folder;

static int
set_up(void **state)
{
    (void)state;
    scratch_folder_init(&folder);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    scratch_folder_clear(&folder);
    return 0;
}

static char *
below(const char *name)
{
    return memory_printf("%s/%s", folder.path, name);
}

static void
folders_are_made_on_the_way(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    int fd = -1;
    char used[64];
    CLEANUP(confined_dir_close_p) struct confined_dir *dir = confined_dir_open(folder.path, "x/y", &err);
    assert_non_null(dir);
    assert_int_equal(confined_dir_enter(dir, "Inbox/Sub", &fd, used, sizeof(used), &err), 0);
    assert_string_equal(used, "Inbox/Sub/");
    CLEANUP(memory_free_p) char *path = below("x/y/Inbox/Sub");
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(confined_dir_enter(dir, "", &fd, used, sizeof(used), &err), 0);
    assert_string_equal(used, "");
}

static void
orders_that_point_elsewhere_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "/etc", "..", "a/../..", "../x", "./a" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct error err = ERROR_INIT;
        assert_null(confined_dir_open(folder.path, bad[i], &err));
        assert_int_equal(err.kind, ERROR_USAGE);
    }
}

static void
planted_links_and_files_are_walked_around(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    int fd = -1;
    char used[64];
    CLEANUP(memory_free_p) char *link = below("Inbox");
    CLEANUP(memory_free_p) char *file = below("Sent");
    assert_int_equal(symlink("/tmp", link), 0);
    int made = open(file, O_CREAT | O_WRONLY, 0600);
    assert_true(made >= 0);
    close(made);
    CLEANUP(confined_dir_close_p) struct confined_dir *dir = confined_dir_open(folder.path, "", &err);
    assert_int_equal(confined_dir_enter(dir, "Inbox", &fd, used, sizeof(used), &err), 0);
    assert_string_equal(used, "Inbox (2)/");
    assert_int_equal(confined_dir_enter(dir, "Sent/a", &fd, used, sizeof(used), &err), 0);
    assert_string_equal(used, "Sent (2)/a/");
}

static void
dots_in_a_path_become_names(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    int fd = -1;
    char used[64];
    CLEANUP(confined_dir_close_p) struct confined_dir *dir = confined_dir_open(folder.path, "", &err);
    assert_int_equal(confined_dir_enter(dir, "../..", &fd, used, sizeof(used), &err), 0);
    assert_string_equal(used, "__/__/");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(folders_are_made_on_the_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(orders_that_point_elsewhere_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(planted_links_and_files_are_walked_around, set_up, tear_down),
        cmocka_unit_test_setup_teardown(dots_in_a_path_become_names, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
