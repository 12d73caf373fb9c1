#include "director/store/store_points.h"
#include "tests/unit/director/store_fixture.h"

STORE_FIXTURE_COUNT(count_points, store_point);

static struct store_point
point_of(struct store_fixture *f, const char *id, int64_t created_ms)
{
    struct store_point point = { .created_ms = created_ms, .items = 10, .bytes = 1000 };

    snprintf(point.id, sizeof(point.id), "%s", id);
    memcpy(point.tenant, f->tenant.id, sizeof(point.tenant));
    memcpy(point.vault, f->vault.id, sizeof(point.vault));
    memcpy(point.object, f->mailbox[0].id, sizeof(point.object));
    return point;
}

static void
the_same_point_twice_is_one(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_point a = point_of(f, "point-1", 100), again = point_of(f, "point-1", 999), b;
    struct store_point_filter filter = { .vault = f->vault.id };
    unsigned count = 0;

    assert_ok(store_points_add(f->store, &a, &err));
    assert_ok(store_points_add(f->store, &again, &err));
    assert_int_equal(again.created_ms, 100);
    b = point_of(f, "point-2", 200);
    assert_ok(store_points_add(f->store, &b, &err));
    assert_ok(store_points_list(f->store, &filter, (struct store_page){ 0 }, count_points, &count, &err));
    assert_int_equal(count, 2);
    filter.not_after_ms = 150;
    assert_ok(store_points_list(f->store, &filter, (struct store_page){ 0 }, count_points, &count, &err));
    assert_int_equal(count, 3);
}

static void
the_latest_is_the_one_recorded_last(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_point a = point_of(f, "point-1", 100), b = point_of(f, "point-2", 50), at;

    assert_fails(store_points_latest(f->store, f->vault.id, f->mailbox[0].id, &at, &err), ERROR_NOT_FOUND);
    assert_ok(store_points_add(f->store, &a, &err));
    assert_ok(store_points_add(f->store, &b, &err));
    assert_ok(store_points_latest(f->store, f->vault.id, f->mailbox[0].id, &at, &err));
    assert_string_equal(at.id, "point-2");
    assert_fails(store_vaults_delete(f->store, f->vault.id, &err), ERROR_CONFLICT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_point_twice_is_one, store_fixture_setup_populated,
                                        store_fixture_teardown),
        cmocka_unit_test_setup_teardown(the_latest_is_the_one_recorded_last, store_fixture_setup_populated,
                                        store_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
