#include "tests/unit/transporter/source/source_fixture.h"
#include "transporter/source/exchange_mail_internal.h"

#define FOLDERS "GET /v1.0/users/u1/mailFolders/delta?includeHiddenFolders=true&$select="
#define ROW(id, key)                                                                                                   \
    "{\"id\":\"" id "\",\"changeKey\":\"" key "\",\"subject\":\"s\",\"parentFolderId\":\"x\",\"isRead\":true}"
#define GONE(id) "{\"id\":\"" id "\",\"@removed\":{\"reason\":\"deleted\"}}"

static void
script_start(struct graph_fixture *f)
{
    scripted_https_reply(f->server, "GET /v1.0/users/u1/mailFolders/msgfolderroot", 200, "", "{\"id\":\"root\"}");
    scripted_https_reply(f->server, "POST /v1.0/$batch", 200, "",
                         "{\"responses\":[{\"id\":\"0\",\"status\":200,\"body\":{\"id\":\"A\"}},"
                         "{\"id\":\"1\",\"status\":404},{\"id\":\"2\",\"status\":404},{\"id\":\"3\",\"status\":404},"
                         "{\"id\":\"4\",\"status\":404},{\"id\":\"5\",\"status\":404},{\"id\":\"6\",\"status\":404},"
                         "{\"id\":\"7\",\"status\":404},{\"id\":\"8\",\"status\":404},{\"id\":\"9\",\"status\":404},"
                         "{\"id\":\"10\",\"status\":404},{\"id\":\"11\",\"status\":404},{\"id\":\"12\",\"status\":404},"
                         "{\"id\":\"13\",\"status\":404},{\"id\":\"14\",\"status\":404}]}");
}

static void
script_messages(struct graph_fixture *f, const char *folder, const char *rows)
{
    char *fit = memory_printf("GET /v1.0/users/u1/mailFolders/%s/messages/delta?$select=", folder);
    char *body = memory_printf("{\"value\":[%s],\"@odata.deltaLink\":\"{origin}/v1.0/delta-%s\"}", rows, folder);
    scripted_https_reply(f->server, fit, 200, "", body);
    free(fit);
    free(body);
}

/* Two folders, A with m1 and m2, B inside A with m3. */
static void
script_first_round(struct graph_fixture *f)
{
    graph_fixture_allow(f);
    script_start(f);
    scripted_https_reply(f->server, FOLDERS, 200, "",
                         "{\"value\":[{\"id\":\"A\",\"displayName\":\"Eingang\",\"parentFolderId\":\"root\"},"
                         "{\"id\":\"S\",\"@odata.type\":\"#microsoft.graph.mailSearchFolder\",\"displayName\":\"x\"},"
                         "{\"id\":\"B\",\"displayName\":\"Sub\",\"parentFolderId\":\"A\",\"isHidden\":true}],"
                         "\"@odata.deltaLink\":\"{origin}/v1.0/delta-folders\"}");
    script_messages(f, "A", ROW("m1", "1") "," ROW("m2", "1"));
    script_messages(f, "B", ROW("m3", "1"));
}

static char *
first_cursor(struct graph_fixture *f)
{
    struct source_round r;
    script_first_round(f);
    source_round_play(&r, f, &exchange_mail_driver, NULL);
    assert_int_equal(r.status, 0);
    char *cursor = memory_strdup(buffer_text(&r.cursor, NULL));
    source_round_clear(&r);
    return cursor;
}

static void
the_first_round_lists_everything(void **state)
{
    struct graph_fixture *f = *state;
    struct source_round r;
    script_first_round(f);
    assert_string_equal(source_round_play(&r, f, &exchange_mail_driver, NULL), "( '' 2\n"
                                                                               "+ A in '' 'Eingang' tag=\n"
                                                                               "+ B in 'A' 'Sub' tag=\n"
                                                                               ") '' 2\n"
                                                                               "( 'A' 4\n"
                                                                               "+ m1 in 'A' 's' tag=1\n"
                                                                               "+ m2 in 'A' 's' tag=1\n"
                                                                               ") 'A' 4\n"
                                                                               "( 'B' 4\n"
                                                                               "+ m3 in 'B' 's' tag=1\n"
                                                                               ") 'B' 4\n");
    struct source_totals totals;
    source_totals(r.source, &totals);
    assert_int_equal(totals.folders, 2);
    assert_int_equal(totals.items, 3);
    assert_non_null(strstr(scripted_https_request(f->server, 3), "Prefer: IdType=\"ImmutableId\"\r\n"));
    source_round_clear(&r);
}

