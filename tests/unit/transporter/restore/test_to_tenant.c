#include "transporter/restore/to_tenant.h"

#include "common/crypto/quickxor.h"
#include "tests/unit/transporter/graph_fixture.h"

struct bytes {
    const char *data;
    size_t len;
};

static int
read_bytes(void *ctx, uint64_t offset, void *out, size_t capacity, size_t *len, struct error *err)
{
    const struct bytes *b = ctx;
    (void)err;
    *len = b->len - (size_t)offset < capacity ? b->len - (size_t)offset : capacity;
    memcpy(out, b->data + offset, *len);
    return 0;
}

static struct to_tenant *
open_mail(struct graph_fixture *f, const char *top, enum to_tenant_conflict conflict)
{
    const struct to_tenant_options options = { .graph = f->graph,
                                               .external_id = "u2",
                                               .content = CATALOG_MESSAGE,
                                               .top_folder = top,
                                               .conflict = conflict,
                                               .scratch = "/tmp" };
    graph_fixture_allow(f);
    scripted_https_reply(f->server, "GET /v1.0/users/u2/mailFolders/msgfolderroot", 200, "", "{\"id\":\"root\"}");
    struct to_tenant *restore = to_tenant_open(&options, &f->err);
    assert_non_null(restore);
    return restore;
}

static struct to_tenant *
open_drive(struct graph_fixture *f, enum to_tenant_conflict conflict)
{
    const struct to_tenant_options options = {
        .graph = f->graph, .external_id = "u2", .content = CATALOG_FILE, .conflict = conflict, .scratch = "/tmp"
    };
    graph_fixture_allow(f);
    scripted_https_reply(f->server, "GET /v1.0/users/u2/drive?", 200, "", "{\"id\":\"d\"}");
    scripted_https_reply(f->server, "GET /v1.0/drives/d/root?", 200, "", "{\"id\":\"R\"}");
    struct to_tenant *restore = to_tenant_open(&options, &f->err);
    assert_non_null(restore);
    return restore;
}

static struct to_tenant_report
put(struct graph_fixture *f, struct to_tenant *restore, const struct source_item *item, const char *data, size_t len)
{
    struct bytes b = { data, len };
    const struct to_tenant_content content = { &b, len, read_bytes };
    struct to_tenant_report report;
    error_clear(&f->err);
    if (to_tenant_item(restore, item, &content, &report, &f->err) != 0)
        fail_msg("%s", f->err.text);
    return report;
}

#define METADATA                                                                                                       \
    "{\"subject\":\"Hi\",\"isRead\":true,\"isDraft\":false,\"internetMessageId\":\"<a'b@x>\",\"importance\":\"high\"," \
    "\"sentDateTime\":\"2026-09-14T07:58:07Z\",\"receivedDateTime\":\"2026-09-14T07:58:10Z\","                         \
    "\"from\":{\"emailAddress\":{\"name\":\"O\",\"address\":\"o@x\"}},\"toRecipients\":[{\"emailAddress\":"            \
    "{\"address\":\"i@x\"}},{\"emailAddress\":{\"address\":\"\"}}],\"replyTo\":[{\"emailAddress\":"                    \
    "{\"address\":\"nonsense\"}}],\"categories\":[\"Red\"],\"flag\":{\"flagStatus\":\"flagged\"},\"changeKey\":\"k\"}"
#define MIME                                                                                                           \
    "Subject: Hi\r\nReferences: <r@x>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n"       \
    "--B\r\nContent-Type: multipart/alternative; boundary=C\r\n\r\n"                                                   \
    "--C\r\nContent-Type: text/plain\r\n\r\nplain\r\n"                                                                 \
    "--C\r\nContent-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"        \
    "<p>gr=FC=DFe</p>\r\n--C--\r\n"                                                                                    \
    "--B\r\nContent-Type: image/png; name=a.png\r\nContent-ID: <pic>\r\nContent-Transfer-Encoding: base64\r\n\r\n"     \
    "AQID\r\n"                                                                                                         \
    "--B\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nold text\r\n--B--\r\n"

static const struct source_item message = {
    .kind = CATALOG_MESSAGE,
    .id = "m1",
    .parent_id = "A",
    .metadata = METADATA,
    .metadata_len = sizeof(METADATA) - 1,
};

