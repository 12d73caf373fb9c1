#include "tests/unit/transporter/source/source_fixture.h"

#define DELTA "GET /v1.0/drives/d1/root/delta?$select="
/* quickXorHash of "hello world" */
#define HELLO_HASH "aCgDG9jwBhDc4Q1yawMZAAAAAAA="
#define FILE_ROW(id, hash, size, extra)                                                                                \
    "{\"id\":\"" id "\",\"name\":\"n\",\"size\":" size ",\"file\":{\"hashes\":{\"quickXorHash\":\"" hash               \
    "\"}},\"parentReference\":{\"id\":\"R\"}" extra "}"

static void
script_start(struct graph_fixture *f, const char *drive)
{
    char *id = memory_printf("{\"id\":\"%s\"}", drive);
    char *root = memory_printf("GET /v1.0/drives/%s/root?$select=id", drive);
    scripted_https_reply(f->server, "GET /v1.0/users/u1/drive?", 200, "", id);
    scripted_https_reply(f->server, root, 200, "", "{\"id\":\"R\"}");
    free(id);
    free(root);
}

static void
play_one_file(struct graph_fixture *f, struct source_round *r, const char *row)
{
    char *body = memory_printf("{\"value\":[%s],\"@odata.deltaLink\":\"{origin}/v1.0/delta-1\"}", row);
    graph_fixture_allow(f);
    script_start(f, "d1");
    scripted_https_reply(f->server, DELTA, 200, "", body);
    source_round_play(r, f, &drive_driver, NULL);
    assert_int_equal(r->status, 0);
    free(body);
}

static void
rows_become_events(void **state)
{
    struct graph_fixture *f = *state;
    struct source_round r;
    graph_fixture_allow(f);
    script_start(f, "d1");
    scripted_https_reply(
        f->server, DELTA, 200, "",
        "{\"value\":[{\"id\":\"R\",\"name\":\"root\",\"root\":{},\"folder\":{}},"
        "{\"id\":\"F\",\"name\":\"Ä:\",\"folder\":{},\"parentReference\":{\"id\":\"R\"}}," FILE_ROW(
            "1", HELLO_HASH, "11", "") ",{\"id\":\"2\",\"name\":\"zero\",\"size\":0,\"file\":{},\"cTag\":\"c1\","
                                       "\"parentReference\":{\"id\":\"F\"}},"
                                       "{\"id\":\"3\",\"deleted\":{\"state\":\"deleted\"},\"size\":0},"
                                       "{\"id\":\"4\",\"name\":\"book\",\"package\":{\"type\":\"oneNote\"},"
                                       "\"parentReference\":{\"id\":\"R\"}},"
                                       "{\"id\":\"5\",\"name\":\"bad\",\"size\":9,\"file\":{},\"malware\":{},"
                                       "\"eTag\":\"e\",\"parentReference\":{\"id\":\"R\"}}],"
                                       "\"@odata.deltaLink\":\"{origin}/v1.0/delta-1\"}");
    scripted_https_reply(f->server, "GET /v1.0/drives/d1/items/4/children?", 200, "",
                         "{\"value\":[{\"id\":\"6\",\"name\":\"s.one\",\"size\":5,\"file\":{},\"cTag\":\"c\","
                         "\"parentReference\":{\"id\":\"4\"}}]}");
    assert_string_equal(source_round_play(&r, f, &drive_driver, NULL), "( '' 10\n"
                                                                       "+ F in '' 'Ä:' tag=\n"
                                                                       "+ 1 in '' 'n' tag=q:" HELLO_HASH ":11\n"
                                                                       "+ 2 in 'F' 'zero' tag=c:c1\n"
                                                                       "- 3 from ''\n"
                                                                       "+ 4 in '' 'book' tag=\n"
                                                                       "+ 5 in '' 'bad' tag=e:e\n"
                                                                       "+ 6 in '4' 's.one' tag=c:c\n"
                                                                       ") '' 10\n");
    assert_string_equal(r.last->id, "6");
    source_round_clear(&r);
}

