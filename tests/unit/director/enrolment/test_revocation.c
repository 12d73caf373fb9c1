#include "director/enrolment/revocation.h"

#include "tests/unit/director/store_fixture.h"

static void
count_change(void *ctx)
{
    (*(int *)ctx)++;
}

static void
a_revocation_is_durable_and_told(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    int changes = 0;
    struct revocation_options options = { .store = f->store, .on_change = count_change, .on_change_ctx = &changes };
    struct revocation *revocation = revocation_open(&options, &err);
    assert_non_null(revocation);
    assert_false(revocation_set_contains(revocation_nodes(revocation), f->host.id));
    assert_fails(revocation_revoke(revocation, "transporter-x", &err), ERROR_NOT_FOUND);
    assert_int_equal(changes, 0);
    assert_ok(revocation_revoke(revocation, f->host.id, &err));
    assert_true(revocation_set_contains(revocation_nodes(revocation), f->host.id));
    assert_int_equal(changes, 1);
    revocation_free(revocation);
    revocation = revocation_open(&options, &err);
    assert_true(revocation_set_contains(revocation_nodes(revocation), f->host.id));
    revocation_free(revocation);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_revocation_is_durable_and_told, store_fixture_setup_populated,
                                        store_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
