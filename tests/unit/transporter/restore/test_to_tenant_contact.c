#include "tests/unit/transporter/graph_fixture.h"
#include "transporter/restore/to_tenant.h"

#include <string.h>

#define CONTACT                                                                                                        \
    "{\"id\":\"c1\",\"changeKey\":\"k\",\"createdDateTime\":\"2026-01-01T00:00:00Z\",\"parentFolderId\":\"D\","        \
    "\"displayName\":\"Olu Ade\",\"emailAddresses\":[{\"name\":\"Olu\",\"address\":\"Olu@x\"}],\"mobilePhone\":null}"

static const struct source_item contact = {
    .kind = CATALOG_CONTACT, .id = "c1", .parent_id = "D", .metadata = CONTACT, .metadata_len = sizeof(CONTACT) - 1
};

static const struct source_item folder = {
    .kind = CATALOG_CONTACT_FOLDER, .id = "D", .parent_id = "", .name = "Kunden", .well_known = ""
};

static int
read_photo(void *ctx, uint64_t offset, void *out, size_t capacity, size_t *len, struct error *err)
{
    const char *photo = ctx;
    (void)err;
    *len = strlen(photo) - (size_t)offset < capacity ? strlen(photo) - (size_t)offset : capacity;
    memcpy(out, photo + offset, *len);
    return 0;
}

static int
set_up(void **state)
{
    if (graph_fixture_set_up(state) != 0)
        return -1;
    graph_fixture_allow(*state);
    return 0;
}

static struct to_tenant *
open_restore(struct graph_fixture *f, const char *top, enum to_tenant_conflict conflict)
{
    const struct to_tenant_options options = { .graph = f->graph,
                                               .external_id = "u2",
                                               .content = CATALOG_MESSAGE,
                                               .top_folder = top,
                                               .conflict = conflict,
                                               .scratch = "/tmp" };
    scripted_https_reply(f->server, "GET /v1.0/users/u2/mailFolders/msgfolderroot", 200, "", "{\"id\":\"root\"}");
    if (top != NULL)
        scripted_https_reply(f->server, "POST /v1.0/users/u2/mailFolders/root/childFolders", 201, "",
                             "{\"id\":\"top\"}");
    struct to_tenant *restore = to_tenant_open(&options, &f->err);
    assert_non_null(restore);
    return restore;
}

static struct to_tenant_report
put(struct graph_fixture *f, struct to_tenant *restore, const char *photo)
{
    char copy[32];
    snprintf(copy, sizeof(copy), "%s", photo);
    const struct to_tenant_content content = { copy, strlen(photo), read_photo };
    struct to_tenant_report report;
    error_clear(&f->err);
    if (to_tenant_item(restore, &contact, &content, &report, &f->err) != 0)
        fail_msg("%s", f->err.text);
    return report;
}

static void
name_folder(struct graph_fixture *f, struct to_tenant *restore, const char *id)
{
    struct to_tenant_report report;
    assert_int_equal(to_tenant_folder(restore, &folder, &report, &f->err), 0);
    assert_string_equal(report.new_id, id);
}

static void
a_contact_comes_back_with_its_photo(void **state)
{
    struct graph_fixture *f = *state;
    struct to_tenant *restore = open_restore(f, NULL, TO_TENANT_SKIP);
    scripted_https_reply(f->server, "GET /v1.0/users/u2/contactFolders", 200, "", "{\"value\":[]}");
    scripted_https_reply(f->server, "POST /v1.0/users/u2/contactFolders", 201, "", "{\"id\":\"F\"}");
    name_folder(f, restore, "F");
    scripted_https_reply(f->server, "POST /v1.0/users/u2/contactFolders/F/contacts", 201, "", "{\"id\":\"new\"}");
    scripted_https_reply(f->server, "PUT /v1.0/users/u2/contacts/new/photo/$value", 200, "", "");
    struct to_tenant_report report = put(f, restore, "JPEG");
    assert_int_equal(report.result, TO_TENANT_RESTORED);
    assert_string_equal(report.new_id, "new");
    assert_string_equal(report.losses, "");
    const char *sent = scripted_https_request(f->server, 4);
    assert_non_null(strstr(sent, "{\"displayName\":\"Olu Ade\",\"emailAddresses\":[{\"address\":\"Olu@x\","
                                 "\"name\":\"Olu\"}]}"));
    assert_non_null(strstr(scripted_https_request(f->server, 5), "\r\n\r\nJPEG"));
    to_tenant_free(restore);
}

