#include "director/store/store_events.h"
#include "director/store/store_internal.h"
#include "tests/unit/director/store_fixture.h"

static int
collect(void *ctx, const struct store_event *event, struct error *err)
{
    (void)err;
    char *seen = ctx;
    snprintf(seen + strlen(seen), 9, "%s", event->text);
    return 0;
}

static void
events_come_in_order_and_by_tenant(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    char seen[64] = "";

    assert_ok(store_events_add(f->store, NULL, "test", "a.b", NULL, &err, "%d", 1));
    assert_ok(store_events_add(f->store, "tenant-1", "test", "a.b", "subject", &err, "%d", 2));
    assert_ok(store_events_add(f->store, NULL, "test", "a.b", NULL, &err, "%d", 3));
    assert_ok(store_events_list(f->store, NULL, 1, 0, collect, seen, &err));
    assert_string_equal(seen, "23");
    seen[0] = '\0';
    assert_ok(store_events_list_newest(f->store, NULL, 0, 2, collect, seen, &err));
    assert_string_equal(seen, "32");
    seen[0] = '\0';
    assert_ok(store_events_list(f->store, "tenant-1", 0, 0, collect, seen, &err));
    assert_string_equal(seen, "2");
}

static void
an_entry_cannot_be_changed_or_deleted(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_query update = { "UPDATE event SET text = 'x'", NULL, 0 }, delete = { "DELETE FROM event", NULL, 0 };

    assert_ok(store_events_add(f->store, NULL, "test", "a.b", NULL, &err, "kept"));
    assert_fails(store_statement_change(f->store, &update, NULL, &err), ERROR_USAGE);
    assert_fails(store_statement_change(f->store, &delete, NULL, &err), ERROR_USAGE);
}

static void
a_long_text_is_cut_at_a_character(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    char longest[STORE_TEXT_LEN * 2] = "";

    for (size_t i = 0; i + 3 < sizeof(longest); i += 3)
        memcpy(longest + i, "\xe2\x82\xac", 4);
    assert_ok(store_events_add(f->store, NULL, "test", "a.b", NULL, &err, "x%s", longest));
    int64_t len;
    assert_ok(store_statement_number(f->store, &(struct store_query){ "SELECT length(text) FROM event", NULL, 0 }, &len,
                                     &err));
    assert_int_equal(len, 1 + (STORE_TEXT_LEN - 2) / 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(events_come_in_order_and_by_tenant, store_fixture_setup,
                                        store_fixture_teardown),
        cmocka_unit_test_setup_teardown(an_entry_cannot_be_changed_or_deleted, store_fixture_setup,
                                        store_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_long_text_is_cut_at_a_character, store_fixture_setup, store_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