static void
a_lost_cursor_lists_the_drive_anew(void **state)
{
    struct graph_fixture *f = *state;
    struct source_round first, r;
    play_one_file(f, &first, FILE_ROW("1", HELLO_HASH, "11", ""));
    script_start(f, "d1");
    scripted_https_reply(f->server, "GET /v1.0/delta-1", 410, "Location: {origin}/v1.0/fresh?token=\r\n",
                         "{\"error\":{\"code\":\"resyncRequired\"}}");
    scripted_https_reply(f->server, "GET /v1.0/fresh?token=", 200, "",
                         "{\"value\":[],\"@odata.deltaLink\":\"{origin}/v1.0/delta-2\"}");
    assert_string_equal(source_round_play(&r, f, &drive_driver, buffer_text(&first.cursor, NULL)),
                        "( '' 10\n) '' 10\n");
    source_round_clear(&r);
    /* Another drive than the cursor's: also anew. */
    script_start(f, "d2");
    scripted_https_reply(f->server, "GET /v1.0/drives/d2/root/delta?", 200, "",
                         "{\"value\":[],\"@odata.deltaLink\":\"{origin}/v1.0/delta-2\"}");
    assert_string_equal(source_round_play(&r, f, &drive_driver, buffer_text(&first.cursor, NULL)),
                        "( '' 10\n) '' 10\n");
    source_round_clear(&r);
    source_round_clear(&first);
}

static void
a_cut_download_goes_on_where_it_ended(void **state)
{
    struct graph_fixture *f = *state;
    struct source_round r;
    struct source_outcome outcome;
    char *row = memory_printf(FILE_ROW("1", HELLO_HASH, "11", ",\"@microsoft.graph.downloadUrl\":\"%s/dl-1\""),
                              scripted_https_origin(f->server));
    play_one_file(f, &r, row);
    scripted_https_cut(f->server, "GET /dl-1", 200, "", "hello world", 5);
    scripted_https_reply(f->server, "GET /v1.0/drives/d1/items/1/content", 302, "Location: {origin}/dl-2\r\n", "");
    scripted_https_reply(f->server, "GET /dl-2", 206, "Content-Range: bytes 5-10/11\r\n", " world");
    assert_int_equal(source_round_fetch(&r, f, &outcome), 0);
    assert_int_equal(outcome.result, SOURCE_STORED);
    assert_string_equal(outcome.reason, "");
    assert_int_equal(outcome.bytes, 11);
    assert_int_equal(r.restarts, 0);
    assert_string_equal(buffer_text(&r.content, NULL), "hello world");
    const char *request = scripted_https_request(f->server, scripted_https_request_count(f->server) - 1);
    assert_non_null(strstr(request, "Range: bytes=5-\r\n"));
    assert_non_null(strstr(request, "Accept: */*\r\n"));
    assert_null(strstr(request, "Authorization"));
    source_round_clear(&r);
    free(row);
}

static void
a_worn_link_and_an_ignored_range_are_survived(void **state)
{
    struct graph_fixture *f = *state;
    struct source_round r;
    struct source_outcome outcome;
    char *row = memory_printf(FILE_ROW("1", HELLO_HASH, "11", ",\"@microsoft.graph.downloadUrl\":\"%s/dl-1\""),
                              scripted_https_origin(f->server));
    play_one_file(f, &r, row);
    scripted_https_reply(f->server, "GET /dl-1", 401, "", "");
    scripted_https_reply(f->server, "GET /v1.0/drives/d1/items/1/content", 302, "Location: {origin}/dl-2\r\n", "");
    scripted_https_cut(f->server, "GET /dl-2", 200, "", "hello world", 3);
    scripted_https_reply(f->server, "GET /v1.0/drives/d1/items/1/content", 302, "Location: {origin}/dl-3\r\n", "");
    scripted_https_reply(f->server, "GET /dl-3", 200, "", "hello world");
    assert_int_equal(source_round_fetch(&r, f, &outcome), 0);
    assert_int_equal(outcome.result, SOURCE_STORED);
    assert_int_equal(r.restarts, 1);
    assert_string_equal(buffer_text(&r.content, NULL), "hello world");
    source_round_clear(&r);
    free(row);
}