static void
deletions_wait_for_all_folders_and_the_last_row_wins(void **state)
{
    struct graph_fixture *f = *state;
    struct source_round r;
    char *cursor = first_cursor(f);
    script_start(f);
    scripted_https_reply(f->server, "GET /v1.0/delta-folders", 200, "",
                         "{\"value\":[],\"@odata.deltaLink\":\"{origin}/v1.0/delta-folders2\"}");
    scripted_https_reply(f->server, "GET /v1.0/delta-A", 200, "",
                         "{\"value\":[" GONE("m1") "," GONE("m2") "],"
                                                                  "\"@odata.nextLink\":\"{origin}/v1.0/more-A\"}");
    scripted_https_reply(f->server, "GET /v1.0/more-A", 200, "",
                         "{\"value\":[" ROW("m2", "2") "],\"@odata.deltaLink\":\"{origin}/v1.0/delta-A2\"}");
    scripted_https_reply(
        f->server, "GET /v1.0/delta-B", 200, "",
        "{\"value\":[" ROW("m1", "1") "," GONE("m9") "],"
                                                     "\"@odata.deltaLink\":\"{origin}/v1.0/delta-B2\"}");
    assert_string_equal(source_round_play(&r, f, &exchange_mail_driver, cursor), "+ m2 in 'A' 's' tag=2\n"
                                                                                 "+ m1 in 'B' 's' tag=1\n"
                                                                                 "- m1 from 'A'\n"
                                                                                 "- m9 from 'B'\n");
    assert_non_null(strstr(buffer_text(&r.cursor, NULL), "/v1.0/delta-A2"));
    source_round_clear(&r);
    free(cursor);
}

static void
a_lost_cursor_lists_that_folder_anew(void **state)
{
    struct graph_fixture *f = *state;
    struct source_round r;
    char *cursor = first_cursor(f);
    script_start(f);
    scripted_https_reply(f->server, "GET /v1.0/delta-folders", 200, "",
                         "{\"value\":[" GONE("B") "],\"@odata.deltaLink\":\"{origin}/v1.0/delta-folders2\"}");
    scripted_https_reply(f->server, "GET /v1.0/delta-A", 410, "", "{\"error\":{\"code\":\"SyncStateNotFound\"}}");
    script_messages(f, "A", ROW("m2", "1"));
    assert_string_equal(source_round_play(&r, f, &exchange_mail_driver, cursor), "- B from ''\n"
                                                                                 "( 'A' 4\n"
                                                                                 "+ m2 in 'A' 's' tag=1\n"
                                                                                 ") 'A' 4\n");
    struct source_totals totals;
    source_totals(r.source, &totals);
    assert_int_equal(totals.resyncs, 1);
    source_round_clear(&r);
    free(cursor);
}

static void
a_folder_that_goes_away_ends_its_listing_without_a_word(void **state)
{
    struct graph_fixture *f = *state;
    struct source_round r;
    static const char missing[] = "{\"error\":{\"code\":\"ErrorItemNotFound\"}}";
    char *cursor = first_cursor(f);
    script_start(f);
    scripted_https_reply(f->server, "GET /v1.0/delta-folders", 200, "",
                         "{\"value\":[],\"@odata.deltaLink\":\"{origin}/v1.0/delta-folders2\"}");
    scripted_https_reply(f->server, "GET /v1.0/delta-A", 404, "", missing);
    scripted_https_reply(f->server, "GET /v1.0/users/u1/mailFolders/A/messages?", 404, "", missing);
    scripted_https_reply(f->server, "GET /v1.0/delta-B", 200, "",
                         "{\"value\":[],\"@odata.deltaLink\":\"{origin}/v1.0/b\"}");
    assert_string_equal(source_round_play(&r, f, &exchange_mail_driver, cursor), "( 'A' 4\n"
                                                                                 "| 'A' 4\n");
    assert_int_equal(r.status, 0);
    assert_null(strstr(buffer_text(&r.cursor, NULL), "delta-A"));
    source_round_clear(&r);
    free(cursor);
}

