#include "transporter/graph/graph_pager.h"

#include "tests/unit/transporter/graph_fixture.h"
#include "transporter/graph/graph_batch.h"
#include "transporter/graph/graph_json.h"

static struct graph_pager *
open_pager(struct graph_fixture *f)
{
    static const char *const headers[] = { "Prefer: IdType=\"ImmutableId\"" };
    return graph_pager_new(&(struct graph_pager_options){ .client = f->graph,
                                                          .service = GRAPH_EXCHANGE,
                                                          .url = "/d",
                                                          .page_size = 4,
                                                          .headers = headers,
                                                          .header_count = 1 });
}

static void
links_are_followed_with_the_same_headers(void **state)
{
    struct graph_fixture *f = *state;
    json_t *values = NULL;
    graph_fixture_allow(f);
    scripted_https_reply(f->server, "GET /v1.0/d HTTP", 200, "",
                         "{\"value\":[1],\"@odata.nextLink\":\"{origin}/v1.0/d?$skiptoken=a%2fB\"}");
    scripted_https_reply(f->server, "GET /v1.0/d?$skiptoken=a%2fB HTTP", 200, "",
                         "{\"value\":[],\"@odata.deltaLink\":\"{origin}/v1.0/d?$deltatoken=z\"}");
    struct graph_pager *pager = open_pager(f);
    assert_int_equal(graph_pager_next(pager, &values, &f->err), 1);
    assert_int_equal(json_array_size(values), 1);
    json_decref(values);
    assert_int_equal(graph_pager_next(pager, &values, &f->err), 1);
    assert_int_equal(json_array_size(values), 0);
    json_decref(values);
    assert_int_equal(graph_pager_next(pager, &values, &f->err), 0);
    assert_non_null(strstr(graph_pager_delta_link(pager), "/v1.0/d?$deltatoken=z"));
    for (size_t i = 1; i <= 2; i++) {
        assert_non_null(strstr(scripted_https_request(f->server, i), "Prefer: IdType=\"ImmutableId\"\r\n"));
        assert_non_null(strstr(scripted_https_request(f->server, i), "Prefer: odata.maxpagesize=4\r\n"));
    }
    graph_pager_free(pager);
}

static void
a_page_that_fails_is_made_smaller(void **state)
{
    struct graph_fixture *f = *state;
    json_t *values = NULL;
    graph_fixture_allow(f);
    for (int i = 0; i < 6; i++)
        scripted_https_reply(f->server, "GET /v1.0/d", 504, "", "");
    scripted_https_reply(f->server, "GET /v1.0/d", 200, "", "{\"value\":[7]}");
    struct graph_pager *pager = open_pager(f);
    assert_int_equal(graph_pager_next(pager, &values, &f->err), 1);
    json_decref(values);
    assert_non_null(strstr(scripted_https_request(f->server, 7), "Prefer: odata.maxpagesize=2\r\n"));
    assert_int_equal(graph_pager_next(pager, &values, &f->err), 0);
    graph_pager_free(pager);
}

static void
a_lost_cursor_is_told(void **state)
{
    struct graph_fixture *f = *state;
    json_t *values = NULL;
    graph_fixture_allow(f);
    scripted_https_reply(f->server, "GET /v1.0/d", 410, "Location: {origin}/v1.0/fresh\r\n",
                         "{\"error\":{\"code\":\"resyncRequired\","
                         "\"innerError\":{\"code\":\"resyncChangesApplyDifferences\"}}}");
    struct graph_pager *pager = open_pager(f);
    assert_int_equal(graph_pager_next(pager, &values, &f->err), -1);
    struct graph_pager_refusal refusal = graph_pager_refusal(pager);
    assert_int_equal(refusal.status, 410);
    assert_string_equal(refusal.inner, "resyncChangesApplyDifferences");
    assert_non_null(strstr(refusal.location, "/v1.0/fresh"));
    graph_pager_free(pager);
}

static void
throttled_parts_of_a_batch_are_repeated_alone(void **state)
{
    struct graph_fixture *f = *state;
    struct graph_batch batch = { .client = f->graph, .service = GRAPH_EXCHANGE, .mailbox = "u", .count = 2 };
    batch.parts[0].url = memory_strdup("/users/u/a");
    batch.parts[1].url = memory_strdup("/users/u/b");
    graph_fixture_allow(f);
    scripted_https_reply(f->server, "POST /v1.0/$batch", 200, "",
                         "{\"responses\":[{\"id\":\"1\",\"status\":200,\"body\":{\"n\":2}},"
                         "{\"id\":\"0\",\"status\":429,\"headers\":{\"Retry-After\":\"17\"},\"body\":{}},"
                         "{\"id\":\"9\",\"status\":200},{\"id\":\"x\",\"status\":200}]}");
    scripted_https_reply(f->server, "POST /v1.0/$batch", 200, "",
                         "{\"responses\":[{\"id\":\"0\",\"status\":404,"
                         "\"body\":{\"error\":{\"code\":\"ErrorItemNotFound\"}}}]}");
    assert_int_equal(graph_batch_run(&batch, &f->err), 0);
    assert_int_equal(batch.parts[0].status, 404);
    assert_string_equal(batch.parts[0].code, "ErrorItemNotFound");
    assert_int_equal(batch.parts[1].status, 200);
    assert_int_equal(graph_json_int(batch.parts[1].answer, "n"), 2);
    assert_true(atomic_load(&f->waited_ms) >= 17000);
    assert_null(strstr(scripted_https_request(f->server, 2), "/users/u/b"));
    graph_batch_clear(&batch);
}

int
main(void)
{
#define GRAPH_TEST(name) cmocka_unit_test_setup_teardown(name, graph_fixture_set_up, graph_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        GRAPH_TEST(links_are_followed_with_the_same_headers),
        GRAPH_TEST(a_page_that_fails_is_made_smaller),
        GRAPH_TEST(a_lost_cursor_is_told),
        GRAPH_TEST(throttled_parts_of_a_batch_are_repeated_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
