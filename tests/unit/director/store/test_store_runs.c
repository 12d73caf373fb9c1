#include "director/store/store_runs.h"
#include "tests/unit/director/store_fixture.h"

static int
collect(void *ctx, const struct store_run *run, struct error *err)
{
    (void)err;
    char *seen = ctx;
    snprintf(seen + strlen(seen), 9, "%s", run->actor);
    return 0;
}

static struct store_run
add(struct store_fixture *f, const char *actor)
{
    struct error err = ERROR_INIT;
    struct store_run run = { .kind = STORE_RUN_DISCOVER };

    memcpy(run.tenant, f->tenant.id, sizeof(run.tenant));
    snprintf(run.actor, sizeof(run.actor), "%s", actor);
    assert_ok(store_runs_add(f->store, &run, &err));
    return run;
}

static void
runs_are_listed_newest_first(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    char seen[64] = "";
    struct store_run_filter all = { 0 }, open = { .tenant = f->tenant.id, .unfinished = true };

    struct store_run a = add(f, "a");
    add(f, "b");
    struct store_run c = add(f, "c");
    assert_ok(store_runs_list(f->store, &all, (struct store_page){ 0 }, collect, seen, &err));
    assert_string_equal(seen, "cba");
    seen[0] = '\0';
    assert_ok(store_runs_list(f->store, &all, (struct store_page){ c.id, 1 }, collect, seen, &err));
    assert_string_equal(seen, "b");
    a.state = STORE_RUN_WARNING;
    a.totals.items_failed = 3;
    assert_ok(store_runs_update(f->store, &a, &err));
    seen[0] = '\0';
    assert_ok(store_runs_list(f->store, &open, (struct store_page){ 0 }, collect, seen, &err));
    assert_string_equal(seen, "cb");
    struct store_run at;
    assert_ok(store_runs_find(f->store, a.id, &at, &err));
    assert_memory_equal(&at, &a, sizeof(at));
}

static void
names_go_both_ways(void **state)
{
    (void)state;
    for (int i = STORE_RUN_QUEUED; i <= STORE_RUN_CANCELLED; i++) {
        enum store_run_state back;
        assert_int_equal(store_run_state_from_name(store_run_state_name((enum store_run_state)i), &back), 0);
        assert_int_equal(back, i);
    }
    for (int i = STORE_RUN_BACKUP; i <= STORE_RUN_CREATE_VAULT; i++) {
        enum store_run_kind back;
        assert_int_equal(store_run_kind_from_name(store_run_kind_name((enum store_run_kind)i), &back), 0);
        assert_int_equal(back, i);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_are_listed_newest_first, store_fixture_setup_populated,
                                        store_fixture_teardown),
        cmocka_unit_test(names_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
