#include "tests/unit/director/store_fixture.h"

STORE_FIXTURE_COUNT(count_objects, store_object);

static void
seeing_an_object_again_renames_it(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_object again = f->mailbox[0], at;
    int64_t first = f->clock.wall_ms;

    again.id[0] = '\0';
    snprintf(again.name, sizeof(again.name), "renamed@contoso.example");
    fake_clock_advance(&f->clock, 5000);
    assert_ok(store_objects_put(f->store, &again, &err));
    assert_string_equal(again.id, f->mailbox[0].id);
    assert_ok(store_objects_find(f->store, again.id, &at, &err));
    assert_string_equal(at.name, "renamed@contoso.example");
    assert_int_equal(at.first_seen_ms, first);
    assert_int_equal(at.last_seen_ms, first + 5000);
}

static void
objects_are_found_by_name_and_external_id(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_object at;

    assert_ok(store_objects_find_named(f->store, f->tenant.id, STORE_OBJECT_ANY, "USER1@contoso.example", &at, &err));
    assert_string_equal(at.id, f->mailbox[1].id);
    assert_ok(store_objects_find_named(f->store, f->tenant.id, STORE_OBJECT_MAILBOX, "guid-0", &at, &err));
    assert_string_equal(at.id, f->mailbox[0].id);
    assert_fails(store_objects_find_named(f->store, f->tenant.id, STORE_OBJECT_DRIVE, "guid-0", &at, &err),
                 ERROR_NOT_FOUND);
}

static void
objects_are_listed_by_kind_in_pages(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    unsigned count = 0;

    assert_ok(store_objects_list(f->store, f->tenant.id, STORE_OBJECT_DRIVE, (struct store_page){ 0 }, count_objects,
                                 &count, &err));
    assert_int_equal(count, 0);
    assert_ok(store_objects_list(f->store, f->tenant.id, STORE_OBJECT_ANY, (struct store_page){ f->mailbox[0].id, 10 },
                                 count_objects, &count, &err));
    assert_int_equal(count, 1);
}

static void
names_from_outside_are_checked(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_object bad = f->mailbox[0];

    snprintf(bad.name, sizeof(bad.name), "line\nbreak");
    assert_fails(store_objects_put(f->store, &bad, &err), ERROR_USAGE);
    bad = f->mailbox[0];
    bad.kind = STORE_OBJECT_ANY;
    assert_fails(store_objects_put(f->store, &bad, &err), ERROR_USAGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, store_fixture_setup_populated, store_fixture_teardown)
        WITH_WORLD(seeing_an_object_again_renames_it),
        WITH_WORLD(objects_are_found_by_name_and_external_id),
        WITH_WORLD(objects_are_listed_by_kind_in_pages),
        WITH_WORLD(names_from_outside_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