static void
a_message_that_comes_back_while_its_folder_is_listed_anew_stays(void **state)
{
    struct graph_fixture *f = *state;
    struct source_round r;
    char *cursor = first_cursor(f);
    script_start(f);
    scripted_https_reply(f->server, "GET /v1.0/delta-folders", 200, "",
                         "{\"value\":[" GONE("B") "],\"@odata.deltaLink\":\"{origin}/v1.0/delta-folders2\"}");
    scripted_https_reply(f->server, "GET /v1.0/delta-A", 200, "",
                         "{\"value\":[" GONE("m1") "," GONE("m2") "],\"@odata.nextLink\":\"{origin}/v1.0/more-A\"}");
    scripted_https_reply(f->server, "GET /v1.0/more-A", 410, "", "{\"error\":{\"code\":\"SyncStateNotFound\"}}");
    script_messages(f, "A", ROW("m1", "1"));
    assert_string_equal(source_round_play(&r, f, &exchange_mail_driver, cursor), "- B from ''\n"
                                                                                 "( 'A' 4\n"
                                                                                 "+ m1 in 'A' 's' tag=1\n"
                                                                                 ") 'A' 4\n"
                                                                                 "- m2 from 'A'\n");
    source_round_clear(&r);
    free(cursor);
}

static void
a_delta_without_its_link_is_not_taken_for_complete(void **state)
{
    struct graph_fixture *f = *state;
    struct source_round r;
    graph_fixture_allow(f);
    script_start(f);
    scripted_https_reply(f->server, FOLDERS, 200, "",
                         "{\"value\":[{\"id\":\"A\",\"displayName\":\"Eingang\",\"parentFolderId\":\"root\"}]}");
    assert_null(strchr(source_round_play(&r, f, &exchange_mail_driver, NULL), ')'));
    assert_int_equal(r.status, -1);
    assert_int_equal(f->err.kind, ERROR_UNAVAILABLE);
    source_round_clear(&r);
}

static void
partial_rows_are_completed(void **state)
{
    struct graph_fixture *f = *state;
    struct source_round r;
    char *cursor = first_cursor(f);
    script_start(f);
    scripted_https_reply(f->server, "GET /v1.0/delta-folders", 200, "",
                         "{\"value\":[],\"@odata.deltaLink\":\"{origin}/v1.0/delta-folders2\"}");
    scripted_https_reply(f->server, "GET /v1.0/delta-A", 200, "",
                         "{\"value\":[{\"id\":\"m1\",\"isRead\":false},{\"id\":\"m7\",\"isRead\":false}],"
                         "\"@odata.deltaLink\":\"{origin}/v1.0/a\"}");
    scripted_https_reply(
        f->server, "POST /v1.0/$batch", 200, "",
        "{\"responses\":[{\"id\":\"0\",\"status\":200,\"body\":" ROW("m1", "5") "},"
                                                                                "{\"id\":\"1\",\"status\":404}]}");
    scripted_https_reply(f->server, "GET /v1.0/delta-B", 200, "",
                         "{\"value\":[],\"@odata.deltaLink\":\"{origin}/v1.0/b\"}");
    assert_string_equal(source_round_play(&r, f, &exchange_mail_driver, cursor), "+ m1 in 'A' 's' tag=5\n");
    source_round_clear(&r);
    free(cursor);
}

static void
a_missing_mailbox_fails_the_round(void **state)
{
    struct graph_fixture *f = *state;
    struct source_round r;
    graph_fixture_allow(f);
    scripted_https_reply(f->server, "GET /v1.0/users/u1/mailFolders/msgfolderroot", 404, "",
                         "{\"error\":{\"code\":\"MailboxNotEnabledForRESTAPI\"}}");
    source_round_play(&r, f, &exchange_mail_driver, NULL);
    assert_int_equal(r.status, -1);
    assert_int_equal(f->err.kind, ERROR_NOT_FOUND);
    source_round_clear(&r);
}