static void
a_wrong_hash_is_tried_twice_then_noted(void **state)
{
    struct graph_fixture *f = *state;
    struct source_round r;
    struct source_outcome outcome;
    play_one_file(f, &r, FILE_ROW("1", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "11", ""));
    for (int i = 0; i < 2; i++) {
        scripted_https_reply(f->server, "GET /v1.0/drives/d1/items/1/content", 302, "Location: {origin}/dl\r\n", "");
        scripted_https_reply(f->server, "GET /dl", 200, "", "hello world");
    }
    scripted_https_reply(f->server, "GET /v1.0/drives/d1/items/1?$select=", 200, "",
                         FILE_ROW("1", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "11", ""));
    assert_int_equal(source_round_fetch(&r, f, &outcome), 0);
    assert_int_equal(outcome.result, SOURCE_STORED);
    assert_string_equal(outcome.reason, "hash_differs");
    assert_int_equal(r.restarts, 1);
    /* Changed since it was listed: the bytes fit what is announced now. */
    scripted_https_reply(f->server, "GET /v1.0/drives/d1/items/1/content", 302, "Location: {origin}/dl\r\n", "");
    scripted_https_reply(f->server, "GET /dl", 200, "", "hello world");
    scripted_https_reply(f->server, "GET /v1.0/drives/d1/items/1?$select=", 200, "",
                         FILE_ROW("1", HELLO_HASH, "11", ""));
    assert_int_equal(source_round_fetch(&r, f, &outcome), 0);
    assert_string_equal(outcome.reason, "");
    source_round_clear(&r);
}

static void
what_cannot_be_had_has_a_reason(void **state)
{
    struct graph_fixture *f = *state;
    struct source_round r;
    struct source_outcome outcome;
    play_one_file(f, &r, FILE_ROW("1", HELLO_HASH, "11", ""));
    scripted_https_reply(f->server, "GET /v1.0/drives/d1/items/1/content", 403, "",
                         "{\"error\":{\"code\":\"accessDenied\",\"innerError\":{\"code\":\"malwareDetected\"}}}");
    assert_int_equal(source_round_fetch(&r, f, &outcome), 0);
    assert_int_equal(outcome.result, SOURCE_SKIPPED);
    assert_string_equal(outcome.reason, "malware");
    scripted_https_reply(f->server, "GET /v1.0/drives/d1/items/1/content", 404, "", "");
    scripted_https_reply(f->server, "GET /v1.0/drives/d1/items/1?$select=", 404, "", "");
    assert_int_equal(source_round_fetch(&r, f, &outcome), 0);
    assert_int_equal(outcome.result, SOURCE_GONE);
    scripted_https_reply(f->server, "GET /v1.0/drives/d1/items/1/content", 404, "", "");
    scripted_https_reply(f->server, "GET /v1.0/drives/d1/items/1?$select=", 200, "", "{\"id\":\"1\"}");
    assert_int_equal(source_round_fetch(&r, f, &outcome), 0);
    assert_int_equal(outcome.result, SOURCE_SKIPPED);
    assert_string_equal(outcome.reason, "restricted");
    scripted_https_reply(f->server, "GET /v1.0/drives/d1/items/1/content", 404, "", "");
    scripted_https_reply(f->server, "GET /v1.0/drives/d1/items/1?$select=", 423, "",
                         "{\"error\":{\"code\":\"resourceLocked\"}}");
    assert_int_equal(source_round_fetch(&r, f, &outcome), 0);
    assert_int_equal(outcome.result, SOURCE_FAILED);
    assert_string_equal(outcome.reason, "locked");
    source_round_clear(&r);
}

int
main(void)
{
#define GRAPH_TEST(name) cmocka_unit_test_setup_teardown(name, graph_fixture_set_up, graph_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        GRAPH_TEST(rows_become_events),
        GRAPH_TEST(a_lost_cursor_lists_the_drive_anew),
        GRAPH_TEST(a_cut_download_goes_on_where_it_ended),
        GRAPH_TEST(a_worn_link_and_an_ignored_range_are_survived),
        GRAPH_TEST(a_wrong_hash_is_tried_twice_then_noted),
        GRAPH_TEST(what_cannot_be_had_has_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