static void
a_message_comes_back_received_with_its_parts(void **state)
{
    struct graph_fixture *f = *state;
    struct to_tenant *restore = open_mail(f, NULL, TO_TENANT_RENAME);
    const struct source_item folder = {
        .kind = CATALOG_FOLDER, .id = "A", .parent_id = "", .name = "Eingang", .well_known = "inbox"
    };
    struct to_tenant_report report;
    scripted_https_reply(f->server, "GET /v1.0/users/u2/mailFolders/inbox?", 200, "", "{\"id\":\"IN\"}");
    assert_int_equal(to_tenant_folder(restore, &folder, &report, &f->err), 0);
    assert_string_equal(report.new_id, "IN");
    scripted_https_reply(f->server, "POST /v1.0/users/u2/mailFolders/IN/messages", 201, "", "{\"id\":\"new1\"}");
    scripted_https_reply(f->server, "POST /v1.0/users/u2/messages/new1/attachments", 404, "", "");
    scripted_https_reply(f->server, "POST /v1.0/users/u2/messages/new1/attachments", 201, "", "{\"id\":\"a1\"}");
    scripted_https_reply(f->server, "POST /v1.0/users/u2/messages/new1/attachments", 201, "", "{\"id\":\"a2\"}");
    report = put(f, restore, &message, MIME, strlen(MIME));
    assert_int_equal(report.result, TO_TENANT_RESTORED);
    assert_string_equal(report.new_id, "new1");
    assert_string_equal(report.losses, "embedded_as_file");
    const char *sent = scripted_https_request(f->server, 3);
    assert_non_null(strstr(sent, "\"body\":{\"content\":\"<p>gr\xc3\xbc\xc3\x9f"
                                 "e</p>\",\"contentType\":\"html\"}"));
    assert_non_null(strstr(sent, "{\"id\":\"Integer 0x0E07\",\"value\":\"5\"}"));
    assert_non_null(strstr(sent, "{\"id\":\"SystemTime 0x0E06\",\"value\":\"2026-09-14T07:58:10Z\"}"));
    assert_non_null(strstr(sent, "{\"id\":\"SystemTime 0x0039\",\"value\":\"2026-09-14T07:58:07Z\"}"));
    assert_non_null(strstr(sent, "{\"id\":\"String 0x1039\",\"value\":\"<r@x>\"}"));
    assert_non_null(strstr(sent, "\"toRecipients\":[{\"emailAddress\":{\"address\":\"i@x\"}}]"));
    assert_non_null(strstr(sent, "\"replyTo\":[]"));
    assert_non_null(strstr(sent, "\"categories\":[\"Red\"]"));
    assert_null(strstr(sent, "changeKey"));
    const char *picture = scripted_https_request(f->server, 5);
    assert_non_null(strstr(picture, "\"contentBytes\":\"AQID\",\"contentId\":\"pic\",\"contentType\":\"image/png\","
                                    "\"isInline\":true,\"name\":\"a.png\""));
    const char *inner = scripted_https_request(f->server, 6);
    /* "Subject: inner\r\n\r\nold text" */
    assert_non_null(strstr(inner, "\"contentBytes\":\"U3ViamVjdDogaW5uZXINCg0Kb2xkIHRleHQ=\""));
    assert_non_null(strstr(inner, "\"name\":\"inner.eml\""));
    to_tenant_free(restore);
}

static void
what_is_refused_is_asked_for_with_less(void **state)
{
    struct graph_fixture *f = *state;
    struct to_tenant *restore = open_mail(f, NULL, TO_TENANT_RENAME);
    for (int i = 0; i < 2; i++)
        scripted_https_reply(f->server, "POST /v1.0/users/u2/mailFolders/root/messages", 400, "",
                             "{\"error\":{\"code\":\"ErrorInvalidRecipients\"}}");
    scripted_https_reply(f->server, "POST /v1.0/users/u2/mailFolders/root/messages", 201, "", "{\"id\":\"n\"}");
    struct to_tenant_report report = put(f, restore, &message, "Subject: x\r\n\r\nhi", 16);
    assert_int_equal(report.result, TO_TENANT_RESTORED);
    assert_string_equal(report.losses, "headers,recipients_dropped");
    scripted_https_reply(f->server, "POST /v1.0/users/u2/mailFolders/root/messages", 403, "",
                         "{\"error\":{\"code\":\"ErrorQuotaExceeded\"}}");
    report = put(f, restore, &message, "Subject: x\r\n\r\nhi", 16);
    assert_int_equal(report.result, TO_TENANT_FAILED);
    assert_string_equal(report.reason, "quota");
    to_tenant_free(restore);
}