static void
mime_comes_whole_or_with_a_reason(void **state)
{
    struct graph_fixture *f = *state;
    struct source_round r;
    struct source_outcome outcome;
    script_first_round(f);
    source_round_play(&r, f, &exchange_mail_driver, NULL);
    scripted_https_cut(f->server, "GET /v1.0/users/u1/messages/m3/$value", 200, "", "Subject: x\r\n\r\nhello", 7);
    scripted_https_reply(f->server, "GET /v1.0/users/u1/messages/m3/$value", 200, "", "Subject: x\r\n\r\nhello");
    assert_int_equal(source_round_fetch(&r, f, &outcome), 0);
    assert_int_equal(outcome.result, SOURCE_STORED);
    assert_int_equal(r.restarts, 1);
    assert_string_equal(buffer_text(&r.content, NULL), "Subject: x\r\n\r\nhello");
    scripted_https_reply(f->server, "GET /v1.0/users/u1/messages/m3/$value", 500, "",
                         "{\"error\":{\"code\":\"ErrorMimeContentConversionFailed\"}}");
    scripted_https_reply(f->server, "GET /v1.0/users/u1/messages/m3?$select=subject", 500, "",
                         "{\"error\":{\"code\":\"ErrorCorruptData\"}}");
    assert_int_equal(source_round_fetch(&r, f, &outcome), 0);
    assert_int_equal(outcome.result, SOURCE_FAILED);
    assert_string_equal(outcome.reason, "mime_conversion");
    scripted_https_reply(f->server, "GET /v1.0/users/u1/messages/m3/$value", 404, "",
                         "{\"error\":{\"code\":\"ErrorItemNotFound\"}}");
    assert_int_equal(source_round_fetch(&r, f, &outcome), 0);
    assert_int_equal(outcome.result, SOURCE_GONE);
    static const char *const wordless[] = { "", "<html>not found</html>", "{\"error\":{}}" };
    for (size_t i = 0; i < ARRAY_LEN(wordless); i++) {
        scripted_https_reply(f->server, "GET /v1.0/users/u1/messages/m3/$value", 404, "", wordless[i]);
        assert_int_equal(source_round_fetch(&r, f, &outcome), 0);
        assert_int_equal(outcome.result, SOURCE_FAILED);
        assert_string_equal(outcome.reason, "service_error");
    }
    scripted_https_reply(f->server, "GET /v1.0/users/u1/messages/m3/$value", 404, "",
                         "{\"error\":{\"code\":\"MailboxNotEnabledForRESTAPI\"}}");
    assert_int_equal(source_round_fetch(&r, f, &outcome), -1);
    assert_int_equal(f->err.kind, ERROR_NOT_FOUND);
    source_round_clear(&r);
}

static void
a_foreign_cursor_is_refused(void **state)
{
    struct graph_fixture *f = *state;
    const struct source_options options = {
        .graph = f->graph, .external_id = "u", .cursor = "{\"v\":1}", .cursor_len = 7, .scratch = "/tmp"
    };
    assert_null(source_open(&exchange_mail_driver, &options, &f->err));
    assert_int_equal(f->err.kind, ERROR_FORMAT);
}

static void
script_unconvertible(struct graph_fixture *f)
{
    scripted_https_reply(f->server, "GET /v1.0/users/u1/messages/m3/$value", 500, "",
                         "{\"error\":{\"code\":\"ErrorMimeContentConversionFailed\"}}");
    scripted_https_reply(
        f->server, "GET /v1.0/users/u1/messages/m3?$select=subject", 200, "",
        "{\"subject\":\"Gr\u00fc\u00dfe\",\"internetMessageId\":\"<1@x>\",\"sentDateTime\":\"2026-09-14T07:58:07Z\","
        "\"from\":{\"emailAddress\":{\"name\":\"Ines \\\"I\\\" Kaya\",\"address\":\"i@x.example\"}},"
        "\"toRecipients\":[{\"emailAddress\":{\"name\":\"\",\"address\":\"a@b\"}},"
        "{\"emailAddress\":{\"name\":\"\u00d6\",\"address\":\"c@d\"}}],"
        "\"internetMessageHeaders\":[{\"name\":\"References\",\"value\":\"<0@x>\"},"
        "{\"name\":\"Content-Type\",\"value\":\"multipart/signed\"}],"
        "\"body\":{\"contentType\":\"html\",\"content\":\"<p>x</p>\"}}");
    scripted_https_reply(f->server, "GET /v1.0/users/u1/messages/m3/attachments?", 200, "",
                         "{\"value\":[{\"@odata.type\":\"#microsoft.graph.fileAttachment\",\"id\":\"a1\","
                         "\"name\":\"smime \u00e4.p7m\",\"contentType\":\"multipart/signed\",\"contentId\":\"c1\"},"
                         "{\"@odata.type\":\"#microsoft.graph.itemAttachment\",\"id\":\"a2\",\"name\":\"inner\"}]}");
    scripted_https_reply(f->server, "GET /v1.0/users/u1/messages/m3/attachments/a1/$value", 200, "", "Hello");
}

