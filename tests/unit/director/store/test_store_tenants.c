#include "director/store/store_jobs.h"
#include "director/store/store_runs.h"
#include "tests/unit/director/store_fixture.h"

STORE_FIXTURE_COUNT(count_tenants, store_tenant);

static void
a_tenant_is_found_by_id_and_by_name(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_tenant tenant;

    assert_ok(store_tenants_find(f->store, f->tenant.id, &tenant, &err));
    assert_string_equal(tenant.name, "contoso");
    assert_string_equal(tenant.microsoft_secret, f->microsoft.id);
    assert_int_equal(tenant.created_ms, f->clock.wall_ms);
    assert_ok(store_tenants_find(f->store, "CONTOSO", &tenant, &err));
    assert_fails(store_tenants_find(f->store, "nobody", &tenant, &err), ERROR_NOT_FOUND);
}

static void
names_are_unique_and_checked(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_tenant tenant = { .name = "Contoso" };

    assert_fails(store_tenants_add(f->store, &tenant, &err), ERROR_EXISTS);
    snprintf(tenant.name, sizeof(tenant.name), "a b");
    assert_fails(store_tenants_add(f->store, &tenant, &err), ERROR_USAGE);
}

static void
pages_follow_each_other(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    unsigned count = 0;
    struct store_tenant tenant;

    for (int i = 0; i < 5; i++) {
        tenant = (struct store_tenant){ 0 };
        snprintf(tenant.name, sizeof(tenant.name), "x%d", i);
        assert_ok(store_tenants_add(f->store, &tenant, &err));
    }
    assert_ok(store_tenants_list(f->store, (struct store_page){ NULL, 4 }, count_tenants, &count, &err));
    assert_int_equal(count, 4);
    assert_ok(store_tenants_find(f->store, "x2", &tenant, &err));
    count = 0;
    assert_ok(store_tenants_list(f->store, (struct store_page){ tenant.id, 4 }, count_tenants, &count, &err));
    assert_int_equal(count, 2);
    count = 0;
    assert_ok(store_tenants_list(f->store, (struct store_page){ "gone", 4 }, count_tenants, &count, &err));
    assert_int_equal(count, 0);
}

static void
a_tenant_with_vaults_stays(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_object object;

    assert_fails(store_tenants_delete(f->store, f->tenant.id, &err), ERROR_CONFLICT);
    assert_ok(store_vaults_delete(f->store, f->vault.id, &err));
    struct store_run run = { .kind = STORE_RUN_DISCOVER };
    memcpy(run.tenant, f->tenant.id, sizeof(run.tenant));
    assert_ok(store_runs_add(f->store, &run, &err));
    assert_fails(store_tenants_delete(f->store, f->tenant.id, &err), ERROR_CONFLICT);
    run.state = STORE_RUN_CANCELLED;
    assert_ok(store_runs_update(f->store, &run, &err));
    assert_ok(store_tenants_delete(f->store, f->tenant.id, &err));
    assert_fails(store_objects_find(f->store, f->mailbox[0].id, &object, &err), ERROR_NOT_FOUND);
    assert_fails(store_tenants_delete(f->store, f->tenant.id, &err), ERROR_NOT_FOUND);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, store_fixture_setup_populated, store_fixture_teardown)
        WITH_WORLD(a_tenant_is_found_by_id_and_by_name),
        WITH_WORLD(names_are_unique_and_checked),
        WITH_WORLD(pages_follow_each_other),
        WITH_WORLD(a_tenant_with_vaults_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