static void
what_is_refused_in_every_form_becomes_a_draft(void **state)
{
    struct graph_fixture *f = *state;
    struct to_tenant *restore = open_mail(f, NULL, TO_TENANT_RENAME);
    for (int last = 0; last < 2; last++) {
        for (int i = 0; i < 4; i++)
            scripted_https_reply(f->server, "POST /v1.0/users/u2/mailFolders/root/messages", 400, "",
                                 "{\"error\":{\"code\":\"ErrorInvalidRequest\"}}");
        scripted_https_reply(f->server, "POST /v1.0/users/u2/mailFolders/root/messages", last == 0 ? 201 : 400, "",
                             last == 0 ? "{\"id\":\"n\"}" : "{\"error\":{\"code\":\"ErrorMimeContentInvalid\"}}");
        struct to_tenant_report report = put(f, restore, &message, "Subject: x\r\n\r\nhi", 16);
        assert_int_equal(report.result, last == 0 ? TO_TENANT_RESTORED : TO_TENANT_FAILED);
        assert_string_equal(report.losses, last == 0 ? "as_draft" : "");
        assert_string_equal(report.new_id, last == 0 ? "n" : "");
        assert_string_equal(report.detail, "400 ErrorInvalidRequest");
    }
    to_tenant_free(restore);
}

static void
twins_are_skipped_or_replaced(void **state)
{
    struct graph_fixture *f = *state;
    static const char there[] = "{\"value\":[{\"id\":\"old\",\"internetMessageId\":\"<a'b@x>\",\"subject\":\"Hi\","
                                "\"sentDateTime\":\"2026-09-14T07:58:07Z\"}]}";
    struct to_tenant *restore = open_mail(f, NULL, TO_TENANT_SKIP);
    scripted_https_reply(f->server, "GET /v1.0/users/u2/mailFolders/root/messages?", 200, "", there);
    struct to_tenant_report report = put(f, restore, &message, MIME, strlen(MIME));
    assert_int_equal(report.result, TO_TENANT_SKIPPED);
    assert_string_equal(report.reason, "exists");
    to_tenant_free(restore);
    graph_fixture_connect(f, "\"client_secret\":\"s\"");
    restore = open_mail(f, NULL, TO_TENANT_OVERWRITE);
    scripted_https_reply(f->server, "GET /v1.0/users/u2/mailFolders/root/messages?", 200, "", there);
    scripted_https_reply(f->server, "POST /v1.0/users/u2/mailFolders/root/messages", 201, "", "{\"id\":\"n\"}");
    scripted_https_reply(f->server,
                         "GET /v1.0/users/u2/mailFolders/root/messages?$filter=internetMessageId%20eq%20'%3Ca%27%27b",
                         200, "", there);
    scripted_https_reply(f->server, "DELETE /v1.0/users/u2/messages/old", 204, "", "");
    report = put(f, restore, &message, "Subject: x\r\n\r\nhi", 16);
    assert_int_equal(report.result, TO_TENANT_RESTORED);
    assert_string_equal(report.losses, "");
    to_tenant_free(restore);
}

static void
folders_are_made_or_found_by_name(void **state)
{
    struct graph_fixture *f = *state;
    struct to_tenant *restore;
    struct to_tenant_report report;
    const struct source_item a = {
        .kind = CATALOG_FOLDER, .id = "A", .parent_id = "", .name = "Eingang", .well_known = "inbox"
    };
    const struct source_item b = {
        .kind = CATALOG_FOLDER, .id = "B", .parent_id = "A", .name = "Sub", .well_known = ""
    };
    scripted_https_reply(f->server, "POST /v1.0/users/u2/mailFolders/root/childFolders", 201, "", "{\"id\":\"TOP\"}");
    restore = open_mail(f, "Restored", TO_TENANT_SKIP);
    scripted_https_reply(f->server, "POST /v1.0/users/u2/mailFolders/TOP/childFolders", 409, "",
                         "{\"error\":{\"code\":\"ErrorFolderExists\"}}");
    scripted_https_reply(f->server, "GET /v1.0/users/u2/mailFolders/TOP/childFolders?", 200, "",
                         "{\"value\":[{\"id\":\"x\",\"displayName\":\"Other\"},"
                         "{\"id\":\"TA\",\"displayName\":\"EINGANG\"}]}");
    scripted_https_reply(f->server, "POST /v1.0/users/u2/mailFolders/TA/childFolders", 201, "", "{\"id\":\"TB\"}");
    assert_int_equal(to_tenant_folder(restore, &a, &report, &f->err), 0);
    assert_string_equal(report.new_id, "TA");
    assert_int_equal(to_tenant_folder(restore, &b, &report, &f->err), 0);
    assert_string_equal(report.new_id, "TB");
    to_tenant_free(restore);
}

