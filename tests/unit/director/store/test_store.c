#include "director/store/store_events.h"
#include "director/store/store_internal.h"
#include "tests/unit/director/store_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void
add_tenant(struct store *store, const char *name)
{
    struct store_tenant tenant = { 0 };
    struct error err = ERROR_INIT;

    snprintf(tenant.name, sizeof(tenant.name), "%s", name);
    assert_ok(store_tenants_add(store, &tenant, &err));
}

static bool
has_tenant(struct store *store, const char *name)
{
    struct store_tenant tenant;
    return store_tenants_find(store, name, &tenant, NULL) == 0;
}

static void
the_file_is_private_and_durable(void **state)
{
    struct store_fixture *f = *state;
    struct stat st;
    int64_t number;
    struct error err = ERROR_INIT;

    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_ok(store_statement_number(f->store, &(struct store_query){ "PRAGMA synchronous", NULL, 0 }, &number, &err));
    assert_int_equal(number, 2);
    assert_ok(store_statement_number(f->store, &(struct store_query){ "PRAGMA foreign_keys", NULL, 0 }, &number, &err));
    assert_int_equal(number, 1);
    assert_ok(store_check(f->store, &err));
}

static void
what_is_written_is_there_after_reopening(void **state)
{
    struct store_fixture *f = *state;

    add_tenant(f->store, "contoso");
    store_fixture_reopen(f);
    assert_true(has_tenant(f->store, "contoso"));
}

static void
a_database_of_a_newer_program_is_refused(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;

    assert_ok(
        store_statement_change(f->store, &(struct store_query){ "PRAGMA user_version = 9999", NULL, 0 }, NULL, &err));
    store_close(f->store);
    f->store = NULL;
    assert_null(store_open(f->path, &f->clock.clock, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
}

static void
a_file_that_is_no_database_is_refused(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    char path[PATH_MAX + 32];
    static const char garbage[4096] = "this is certainly not a database of any kind";

    snprintf(path, sizeof(path), "%s/garbage.db", f->folder.path);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, garbage, sizeof(garbage)), sizeof(garbage));
    close(fd);
    assert_null(store_open(path, &f->clock.clock, &err));
    assert_int_equal(err.kind, ERROR_CORRUPT);
}

static void
an_inner_rollback_dooms_the_whole(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;

    assert_ok(store_begin(f->store, &err));
    add_tenant(f->store, "outer");
    assert_ok(store_begin(f->store, &err));
    add_tenant(f->store, "inner");
    store_rollback(f->store);
    assert_fails(store_commit(f->store, &err), ERROR_INTERNAL);
    assert_false(has_tenant(f->store, "outer"));
    assert_false(has_tenant(f->store, "inner"));

    assert_ok(store_begin(f->store, &err));
    assert_ok(store_begin(f->store, &err));
    add_tenant(f->store, "again");
    assert_ok(store_commit(f->store, &err));
    assert_ok(store_commit(f->store, &err));
    assert_true(has_tenant(f->store, "again"));
}

static void
a_copy_is_consistent_and_never_overwrites(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    char path[PATH_MAX + 32];

    add_tenant(f->store, "contoso");
    snprintf(path, sizeof(path), "%s/copy.db", f->folder.path);
    assert_ok(store_backup(f->store, path, &err));
    assert_fails(store_backup(f->store, path, &err), ERROR_EXISTS);
    struct store *copy = store_open(path, &f->clock.clock, &err);
    assert_non_null(copy);
    assert_true(has_tenant(copy, "contoso"));
    store_close(copy);
}

/* A child commits one tenant after another and reports each on a pipe; it is killed in the middle. */
static void
nothing_that_was_answered_is_lost_by_a_kill(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    int pipe_ends[2];

    store_close(f->store);
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct store *store = store_open(f->path, &f->clock.clock, &err);
        for (int i = 0; store != NULL && i < 10000; i++) {
            struct store_tenant tenant = { 0 };
            snprintf(tenant.name, sizeof(tenant.name), "t%d", i);
            if (store_tenants_add(store, &tenant, &err) != 0 || write(pipe_ends[1], &i, sizeof(i)) != sizeof(i))
                break;
        }
        _exit(1);
    }
    close(pipe_ends[1]);
    int last = -1;
    while (last < 20 && read(pipe_ends[0], &last, sizeof(last)) == sizeof(last))
        ;
    kill(child, SIGKILL);
    while (read(pipe_ends[0], &last, sizeof(last)) == sizeof(last))
        ;
    close(pipe_ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(last >= 20);
    f->store = store_open(f->path, &f->clock.clock, &err);
    assert_non_null(f->store);
    assert_ok(store_check(f->store, &err));
    for (int i = 0; i <= last; i++) {
        char name[16];
        snprintf(name, sizeof(name), "t%d", i);
        assert_true(has_tenant(f->store, name));
    }
}

static int
count_again(void *ctx, const struct store_event *event, struct error *err)
{
    struct store_fixture *f = ctx;
    struct store_tenant tenant;

    (void)event;
    assert_int_equal(store_tenants_find(f->store, "contoso", &tenant, err), 0);
    return store_events_list(f->store, NULL, INT64_MAX - 1, 1, count_again, f, err);
}

static void
a_callback_may_use_the_store_and_the_same_statement(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;

    add_tenant(f->store, "contoso");
    for (int i = 0; i < 3; i++)
        assert_ok(store_events_add(f->store, NULL, "test", "test.event", NULL, &err, "event %d", i));
    assert_ok(store_events_list(f->store, NULL, 0, 0, count_again, f, &err));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_STORE(name) cmocka_unit_test_setup_teardown(name, store_fixture_setup, store_fixture_teardown)
        WITH_STORE(the_file_is_private_and_durable),
        WITH_STORE(what_is_written_is_there_after_reopening),
        WITH_STORE(a_database_of_a_newer_program_is_refused),
        WITH_STORE(a_file_that_is_no_database_is_refused),
        WITH_STORE(an_inner_rollback_dooms_the_whole),
        WITH_STORE(a_copy_is_consistent_and_never_overwrites),
        WITH_STORE(nothing_that_was_answered_is_lost_by_a_kill),
        WITH_STORE(a_callback_may_use_the_store_and_the_same_statement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
