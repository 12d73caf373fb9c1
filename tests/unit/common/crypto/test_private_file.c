#include "common/crypto/private_file.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "tests/fakes/scratch_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

struct fixture {
    struct scratch_folder folder;
    char path[PATH_MAX + 32];
};

static int
set_up(void **state)
{
    struct fixture *f = MEMORY_NEW(struct fixture);
    scratch_folder_init(&f->folder);
    snprintf(f->path, sizeof(f->path), "%s/file", f->folder.path);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    scratch_folder_clear(&f->folder);
    memory_free_p(state);
    return 0;
}

static void
holds(const char *path, const char *text)
{
    CLEANUP(secret_free_p) struct secret *content = private_file_read(path, NULL);
    assert_non_null(content);
    assert_string_equal(secret_text(content), text);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void
create_never_replaces(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    mode_t old = umask(0);
    assert_int_equal(private_file_create(f->path, "one", 3, NULL), 0);
    umask(old);
    assert_int_equal(private_file_create(f->path, "two", 3, &err), -1);
    assert_int_equal(err.kind, ERROR_EXISTS);
    holds(f->path, "one");
}

static void
replace_leaves_nothing_else_behind(void **state)
{
    struct fixture *f = *state;
    char temporary[sizeof(f->path) + 8];
    snprintf(temporary, sizeof(temporary), "%s.%ld.new", f->path, (long)getpid());
    int fd = open(temporary, O_CREAT | O_WRONLY, 0666); /* of a crash */
    close(fd);
    assert_int_equal(private_file_replace(f->path, "one", 3, NULL), 0);
    assert_int_equal(private_file_replace(f->path, "two", 3, NULL), 0);
    holds(f->path, "two");
    assert_int_equal(access(temporary, F_OK), -1);
}

static void
read_tells_absent_from_open_to_others_and_too_large(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    assert_null(private_file_read(f->path, &err));
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_int_equal(private_file_create(f->path, "", 0, NULL), 0);
    holds(f->path, "");
    assert_int_equal(chmod(f->path, 0604), 0);
    error_clear(&err);
    assert_null(private_file_read(f->path, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_int_equal(chmod(f->path, 0600), 0);
    assert_int_equal(truncate(f->path, (off_t)SECRET_MAX + 1), 0);
    error_clear(&err);
    assert_null(private_file_read(f->path, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
}

static void
folders_are_made_down_to_the_last(void **state)
{
    struct fixture *f = *state;
    char path[sizeof(f->path) + 8];
    snprintf(path, sizeof(path), "%s/a/b", f->path);
    assert_int_equal(private_file_folder(path, NULL), 0);
    assert_int_equal(private_file_folder(path, NULL), 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(private_file_folder("", NULL), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(create_never_replaces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replace_leaves_nothing_else_behind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(read_tells_absent_from_open_to_others_and_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folders_are_made_down_to_the_last, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
