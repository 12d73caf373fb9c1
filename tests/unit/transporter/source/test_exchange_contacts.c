#include "tests/unit/transporter/source/source_fixture.h"

#define MAIN    "GET /v1.0/users/u1/contactFolders/contacts"
#define FOLDERS "GET /v1.0/users/u1/contactFolders/delta"
#define ROW(id, name, key)                                                                                             \
    "{\"id\":\"" id "\",\"changeKey\":\"" key "\",\"displayName\":\"" name "\",\"parentFolderId\":\"x\"}"
#define GONE(id) "{\"id\":\"" id "\",\"@removed\":{\"reason\":\"deleted\"}}"

static void
script_main(struct graph_fixture *f)
{
    scripted_https_reply(f->server, MAIN, 200, "",
                         "{\"id\":\"C\",\"displayName\":\"Kontakte\",\"parentFolderId\":\"root\"}");
}

static void
script_items(struct graph_fixture *f, const char *fit, const char *rows, const char *link)
{
    char *body = memory_printf("{\"value\":[%s],\"@odata.deltaLink\":\"{origin}/v1.0/%s\"}", rows, link);
    scripted_https_reply(f->server, fit, 200, "", body);
    free(body);
}

/* The main folder C with c1 and c2, the folder D with d1, E inside D without anything. */
static void
script_first_round(struct graph_fixture *f)
{
    graph_fixture_allow(f);
    script_main(f);
    scripted_https_reply(f->server, FOLDERS, 200, "",
                         "{\"value\":[{\"id\":\"D\",\"displayName\":\"Kunden\",\"parentFolderId\":\"root\"},"
                         "{\"id\":\"E\",\"displayName\":\"Nord\",\"parentFolderId\":\"D\"}],"
                         "\"@odata.deltaLink\":\"{origin}/v1.0/delta-folders\"}");
    script_items(f, "GET /v1.0/users/u1/contactFolders/C/contacts/delta",
                 ROW("c1", "Olu Ade", "1") "," ROW("c2", "", "1"), "delta-C");
    script_items(f, "GET /v1.0/users/u1/contactFolders/D/contacts/delta", ROW("d1", "Ines Kaya", "1"), "delta-D");
    script_items(f, "GET /v1.0/users/u1/contactFolders/E/contacts/delta", "", "delta-E");
}

static char *
first_cursor(struct graph_fixture *f)
{
    struct source_round r;
    script_first_round(f);
    source_round_play(&r, f, &exchange_contacts_driver, NULL);
    assert_int_equal(r.status, 0);
    char *cursor = memory_strdup(buffer_text(&r.cursor, NULL));
    source_round_clear(&r);
    return cursor;
}

static void
the_first_round_lists_folders_and_contacts(void **state)
{
    struct graph_fixture *f = *state;
    struct source_round r;
    struct source_totals totals;
    script_first_round(f);
    assert_string_equal(source_round_play(&r, f, &exchange_contacts_driver, NULL), "( '' 64\n"
                                                                                   "+ C in '' 'Kontakte' tag=\n"
                                                                                   "+ D in '' 'Kunden' tag=\n"
                                                                                   "+ E in 'D' 'Nord' tag=\n"
                                                                                   ") '' 64\n"
                                                                                   "( 'C' 128\n"
                                                                                   "+ c1 in 'C' 'Olu Ade' tag=1\n"
                                                                                   "+ c2 in 'C' '' tag=1\n"
                                                                                   ") 'C' 128\n"
                                                                                   "( 'D' 128\n"
                                                                                   "+ d1 in 'D' 'Ines Kaya' tag=1\n"
                                                                                   ") 'D' 128\n"
                                                                                   "( 'E' 128\n"
                                                                                   ") 'E' 128\n");
    source_totals(r.source, &totals);
    assert_int_equal(totals.folders, 3);
    assert_int_equal(totals.items, 3);
    source_round_clear(&r);
}

static void
a_move_is_an_upsert_and_a_conditional_delete_after_it(void **state)
{
    struct graph_fixture *f = *state;
    struct source_round r;
    char *cursor = first_cursor(f);
    script_main(f);
    script_items(f, "GET /v1.0/delta-folders", GONE("E"), "delta-folders2");
    script_items(f, "GET /v1.0/delta-C", GONE("c1") "," GONE("c2"), "delta-C2");
    script_items(f, "GET /v1.0/delta-D", ROW("c1", "Olu Ade", "1"), "delta-D2");
    assert_string_equal(source_round_play(&r, f, &exchange_contacts_driver, cursor), "+ C in '' 'Kontakte' tag=\n"
                                                                                     "- E from ''\n"
                                                                                     "+ c1 in 'D' 'Olu Ade' tag=1\n"
                                                                                     "- c1 from 'C'\n"
                                                                                     "- c2 from 'C'\n");
    assert_non_null(strstr(buffer_text(&r.cursor, NULL), "/v1.0/delta-C2"));
    assert_null(strstr(buffer_text(&r.cursor, NULL), "/v1.0/delta-E"));
    source_round_clear(&r);
    free(cursor);
}

