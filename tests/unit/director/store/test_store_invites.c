#include "director/store/store_invites.h"
#include "tests/unit/director/store_fixture.h"

static void
add(struct store_fixture *f, struct store_invite *invite)
{
    struct error err = ERROR_INIT;

    memset(invite, 0, sizeof(*invite));
    snprintf(invite->name, sizeof(invite->name), "edge1");
    memset(invite->token_sha256, 0x5a, sizeof(invite->token_sha256));
    invite->expires_ms = f->clock.wall_ms + 60000;
    assert_ok(store_labels_parse("site=berlin", &invite->labels, &err));
    assert_ok(store_invites_add(f->store, invite, &err));
}

static void
an_invite_is_used_once(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_invite invite, found;

    add(f, &invite);
    assert_ok(store_invites_use(f->store, invite.id, "transporter-1", &err));
    assert_fails(store_invites_use(f->store, invite.id, "transporter-2", &err), ERROR_CONFLICT);
    assert_ok(store_invites_find_by_hash(f->store, invite.token_sha256, &found, &err));
    assert_string_equal(found.used_by, "transporter-1");
    assert_string_equal(found.labels.at[0].value, "berlin");
}

static void
an_invite_that_is_over_cannot_be_used(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_invite invite;
    uint8_t other[32] = { 1 };

    add(f, &invite);
    fake_clock_advance(&f->clock, 60000);
    assert_fails(store_invites_use(f->store, invite.id, "transporter-1", &err), ERROR_DENIED);
    assert_fails(store_invites_find_by_hash(f->store, other, &invite, &err), ERROR_NOT_FOUND);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_invite_is_used_once, store_fixture_setup, store_fixture_teardown),
        cmocka_unit_test_setup_teardown(an_invite_that_is_over_cannot_be_used, store_fixture_setup,
                                        store_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
