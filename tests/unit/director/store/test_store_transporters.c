#include "tests/unit/director/store_fixture.h"

static void
what_it_says_at_hello_is_kept(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_transporter at;

    fake_clock_advance(&f->clock, 1000);
    assert_ok(store_transporters_set_hello(f->store, f->host.id, "nas.example:8444", "0.1.0", 9, &err));
    assert_ok(store_transporters_find(f->store, "host", &at, &err));
    assert_string_equal(at.advertise, "nas.example:8444");
    assert_int_equal(at.task_slots, 9);
    assert_int_equal(at.last_seen_ms, f->clock.wall_ms);
    assert_int_equal(at.sealing_key[0], 4);
    assert_fails(store_transporters_set_hello(f->store, "transporter-x", "", "", 1, &err), ERROR_NOT_FOUND);
}

static void
labels_are_replaced(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_transporter at;
    struct store_labels labels;

    assert_ok(store_labels_parse("site=berlin", &labels, &err));
    assert_ok(store_transporters_set_labels(f->store, f->host.id, &labels, &err));
    assert_ok(store_transporters_find(f->store, f->host.id, &at, &err));
    assert_int_equal(at.labels.count, 1);
    assert_string_equal(at.labels.at[0].value, "berlin");
    snprintf(labels.at[0].value, sizeof(labels.at[0].value), "a,b=c");
    snprintf(labels.at[0].key, sizeof(labels.at[0].key), "b");
    assert_fails(store_transporters_set_labels(f->store, f->host.id, &labels, &err), ERROR_USAGE);
}

static int
remember(void *ctx, const char *id, struct error *err)
{
    (void)err;
    snprintf(ctx, IDENTIFIER_LEN, "%s", id);
    return 0;
}

static void
revocation_is_for_good(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    char id[IDENTIFIER_LEN] = "";
    struct store_transporter at;
    int64_t when = f->clock.wall_ms;

    assert_ok(store_transporters_revoked(f->store, remember, id, &err));
    assert_string_equal(id, "");
    assert_ok(store_transporters_revoke(f->store, f->host.id, &err));
    fake_clock_advance(&f->clock, 1000);
    assert_ok(store_transporters_revoke(f->store, f->host.id, &err));
    assert_ok(store_transporters_find(f->store, f->host.id, &at, &err));
    assert_int_equal(at.revoked_ms, when);
    assert_ok(store_transporters_revoked(f->store, remember, id, &err));
    assert_string_equal(id, f->host.id);
    assert_fails(store_transporters_revoke(f->store, "transporter-x", &err), ERROR_NOT_FOUND);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, store_fixture_setup_populated, store_fixture_teardown)
        WITH_WORLD(what_it_says_at_hello_is_kept),
        WITH_WORLD(labels_are_replaced),
        WITH_WORLD(revocation_is_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
