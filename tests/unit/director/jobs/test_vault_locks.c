#include "director/jobs/vault_locks.h"
#include "director/store/store_events.h"
#include "tests/unit/director/store_fixture.h"

#define DAY_MS INT64_C(86400000)

static void
only_a_repository_that_enforces_locks_will_do(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;

    assert_ok(vault_locks_check(f->store, f->vault.id, 0, &err));
    assert_int_equal(vault_locks_check(f->store, f->vault.id, 1, &err), -1);
    assert_int_equal(err.kind, ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.text, f->repository.name));
    error_clear(&err);
    f->repository.locks = true;
    assert_ok(store_repositories_set_state(f->store, &f->repository, &err));
    assert_ok(vault_locks_check(f->store, f->vault.id, 1, &err));
}

static void
a_lock_that_is_noted_never_becomes_shorter(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;

    assert_ok(vault_locks_note(f->store, f->vault.id, 30, 5000, &err));
    assert_ok(vault_locks_note(f->store, f->vault.id, 10, 4000, &err));
    assert_ok(store_vaults_find(f->store, f->vault.id, &f->vault, &err));
    assert_int_equal(f->vault.locked_until_ms, 5000);
    assert_int_equal(f->vault.lock_days, 30);
}

static void
a_warning_comes_in_time(void **state)
{
    (void)state;
    struct store_vault vault = { .lock_days = 30, .locked_until_ms = 100 * DAY_MS };
    char words[VAULT_LOCKS_WARNING_LEN];

    assert_false(vault_locks_warning(&vault, 97 * DAY_MS, words));
    assert_true(vault_locks_warning(&vault, 97 * DAY_MS + 1, words));
    assert_non_null(strstr(words, "ends in 71 hours"));
    assert_true(vault_locks_warning(&vault, 100 * DAY_MS, words));
    assert_non_null(strstr(words, "has ended"));
    vault.lock_days = 2;
    assert_false(vault_locks_warning(&vault, 99 * DAY_MS, words));
    assert_true(vault_locks_warning(&vault, 99 * DAY_MS + 1, words));
    vault.locked_until_ms = 0;
    assert_false(vault_locks_warning(&vault, 99 * DAY_MS, words));
    assert_string_equal(words, "");
}

static int
on_event(void *ctx, const struct store_event *event, struct error *err)
{
    (void)err;
    *(unsigned *)ctx += strcmp(event->type, "vault.locks") == 0;
    return 0;
}

static unsigned
events(struct store_fixture *f)
{
    struct error err = ERROR_INIT;
    unsigned count = 0;

    assert_ok(store_events_list(f->store, NULL, 0, 0, on_event, &count, &err));
    return count;
}

static void
runs_that_stop_are_told_once_and_again_after_the_next_lock(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;

    assert_ok(vault_locks_note(f->store, f->vault.id, 30, f->clock.wall_ms + 30 * DAY_MS, &err));
    for (unsigned day = 0; day <= 30; day++) {
        assert_ok(vault_locks_watch(f->store, &err));
        assert_int_equal(events(f), day > 27);
        fake_clock_advance(&f->clock, (uint64_t)DAY_MS);
    }
    assert_ok(vault_locks_note(f->store, f->vault.id, 30, f->clock.wall_ms + 30 * DAY_MS, &err));
    assert_ok(vault_locks_watch(f->store, &err));
    assert_int_equal(events(f), 1);
    fake_clock_advance(&f->clock, 29 * (uint64_t)DAY_MS);
    assert_ok(vault_locks_watch(f->store, &err));
    assert_int_equal(events(f), 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_a_repository_that_enforces_locks_will_do, store_fixture_setup_populated,
                                        store_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_lock_that_is_noted_never_becomes_shorter, store_fixture_setup_populated,
                                        store_fixture_teardown),
        cmocka_unit_test(a_warning_comes_in_time),
        cmocka_unit_test_setup_teardown(runs_that_stop_are_told_once_and_again_after_the_next_lock,
                                        store_fixture_setup_populated, store_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