static void
lost_cursors_list_anew(void **state)
{
    struct graph_fixture *f = *state;
    struct source_round r;
    struct source_totals totals;
    char *cursor = first_cursor(f);
    script_main(f);
    scripted_https_reply(f->server, "GET /v1.0/delta-folders", 410, "", "{\"error\":{\"code\":\"SyncStateNotFound\"}}");
    script_main(f);
    scripted_https_reply(f->server, FOLDERS, 200, "", "{\"value\":[],\"@odata.deltaLink\":\"{origin}/v1.0/f2\"}");
    scripted_https_reply(f->server, "GET /v1.0/delta-C", 410, "", "{\"error\":{\"code\":\"SyncStateNotFound\"}}");
    script_items(f, "GET /v1.0/users/u1/contactFolders/C/contacts/delta", ROW("c1", "Olu", "2"), "delta-C2");
    assert_string_equal(source_round_play(&r, f, &exchange_contacts_driver, cursor), "+ C in '' 'Kontakte' tag=\n"
                                                                                     "( '' 64\n"
                                                                                     "+ C in '' 'Kontakte' tag=\n"
                                                                                     ") '' 64\n"
                                                                                     "( 'C' 128\n"
                                                                                     "+ c1 in 'C' 'Olu' tag=2\n"
                                                                                     ") 'C' 128\n");
    source_totals(r.source, &totals);
    assert_int_equal(totals.resyncs, 2);
    source_round_clear(&r);
    free(cursor);
}

static void
a_folder_that_vanishes_meanwhile_removes_nothing(void **state)
{
    struct graph_fixture *f = *state;
    struct source_round r;
    graph_fixture_allow(f);
    script_main(f);
    scripted_https_reply(f->server, FOLDERS, 200, "", "{\"value\":[],\"@odata.deltaLink\":\"{origin}/v1.0/f\"}");
    scripted_https_reply(f->server, "GET /v1.0/users/u1/contactFolders/C/contacts/delta", 404, "",
                         "{\"error\":{\"code\":\"ErrorItemNotFound\"}}");
    assert_string_equal(source_round_play(&r, f, &exchange_contacts_driver, NULL), "( '' 64\n"
                                                                                   "+ C in '' 'Kontakte' tag=\n"
                                                                                   ") '' 64\n"
                                                                                   "( 'C' 128\n"
                                                                                   "| 'C' 128\n");
    assert_null(strstr(buffer_text(&r.cursor, NULL), "\"C\""));
    source_round_clear(&r);
}

static void
a_photo_is_the_content_and_none_is_no_gap(void **state)
{
    struct graph_fixture *f = *state;
    struct source_round r;
    struct source_outcome outcome;
    script_first_round(f);
    source_round_play(&r, f, &exchange_contacts_driver, NULL);
    scripted_https_reply(f->server, "GET /v1.0/users/u1/contacts/d1/photo/$value", 200, "", "JPEG");
    assert_int_equal(source_round_fetch(&r, f, &outcome), 0);
    assert_int_equal(outcome.result, SOURCE_STORED);
    assert_string_equal(buffer_text(&r.content, NULL), "JPEG");
    scripted_https_reply(f->server, "GET /v1.0/users/u1/contacts/d1/photo/$value", 404, "",
                         "{\"error\":{\"code\":\"ErrorItemNotFound\"}}");
    assert_int_equal(source_round_fetch(&r, f, &outcome), 0);
    assert_int_equal(outcome.result, SOURCE_STORED);
    assert_int_equal(outcome.bytes, 0);
    scripted_https_reply(f->server, "GET /v1.0/users/u1/contacts/d1/photo/$value", 403, "",
                         "{\"error\":{\"code\":\"ErrorAccessDenied\"}}");
    assert_int_equal(source_round_fetch(&r, f, &outcome), 0);
    assert_int_equal(outcome.result, SOURCE_SKIPPED);
    assert_string_equal(outcome.reason, "denied");
    source_round_clear(&r);
}

int
main(void)
{
#define GRAPH_TEST(name) cmocka_unit_test_setup_teardown(name, graph_fixture_set_up, graph_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        GRAPH_TEST(the_first_round_lists_folders_and_contacts),
        GRAPH_TEST(a_move_is_an_upsert_and_a_conditional_delete_after_it),
        GRAPH_TEST(lost_cursors_list_anew),
        GRAPH_TEST(a_folder_that_vanishes_meanwhile_removes_nothing),
        GRAPH_TEST(a_photo_is_the_content_and_none_is_no_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
