#include "tests/unit/director/store_fixture.h"

static void
slots_are_kept_per_transporter(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    CLEANUP(memory_free_p) uint8_t *sealed = NULL;
    size_t len = 0;

    assert_int_equal(store_secrets_has_slot(f->store, f->storage.id, f->host.id, &err), 1);
    assert_int_equal(store_secrets_has_slot(f->store, f->password.id, f->host.id, &err), 0);
    assert_int_equal(store_secrets_has_slot(f->store, "", f->host.id, &err), 1);
    assert_ok(store_secrets_put_slot(f->store, f->storage.id, f->host.id, (const uint8_t *)"\0anew", 5, &err));
    assert_ok(store_secrets_get_slot(f->store, f->storage.id, f->host.id, &sealed, &len, &err));
    assert_int_equal(len, 5);
    assert_memory_equal(sealed, "\0anew", 5);
    assert_fails(store_secrets_get_slot(f->store, f->password.id, f->host.id, &sealed, &len, &err), ERROR_NOT_FOUND);
    assert_fails(store_secrets_put_slot(f->store, f->storage.id, "transporter-x", sealed, 1, &err), ERROR_NOT_FOUND);
    assert_fails(store_secrets_put_slot(f->store, f->storage.id, f->host.id, sealed, STORE_SEALED_MAX + 1, &err),
                 ERROR_LIMIT);
}

static void
a_secret_in_use_stays(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_secret secret;

    assert_fails(store_secrets_delete(f->store, f->password.id, &err), ERROR_CONFLICT);
    assert_fails(store_secrets_delete(f->store, f->storage.id, &err), ERROR_CONFLICT);
    store_fixture_secret(f, &secret, STORE_SECRET_SELECTION);
    store_fixture_seal(f, &secret, f->host.id);
    assert_ok(store_secrets_delete(f->store, secret.id, &err));
    assert_int_equal(store_secrets_has_slot(f->store, secret.id, f->host.id, &err), 0);
}

static void
whoever_seals_may_choose_the_id(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_secret secret = { .id = "secret-chosen", .purpose = STORE_SECRET_STORAGE }, found;
    enum store_secret_purpose purpose;

    assert_ok(store_secrets_add(f->store, &secret, &err));
    assert_fails(store_secrets_add(f->store, &secret, &err), ERROR_EXISTS);
    assert_ok(store_secrets_find(f->store, "secret-chosen", &found, &err));
    snprintf(secret.id, sizeof(secret.id), "Not An Id");
    assert_fails(store_secrets_add(f->store, &secret, &err), ERROR_USAGE);
    secret = (struct store_secret){ .purpose = STORE_SECRET_SELECTION };
    assert_fails(store_secrets_add(f->store, &secret, &err), ERROR_USAGE);
    assert_int_equal(store_secret_purpose_from_name("vault-password", &purpose), 0);
    assert_int_equal(purpose, STORE_SECRET_VAULT_PASSWORD);
    assert_int_equal(store_secret_purpose_from_name("x", &purpose), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, store_fixture_setup_populated, store_fixture_teardown)
        WITH_WORLD(slots_are_kept_per_transporter),
        WITH_WORLD(a_secret_in_use_stays),
        WITH_WORLD(whoever_seals_may_choose_the_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