static void
what_cannot_be_mime_is_rebuilt(void **state)
{
    static const char want[] = "References: <0@x>\r\n"
                               "Date: Mon, 14 Sep 2026 07:58:07 +0000\r\n"
                               "From: \"Ines 'I' Kaya\" <i@x.example>\r\n"
                               "To: <a@b>,\r\n =?utf-8?B?w5Y=?= <c@d>\r\n"
                               "Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n"
                               "Message-ID: <1@x>\r\n"
                               "MIME-Version: 1.0\r\n"
                               "X-Longhaul-Content: rebuilt-from-properties\r\n"
                               "Content-Type: multipart/mixed; boundary=\"=_longhaul_rebuilt\"\r\n\r\n"
                               "--=_longhaul_rebuilt\r\n"
                               "Content-Type: text/html; charset=utf-8\r\n"
                               "Content-Transfer-Encoding: base64\r\n\r\nPHA+eDwvcD4=\r\n"
                               "--=_longhaul_rebuilt\r\n"
                               "Content-Type: application/octet-stream\r\n"
                               "Content-Disposition: attachment; filename*=utf-8''smime%20%C3%A4.p7m\r\n"
                               "Content-ID: <c1>\r\n"
                               "Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8=\r\n";
    struct graph_fixture *f = *state;
    struct source_round r;
    struct source_outcome outcome;
    script_first_round(f);
    source_round_play(&r, f, &exchange_mail_driver, NULL);
    script_unconvertible(f);
    scripted_https_reply(f->server, "GET /v1.0/users/u1/messages/m3/attachments/a2/$value", 200, "",
                         "Subject: in\r\n\r\n");
    assert_int_equal(source_round_fetch(&r, f, &outcome), 0);
    assert_int_equal(outcome.result, SOURCE_STORED);
    assert_string_equal(outcome.reason, "rebuilt");
    assert_int_equal(outcome.bytes, r.content.len);
    assert_memory_equal(r.content.data, want, sizeof(want) - 1);
    assert_non_null(strstr(buffer_text(&r.content, NULL), "Content-Type: message/rfc822\r\n"));
    script_unconvertible(f);
    scripted_https_reply(f->server, "GET /v1.0/users/u1/messages/m3/attachments/a2/$value", 500, "",
                         "{\"error\":{\"code\":\"ErrorCannotOpenFileAttachment\"}}");
    assert_int_equal(source_round_fetch(&r, f, &outcome), 0);
    assert_int_equal(outcome.result, SOURCE_STORED);
    assert_string_equal(outcome.reason, "rebuilt_incomplete");
    assert_memory_equal(r.content.data, want, sizeof(want) - 1);
    source_round_clear(&r);
}

static void
read_tag(const char *text, char tag[EXCHANGE_MAIL_TAG])
{
    struct source_item item;
    struct exchange_mail_texts texts;
    json_t *row = json_loads(text, 0, NULL);
    assert_true(exchange_mail_item_read(row, &item, &texts));
    snprintf(tag, EXCHANGE_MAIL_TAG, "%s", item.change_tag);
    free(texts.metadata);
    json_decref(row);
}

#define TAGGED(key, read, draft, size, categories)                                                                     \
    "{\"id\":\"m\",\"changeKey\":\"" key "\",\"subject\":\"s\",\"parentFolderId\":\"x\",\"isRead\":" read              \
    ",\"isDraft\":" draft ",\"categories\":[" categories "],\"internetMessageId\":\"<1@x>\","                          \
    "\"singleValueExtendedProperties\":[{\"id\":\"Long 0xe08\",\"value\":\"" size "\"}]}"

static void
read_marks_and_categories_do_not_change_the_content(void **state)
{
    char first[EXCHANGE_MAIL_TAG], second[EXCHANGE_MAIL_TAG];
    (void)state;
    read_tag(TAGGED("k1", "false", "false", "700", ""), first);
    read_tag(TAGGED("k2", "true", "false", "700", "\"red\""), second);
    assert_string_equal(first, second);
    read_tag(TAGGED("k2", "true", "false", "701", ""), second);
    assert_string_not_equal(first, second);
    read_tag(TAGGED("k2", "true", "true", "700", ""), second);
    assert_string_equal(second, "k2");
    read_tag(TAGGED("k3", "true", "false", "0", ""), second);
    assert_string_equal(second, "k3");
}

int
main(void)
{
#define GRAPH_TEST(name) cmocka_unit_test_setup_teardown(name, graph_fixture_set_up, graph_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        GRAPH_TEST(the_first_round_lists_everything),
        GRAPH_TEST(deletions_wait_for_all_folders_and_the_last_row_wins),
        GRAPH_TEST(a_lost_cursor_lists_that_folder_anew),
        GRAPH_TEST(a_folder_that_goes_away_ends_its_listing_without_a_word),
        GRAPH_TEST(a_message_that_comes_back_while_its_folder_is_listed_anew_stays),
        GRAPH_TEST(a_delta_without_its_link_is_not_taken_for_complete),
        GRAPH_TEST(partial_rows_are_completed),
        GRAPH_TEST(a_missing_mailbox_fails_the_round),
        GRAPH_TEST(mime_comes_whole_or_with_a_reason),
        GRAPH_TEST(a_foreign_cursor_is_refused),
        GRAPH_TEST(what_cannot_be_mime_is_rebuilt),
        cmocka_unit_test(read_marks_and_categories_do_not_change_the_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