static void
one_that_is_there_is_left_or_overwritten(void **state)
{
    static const char there[] = "{\"value\":[{\"id\":\"old\",\"displayName\":\"Olu Ade\",\"emailAddresses\":"
                                "[{\"address\":\"olu@X\"}]}]}";
    struct graph_fixture *f = *state;
    for (int overwrite = 0; overwrite < 2; overwrite++) {
        struct to_tenant *restore = open_restore(f, NULL, overwrite ? TO_TENANT_OVERWRITE : TO_TENANT_SKIP);
        scripted_https_reply(f->server, "GET /v1.0/users/u2/contactFolders", 200, "",
                             "{\"value\":[{\"id\":\"F\",\"displayName\":\"kunden\"}]}");
        name_folder(f, restore, "F");
        scripted_https_reply(f->server, "GET /v1.0/users/u2/contactFolders/F/contacts?", 200, "", there);
        if (overwrite)
            scripted_https_reply(f->server, "PATCH /v1.0/users/u2/contacts/old", 200, "", "{\"id\":\"old\"}");
        struct to_tenant_report report = put(f, restore, "");
        assert_int_equal(report.result, overwrite ? TO_TENANT_RESTORED : TO_TENANT_SKIPPED);
        assert_string_equal(report.reason, overwrite ? "" : "exists");
        to_tenant_free(restore);
    }
}

static void
a_restore_with_a_folder_of_its_own_has_one_for_contacts(void **state)
{
    struct graph_fixture *f = *state;
    struct to_tenant *restore = open_restore(f, "Restored", TO_TENANT_RENAME);
    scripted_https_reply(f->server, "GET /v1.0/users/u2/contactFolders", 200, "", "{\"value\":[]}");
    scripted_https_reply(f->server, "POST /v1.0/users/u2/contactFolders", 201, "", "{\"id\":\"T\"}");
    scripted_https_reply(f->server, "GET /v1.0/users/u2/contactFolders/T/childFolders", 200, "", "{\"value\":[]}");
    scripted_https_reply(f->server, "POST /v1.0/users/u2/contactFolders/T/childFolders", 201, "", "{\"id\":\"F\"}");
    name_folder(f, restore, "F");
    scripted_https_reply(f->server, "POST /v1.0/users/u2/contactFolders/F/contacts", 201, "", "{\"id\":\"new\"}");
    scripted_https_reply(f->server, "PUT /v1.0/users/u2/contacts/new/photo/$value", 400, "",
                         "{\"error\":{\"code\":\"ErrorInvalidImage\"}}");
    struct to_tenant_report report = put(f, restore, "x");
    assert_int_equal(report.result, TO_TENANT_RESTORED);
    assert_string_equal(report.losses, "photo_refused");
    to_tenant_free(restore);
}

static void
a_refusal_is_told(void **state)
{
    struct graph_fixture *f = *state;
    struct to_tenant *restore = open_restore(f, NULL, TO_TENANT_RENAME);
    scripted_https_reply(f->server, "POST /v1.0/users/u2/contactFolders/contacts/contacts", 403, "",
                         "{\"error\":{\"code\":\"ErrorAccessDenied\"}}");
    struct to_tenant_report report = put(f, restore, "");
    assert_int_equal(report.result, TO_TENANT_FAILED);
    assert_string_equal(report.reason, "denied");
    to_tenant_free(restore);
}

int
main(void)
{
#define GRAPH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, graph_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        GRAPH_TEST(a_contact_comes_back_with_its_photo),
        GRAPH_TEST(one_that_is_there_is_left_or_overwritten),
        GRAPH_TEST(a_restore_with_a_folder_of_its_own_has_one_for_contacts),
        GRAPH_TEST(a_refusal_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
