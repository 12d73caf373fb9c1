#include "tests/unit/director/store_fixture.h"

STORE_FIXTURE_COUNT(count_repositories, store_repository);

static void
a_report_of_the_host_is_kept(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_repository at;

    f->repository.state = STORE_REPOSITORY_FAILED;
    snprintf(f->repository.error_kind, sizeof(f->repository.error_kind), "io");
    snprintf(f->repository.error_text, sizeof(f->repository.error_text), "open /srv: Permission denied");
    f->repository.free_bytes = UINT64_MAX;
    f->repository.locks = true;
    snprintf(f->repository.probe, sizeof(f->repository.probe), "locks are enforced");
    assert_ok(store_repositories_set_state(f->store, &f->repository, &err));
    assert_ok(store_repositories_find(f->store, "nas1", &at, &err));
    assert_string_equal(store_repository_state_name(at.state), "failed");
    assert_string_equal(at.error_text, "open /srv: Permission denied");
    assert_true(at.free_bytes == INT64_MAX);
    assert_true(at.locks);
    assert_string_equal(at.probe, "locks are enforced");
    assert_int_equal(at.reported_ms, f->clock.wall_ms);
}

static void
a_repository_with_vaults_stays(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    unsigned count = 0;

    assert_fails(store_repositories_delete(f->store, f->repository.id, &err), ERROR_CONFLICT);
    assert_ok(store_vaults_delete(f->store, f->vault.id, &err));
    assert_ok(
        store_repositories_list(f->store, f->host.id, (struct store_page){ 0 }, count_repositories, &count, &err));
    assert_int_equal(count, 1);
    assert_ok(store_repositories_delete(f->store, f->repository.id, &err));
    assert_ok(store_repositories_list(f->store, NULL, (struct store_page){ 0 }, count_repositories, &count, &err));
    assert_int_equal(count, 1);
}

static void
its_host_must_exist(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_repository lost = { .name = "lost", .host = "transporter-x" };

    assert_fails(store_repositories_add(f->store, &lost, &err), ERROR_NOT_FOUND);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, store_fixture_setup_populated, store_fixture_teardown)
        WITH_WORLD(a_report_of_the_host_is_kept),
        WITH_WORLD(a_repository_with_vaults_stays),
        WITH_WORLD(its_host_must_exist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