static void
files_go_through_sessions_that_survive_faults(void **state)
{
    struct graph_fixture *f = *state;
    struct to_tenant *restore = open_drive(f, TO_TENANT_OVERWRITE);
    const size_t len = (size_t)11 << 20;
    char *data = memory_new(len), text[QUICKXOR_TEXT];
    struct quickxor hash = { .length = 0 };
    const struct source_item file = { .kind = CATALOG_FILE,
                                      .id = "1",
                                      .parent_id = "",
                                      .name = "a b.bin",
                                      .size = len,
                                      .created_ms = 1000,
                                      .modified_ms = 1789372690000 };
    memset(data, 'q', len);
    quickxor_update(&hash, data, len);
    quickxor_text(&hash, text);
    scripted_https_reply(f->server, "POST /v1.0/drives/d/items/R:/a%20b.bin:/createUploadSession", 200, "",
                         "{\"uploadUrl\":\"{origin}/up\",\"nextExpectedRanges\":[\"0-\"]}");
    scripted_https_reply(f->server, "PUT /up", 503, "", "");
    scripted_https_reply(f->server, "PUT /up", 416, "", "");
    scripted_https_reply(f->server, "GET /up", 200, "", "{\"nextExpectedRanges\":[\"10485760-\"]}");
    char *made =
        memory_printf("{\"id\":\"n1\",\"size\":%zu,\"file\":{\"hashes\":{\"quickXorHash\":\"%s\"}}}", len, text);
    scripted_https_reply(f->server, "PUT /up", 201, "", made);
    struct to_tenant_report report = put(f, restore, &file, data, len);
    assert_int_equal(report.result, TO_TENANT_RESTORED);
    assert_string_equal(report.new_id, "n1");
    assert_string_equal(report.losses, "");
    const char *session = scripted_https_request(f->server, 3), *last = scripted_https_request(f->server, 7);
    assert_non_null(strstr(session, "\"@microsoft.graph.conflictBehavior\":\"replace\""));
    assert_non_null(strstr(session, "\"lastModifiedDateTime\":\"2026-09-14T07:58:10.000Z\""));
    assert_non_null(strstr(last, "Content-Range: bytes 10485760-11534335/11534336\r\n"));
    assert_null(strstr(last, "Authorization"));
    free(made);
    free(data);
    to_tenant_free(restore);
}

static void
empty_files_and_taken_names(void **state)
{
    struct graph_fixture *f = *state;
    struct to_tenant *restore = open_drive(f, TO_TENANT_SKIP);
    const struct source_item file = {
        .kind = CATALOG_FILE, .id = "1", .parent_id = "", .name = "z", .modified_ms = 1789372690000
    };
    scripted_https_reply(f->server, "GET /v1.0/drives/d/items/R:/z:?", 404, "", "");
    scripted_https_reply(f->server, "PUT /v1.0/drives/d/items/R:/z:/content?@microsoft.graph.conflictBehavior=fail",
                         201, "", "{\"id\":\"e1\"}");
    scripted_https_reply(f->server, "PATCH /v1.0/drives/d/items/e1", 200, "", "{\"id\":\"e1\"}");
    struct to_tenant_report report = put(f, restore, &file, "", 0);
    assert_int_equal(report.result, TO_TENANT_RESTORED);
    assert_string_equal(report.losses, "");
    scripted_https_reply(f->server, "GET /v1.0/drives/d/items/R:/z:?", 200, "", "{\"id\":\"e1\"}");
    report = put(f, restore, &file, "", 0);
    assert_int_equal(report.result, TO_TENANT_SKIPPED);
    assert_string_equal(report.reason, "exists");
    to_tenant_free(restore);
}

int
main(void)
{
#define GRAPH_TEST(name) cmocka_unit_test_setup_teardown(name, graph_fixture_set_up, graph_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        GRAPH_TEST(a_message_comes_back_received_with_its_parts),
        GRAPH_TEST(what_is_refused_is_asked_for_with_less),
        GRAPH_TEST(what_is_refused_in_every_form_becomes_a_draft),
        GRAPH_TEST(twins_are_skipped_or_replaced),
        GRAPH_TEST(folders_are_made_or_found_by_name),
        GRAPH_TEST(files_go_through_sessions_that_survive_faults),
        GRAPH_TEST(empty_files_and_taken_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
