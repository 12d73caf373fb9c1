#include "director/enrolment/invite.h"

#include "tests/unit/director/store_fixture.h"

static void
a_token_is_shown_once_and_found_by_its_hash(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_invite invite, found;
    struct store_labels labels = { .count = 1, .at = { { "site", "zurich" } } };
    char token[INVITE_TOKEN_LEN], other[INVITE_TOKEN_LEN];
    uint8_t hash[32];
    assert_ok(invite_new(&f->clock.clock, "nas1", &labels, INVITE_LIFETIME_MS, &invite, token, &err));
    assert_ok(store_invites_add(f->store, &invite, &err));
    assert_int_equal(strlen(token), INVITE_TOKEN_LEN - 1);
    assert_ok(invite_token_sha256(token, hash, &err));
    assert_ok(store_invites_find_by_hash(f->store, hash, &found, &err));
    assert_string_equal(found.name, "nas1");
    assert_string_equal(found.labels.at[0].value, "zurich");
    assert_int_equal(found.expires_ms, f->clock.wall_ms + INVITE_LIFETIME_MS);
    assert_ok(invite_new(&f->clock.clock, "nas2", NULL, INVITE_LIFETIME_MS, &invite, other, &err));
    assert_string_not_equal(token, other);
}

static void
nonsense_is_refused(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_invite invite;
    char token[INVITE_TOKEN_LEN];
    uint8_t hash[32];
    const struct clock *clock = &f->clock.clock;
    assert_fails(invite_new(clock, "a name", NULL, INVITE_LIFETIME_MS, &invite, token, &err), ERROR_USAGE);
    assert_fails(invite_new(clock, "nas1", NULL, 1000, &invite, token, &err), ERROR_USAGE);
    assert_fails(invite_new(clock, "nas1", NULL, INVITE_LIFETIME_MOST_MS + 1, &invite, token, &err), ERROR_USAGE);
    assert_fails(invite_token_sha256("", hash, &err), ERROR_UNAUTHENTICATED);
    assert_fails(invite_token_sha256("lhi_tooshort", hash, &err), ERROR_UNAUTHENTICATED);
    assert_fails(invite_token_sha256("xxx_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", hash, &err),
                 ERROR_UNAUTHENTICATED);
}

static void
an_invite_is_good_once_and_until_its_end(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct store_invite invite = { .expires_ms = 1767225600000 };
    const uint8_t key[32] = { 1 }, other[32] = { 2 };
    assert_ok(invite_check(&invite, 1767225599999, key, NULL, &err));
    assert_int_equal(invite_check(&invite, 1767225600000, key, NULL, &err), -1);
    assert_int_equal(err.kind, ERROR_UNAUTHENTICATED);
    assert_non_null(strstr(err.text, "expired at 2026-01-01T00:00:00.000Z"));
    error_clear(&err);
    invite.used_ms = 1;
    snprintf(invite.used_by, sizeof(invite.used_by), "transporter-1");
    assert_ok(invite_check(&invite, 0, key, key, &err));
    assert_fails(invite_check(&invite, 0, key, NULL, &err), ERROR_UNAUTHENTICATED);
    assert_int_equal(invite_check(&invite, 0, other, key, &err), -1);
    assert_non_null(strstr(err.text, "used already by another machine"));
    assert_non_null(strstr(err.text, "transporter-1"));
}

static void
the_command_is_one_line_to_run(void **state)
{
    (void)state;
    char *line = invite_command("lhi_x", "director.example:8443", "ab12");
    assert_string_equal(line, "longhaul-transporter enrol --director director.example:8443 --fingerprint ab12 "
                              "--token lhi_x");
    free(line);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_is_shown_once_and_found_by_its_hash, store_fixture_setup,
                                        store_fixture_teardown),
        cmocka_unit_test_setup_teardown(nonsense_is_refused, store_fixture_setup, store_fixture_teardown),
        cmocka_unit_test(an_invite_is_good_once_and_until_its_end),
        cmocka_unit_test(the_command_is_one_line_to_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
