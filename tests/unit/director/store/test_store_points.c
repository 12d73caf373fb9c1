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

struct listed {
    char text[512];
};

static int
on_name(void *ctx, const char *stored_id, struct error *err)
{
    struct listed *listed = ctx;
    size_t len = strlen(listed->text);

    (void)err;
    snprintf(listed->text + len, sizeof(listed->text) - len, "%s ", stored_id);
    return 0;
}

static const char *
uncopied(struct store_fixture *f, const struct store_point_copy *copy, unsigned most, struct listed *listed)
{
    struct error err = ERROR_INIT;

    listed->text[0] = '\0';
    assert_ok(store_points_uncopied(f->store, copy, most, on_name, listed, &err));
    return listed->text;
}

static struct store_vault
add_other_vault(struct store_fixture *f)
{
    struct error err = ERROR_INIT;
    struct store_vault vault = f->vault;

    vault.id[0] = '\0';
    snprintf(vault.name, sizeof(vault.name), "other");
    assert_ok(store_vaults_add(f->store, &vault, &err));
    return vault;
}

static void
what_is_not_copied_yet_is_listed_with_what_it_builds_on(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_vault other = add_other_vault(f);
    struct store_point a = point_of(f, "point-1", 100), b = point_of(f, "point-2", 200),
                       c = point_of(f, "point-3", 300);
    struct store_point d = point_of(f, "point-4", 250), at;
    struct store_point_copy copy = { .source = f->vault.id, .vault = other.id, .object = "" };
    struct listed listed;

    memcpy(d.object, f->mailbox[1].id, sizeof(d.object));
    assert_ok(store_points_add(f->store, &a, &err));
    assert_ok(store_points_add(f->store, &b, &err));
    assert_ok(store_points_add(f->store, &c, &err));
    assert_ok(store_points_add(f->store, &d, &err));
    assert_string_equal(uncopied(f, &copy, 10, &listed), "point-1 point-2 point-4 point-3 ");
    assert_string_equal(uncopied(f, &copy, 2, &listed), "point-1 point-2 ");
    copy.since_ms = 250;
    assert_string_equal(uncopied(f, &copy, 10, &listed), "point-4 point-3 ");
    copy.since_ms = 0;
    copy.latest = true;
    copy.object = f->mailbox[0].id;
    assert_string_equal(uncopied(f, &copy, 10, &listed), "point-3 ");
    copy.latest = false;
    assert_int_equal(store_points_add_copy(f->store, &copy, "point-1", "run-1", 5, &err), 1);
    assert_int_equal(store_points_add_copy(f->store, &copy, "point-2", "run-1", 7, &err), 1);
    assert_int_equal(store_points_add_copy(f->store, &copy, "point-2", "run-2", 9, &err), 0);
    assert_int_equal(store_points_add_copy(f->store, &copy, "point-unknown", "run-2", 9, &err), 0);
    assert_string_equal(uncopied(f, &copy, 10, &listed), "point-2 point-3 ");
    assert_ok(store_points_latest(f->store, other.id, f->mailbox[0].id, &at, &err));
    assert_string_equal(store_points_stored_id(&at), "point-2");
    assert_string_not_equal(at.id, "point-2");
    assert_int_equal(at.stored_bytes, 7);
    assert_int_equal(at.items, 10);
    assert_string_equal(at.run, "run-1");
    /* A copy of the copy is the same point. */
    copy = (struct store_point_copy){ .source = other.id, .vault = f->vault.id, .object = "" };
    assert_string_equal(uncopied(f, &copy, 10, &listed), "");
}

static void
a_replica_is_the_same_vault_elsewhere(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_repository repository = f->repository;
    struct store_vault replica = { .name = "replica" }, again = { .name = "again" }, back;

    memcpy(replica.repository, f->repository.id, sizeof(replica.repository));
    assert_fails(store_vaults_add_replica(f->store, &replica, &f->vault, &err), ERROR_CONFLICT);
    repository.id[0] = '\0';
    snprintf(repository.name, sizeof(repository.name), "elsewhere");
    assert_ok(store_repositories_add(f->store, &repository, &err));
    memcpy(replica.repository, repository.id, sizeof(replica.repository));
    memcpy(again.repository, repository.id, sizeof(again.repository));
    assert_ok(store_vaults_add_replica(f->store, &replica, &f->vault, &err));
    assert_ok(store_vaults_find(f->store, "replica", &back, &err));
    assert_int_equal(back.state, STORE_VAULT_READY);
    assert_string_not_equal(back.id, f->vault.id);
    assert_string_equal(store_vaults_stored_id(&back), f->vault.id);
    assert_string_equal(back.tenant, f->vault.tenant);
    assert_fails(store_vaults_add_replica(f->store, &again, &replica, &err), ERROR_CONFLICT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_point_twice_is_one, store_fixture_setup_populated,
                                        store_fixture_teardown),
        cmocka_unit_test_setup_teardown(what_is_not_copied_yet_is_listed_with_what_it_builds_on,
                                        store_fixture_setup_populated, store_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_replica_is_the_same_vault_elsewhere, store_fixture_setup_populated,
                                        store_fixture_teardown),
        cmocka_unit_test_setup_teardown(the_latest_is_the_one_recorded_last, store_fixture_setup_populated,
                                        store_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
