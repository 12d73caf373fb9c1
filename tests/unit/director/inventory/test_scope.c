#include "director/inventory/scope.h"
#include "tests/unit/director/store_fixture.h"

static void
patterns_match_names(void **state)
{
    (void)state;
    assert_true(scope_pattern_matches("*", ""));
    assert_true(scope_pattern_matches("*@contoso.example", "Anna@Contoso.Example"));
    assert_true(scope_pattern_matches("a*b*c", "aXXbYYbZZc"));
    assert_true(scope_pattern_matches("?nna", "\xc3\x84nna"));
    assert_false(scope_pattern_matches("?nna", "nna"));
    assert_false(scope_pattern_matches("a*b", "aXXc"));
    assert_false(scope_pattern_matches("", "a"));
    assert_true(scope_pattern_matches("**a**", "xax"));
}

static void
a_hostile_pattern_takes_no_time(void **state)
{
    (void)state;
    char pattern[STORE_TITLE_LEN] = "", name[STORE_TITLE_LEN] = "";

    for (size_t i = 0; i + 2 < sizeof(pattern); i += 2)
        memcpy(pattern + i, "*a", 3);
    memset(name, 'a', 200);
    name[200] = 'b';
    assert_false(scope_pattern_matches(pattern, name));
}

static void
a_rule_matches_by_kind_and_by_id(void **state)
{
    (void)state;
    struct store_object object = { .id = "object-1", .kind = STORE_OBJECT_DRIVE, .name = "anna" };
    struct store_job_rule any = { STORE_OBJECT_ANY, "A*" }, mail = { STORE_OBJECT_MAILBOX, "*" },
                          id = { STORE_OBJECT_ANY, "object-1" };

    assert_true(scope_rule_matches(&any, &object));
    assert_false(scope_rule_matches(&mail, &object));
    assert_true(scope_rule_matches(&id, &object));
}

static int
count(void *ctx, const struct store_object *object, struct error *err)
{
    (void)object;
    (void)err;
    (*(unsigned *)ctx)++;
    return 0;
}

static void
a_job_expands_over_many_pages_of_objects(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_job job = { .name = "nightly", .enabled = true };
    struct store_job_rule rule = { STORE_OBJECT_DRIVE, "d1*" };
    unsigned seen = 0;

    memcpy(job.tenant, f->tenant.id, sizeof(job.tenant));
    memcpy(job.vault, f->vault.id, sizeof(job.vault));
    assert_ok(store_begin(f->store, &err));
    for (int i = 0; i < STORE_PAGE_MAX * 2; i++) {
        struct store_object object = { .kind = STORE_OBJECT_DRIVE };
        memcpy(object.tenant, f->tenant.id, sizeof(object.tenant));
        snprintf(object.name, sizeof(object.name), "d%04d", i);
        snprintf(object.external_id, sizeof(object.external_id), "x%d", i);
        assert_ok(store_objects_put(f->store, &object, &err));
    }
    assert_ok(store_jobs_add(f->store, &job, &rule, 1, &err));
    assert_ok(store_commit(f->store, &err));
    assert_ok(scope_expand(f->store, &job, count, &seen, &err));
    assert_int_equal(seen, 1000);
    job.all = true;
    seen = 0;
    assert_ok(scope_expand(f->store, &job, count, &seen, &err));
    assert_int_equal(seen, STORE_PAGE_MAX * 2 + 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_names),
        cmocka_unit_test(a_hostile_pattern_takes_no_time),
        cmocka_unit_test(a_rule_matches_by_kind_and_by_id),
        cmocka_unit_test_setup_teardown(a_job_expands_over_many_pages_of_objects, store_fixture_setup_populated,
                                        store_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
