#include "director/store/store_tokens.h"
#include "tests/unit/director/store_fixture.h"

static void
a_token_is_found_by_its_hash_until_deleted(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_token token = { .name = "ci", .scope = STORE_TOKEN_OPERATOR, .token_sha256 = { 9 } }, at;

    assert_ok(store_tokens_add(f->store, &token, &err));
    fake_clock_advance(&f->clock, 5);
    assert_ok(store_tokens_set_used(f->store, token.id, &err));
    assert_ok(store_tokens_find_by_hash(f->store, token.token_sha256, &at, &err));
    assert_string_equal(at.name, "ci");
    assert_string_equal(store_token_scope_name(at.scope), "operator");
    assert_int_equal(at.last_used_ms, f->clock.wall_ms);
    assert_fails(store_tokens_add(f->store, &token, &err), ERROR_EXISTS);
    assert_ok(store_tokens_delete(f->store, "ci", &err));
    assert_fails(store_tokens_find_by_hash(f->store, token.token_sha256, &at, &err), ERROR_NOT_FOUND);
    assert_fails(store_tokens_delete(f->store, "ci", &err), ERROR_NOT_FOUND);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_is_found_by_its_hash_until_deleted, store_fixture_setup,
                                        store_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
