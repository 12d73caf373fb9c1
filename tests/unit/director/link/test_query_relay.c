#include "director/link/query_relay.h"
#include "common/loop/event_loop.h"
#include "tests/unit/director/store_fixture.h"

struct answers {
    struct event_loop *loop;
    unsigned count;
    enum error_kind kind;
    char text[8];
};

static void
on_answer(void *ctx, const uint8_t *sealed, size_t len, const struct error *why)
{
    struct answers *a = ctx;

    a->count++;
    a->kind = why != NULL ? why->kind : ERROR_NONE;
    memset(a->text, 0, sizeof(a->text));
    if (len < sizeof(a->text) && len > 0)
        memcpy(a->text, sealed, len);
    if (a->kind == ERROR_TIMEOUT)
        event_loop_stop(a->loop);
}

static void
only_the_one_that_was_asked_answers_and_once(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct answers a = { .loop = event_loop_new(&err) };
    struct query_relay *relay = query_relay_new(a.loop);

    assert_ok(query_relay_add(relay, "query-1", "node-a", 60000, on_answer, &a, &err));
    assert_fails(query_relay_add(relay, "query-1", "node-a", 60000, on_answer, &a, &err), ERROR_EXISTS);
    assert_fails(query_relay_add(relay, "Query 1", "node-a", 60000, on_answer, &a, &err), ERROR_USAGE);
    query_relay_reply(relay, "node-b", "query-1", (const uint8_t *)"forged", 6, NULL);
    assert_int_equal(a.count, 0);
    query_relay_reply(relay, "node-a", "query-1", (const uint8_t *)"yes", 3, NULL);
    query_relay_reply(relay, "node-a", "query-1", (const uint8_t *)"no", 2, NULL);
    assert_int_equal(a.count, 1);
    assert_string_equal(a.text, "yes");
    assert_ok(query_relay_add(relay, "query-2", "node-a", 60000, on_answer, &a, &err));
    query_relay_drop(relay, "query-2");
    query_relay_lose(relay, "node-a");
    assert_int_equal(a.count, 1);
    query_relay_free(relay);
    event_loop_free(a.loop);
}

static void
a_lost_or_silent_transporter_ends_the_question(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct answers a = { .loop = event_loop_new(&err) };
    struct query_relay *relay = query_relay_new(a.loop);

    assert_ok(query_relay_add(relay, "query-1", "node-a", 60000, on_answer, &a, &err));
    query_relay_lose(relay, "node-a");
    assert_int_equal(a.kind, ERROR_UNAVAILABLE);
    assert_ok(query_relay_add(relay, "query-1", "node-a", 1, on_answer, &a, &err));
    event_loop_run(a.loop);
    assert_int_equal(a.kind, ERROR_TIMEOUT);
    assert_int_equal(a.count, 2);
    query_relay_free(relay);
    event_loop_free(a.loop);
}

static void
there_is_a_ceiling(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct answers a = { .loop = event_loop_new(&err) };
    struct query_relay *relay = query_relay_new(a.loop);
    char id[IDENTIFIER_LEN];

    for (int i = 0; i < QUERY_RELAY_MAX; i++) {
        snprintf(id, sizeof(id), "query-%d", i);
        assert_ok(query_relay_add(relay, id, "node-a", 60000, on_answer, &a, &err));
    }
    assert_fails(query_relay_add(relay, "query-more", "node-a", 60000, on_answer, &a, &err), ERROR_UNAVAILABLE);
    query_relay_free(relay);
    assert_int_equal(a.count, 0);
    event_loop_free(a.loop);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_one_that_was_asked_answers_and_once),
        cmocka_unit_test(a_lost_or_silent_transporter_ends_the_question),
        cmocka_unit_test(there_is_a_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
