#include "common/vault/catalog_search.h"

#include "common/vault/catalog_edit.h"
#include "tests/unit/common/vault/vault_fixture.h"

#define FOUND_LEN 64

struct planted {
    enum catalog_kind kind;
    const char *id, *name, *subject, *from;
    int64_t at_ms;
};

static const struct planted planted[] = {
    { CATALOG_FOLDER, "f1", "Invoices", NULL, NULL, 100 },
    { CATALOG_MESSAGE, "m1", NULL, "Invoice 2026-09", "Zoë Müller <zoe@contoso.example>", 1000 },
    { CATALOG_MESSAGE, "m2", NULL, "RE: lunch", "Bob <bob@contoso.example>", 2000 },
    { CATALOG_MESSAGE, "m3", NULL, NULL, NULL, 3000 },
    { CATALOG_FILE, "d1", "Straße.docx", NULL, NULL, 4000 },
    { CATALOG_FILE, "d2", "invoice.PDF", NULL, NULL, 5000 },
};

static struct catalog *
open_planted(struct vault_fixture *f)
{
    struct error err = ERROR_INIT;
    struct catalog_root root;
    fixture_open(f);
    struct catalog_edit_options options = { .memory_bytes = 1 << 20, .temp_dir = "/tmp" };
    struct catalog_edit *edit = catalog_edit_begin(f->reader, f->writer, NULL, &options, &err);
    for (size_t i = 0; i < ARRAY_LEN(planted); i++) {
        const struct planted *p = &planted[i];
        struct catalog_key_buffer key;
        assert_ok(catalog_key_make(p->kind, p->id, strlen(p->id), &key, &err), err);
        const struct catalog_item item = { .kind = p->kind,
                                           .key = catalog_key_of(&key),
                                           .name = p->name,
                                           .subject = p->subject,
                                           .from = p->from,
                                           .received_ms = p->at_ms,
                                           .modified_ms = p->at_ms };
        assert_ok(catalog_edit_put(edit, &item, &err), err);
    }
    assert_ok(catalog_edit_commit(edit, &root, NULL, &err), err);
    assert_ok(vault_writer_flush(f->writer, &err), err);
    catalog_edit_free(edit);
    return catalog_open(f->reader, &root);
}

static int
on_found(void *ctx, const struct catalog_item *item, struct error *err)
{
    (void)err;
    size_t used = strlen(ctx);
    snprintf((char *)ctx + used, FOUND_LEN - used, "%.2s ", (const char *)item->key.bytes + 1);
    return 0;
}

static void
assert_finds(struct catalog *catalog, struct catalog_search_query query, const char *expected)
{
    struct error err = ERROR_INIT;
    char found[FOUND_LEN] = "";
    assert_ok(catalog_search(catalog, &query, on_found, found, &err), err);
    assert_string_equal(found, expected);
}

static void
test_what_is_remembered_is_found(void **state)
{
    struct vault_fixture f;
    struct catalog *catalog = open_planted(&f);
    (void)state;
    assert_finds(catalog, (struct catalog_search_query){ .text = "INVOICE" }, "f1 m1 d2 ");
    assert_finds(catalog, (struct catalog_search_query){ .subject = "invoice" }, "m1 ");
    assert_finds(catalog, (struct catalog_search_query){ .name = "invoice" }, "f1 d2 ");
    assert_finds(catalog, (struct catalog_search_query){ .sender = "contoso" }, "m2 m1 ");
    assert_finds(catalog, (struct catalog_search_query){ .text = "nowhere" }, "");
    assert_finds(catalog, (struct catalog_search_query){ .from_ms = 2000, .until_ms = 4000 }, "m3 m2 ");
    assert_finds(catalog, (struct catalog_search_query){ .text = "invoice", .from_ms = 1001 }, "d2 ");
    catalog_close(catalog);
    fixture_close(&f);
}

static void
test_case_and_accents_do_not_matter(void **state)
{
    struct vault_fixture f;
    struct catalog *catalog = open_planted(&f);
    (void)state;
    assert_finds(catalog, (struct catalog_search_query){ .sender = "zoe muller" }, "m1 ");
    assert_finds(catalog, (struct catalog_search_query){ .sender = "ZOE\xCC\x88 M\xC3\x9CLLER" }, "m1 ");
    assert_finds(catalog, (struct catalog_search_query){ .text = "STRASSE" }, "d1 ");
    catalog_close(catalog);
    fixture_close(&f);
}

static void
test_questions_without_sense_are_refused(void **state)
{
    struct vault_fixture f;
    struct error err = ERROR_INIT;
    struct catalog *catalog = open_planted(&f);
    char found[FOUND_LEN] = "", long_text[CATALOG_SEARCH_TEXT_MAX + 2];
    memset(long_text, 'a', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    const char *const bad[] = { "", "\xFF\xFE", long_text };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(
            catalog_search(catalog, &(struct catalog_search_query){ .text = bad[i] }, on_found, found, &err), -1);
        assert_int_equal(err.kind, ERROR_USAGE);
        error_clear(&err);
    }
    assert_int_equal(catalog_search(catalog, &(struct catalog_search_query){ .text = NULL }, on_found, found, &err),
                     -1);
    catalog_close(catalog);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_remembered_is_found),
        cmocka_unit_test(test_case_and_accents_do_not_matter),
        cmocka_unit_test(test_questions_without_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
