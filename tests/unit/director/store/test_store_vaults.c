#include "tests/unit/director/store_fixture.h"

STORE_FIXTURE_COUNT(count_vaults, store_vault);

static void
state_and_password_change(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_vault at;
    struct store_secret fresh;

    store_fixture_secret(f, &fresh, STORE_SECRET_VAULT_PASSWORD);
    assert_ok(store_vaults_set_state(f->store, f->vault.id, STORE_VAULT_FAILED, &err));
    assert_ok(store_vaults_set_secret(f->store, f->vault.id, fresh.id, &err));
    assert_ok(store_vaults_find(f->store, "contoso-vault", &at, &err));
    assert_string_equal(store_vault_state_name(at.state), "failed");
    assert_string_equal(at.password_secret, fresh.id);
    assert_string_equal(at.repository, f->repository.id);
    assert_fails(store_vaults_set_state(f->store, "vault-x", STORE_VAULT_READY, &err), ERROR_NOT_FOUND);
    assert_fails(store_vaults_set_secret(f->store, f->vault.id, "secret-x", &err), ERROR_CONFLICT);
}

static void
vaults_are_listed_by_tenant(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    unsigned count = 0;

    assert_ok(store_vaults_list(f->store, f->tenant.id, (struct store_page){ 0 }, count_vaults, &count, &err));
    assert_int_equal(count, 1);
    assert_ok(store_vaults_list(f->store, "tenant-x", (struct store_page){ 0 }, count_vaults, &count, &err));
    assert_int_equal(count, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, store_fixture_setup_populated, store_fixture_teardown)
        WITH_WORLD(state_and_password_change),
        WITH_WORLD(vaults_are_listed_by_tenant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
