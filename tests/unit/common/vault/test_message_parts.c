#include "common/vault/message_parts.h"

#include "common/base/encoding.h"
#include "tests/unit/common/vault/vault_fixture.h"

#define ATTACHMENTS      5
#define ATTACHMENT_BYTES 60000

/* A message whose attachments are large enough to be stored apart. */
static void
put_message(struct vault_fixture *f, struct content_ref *ref, struct content_parts *parts)
{
    struct error err = ERROR_INIT;
    uint64_t random = 7;
    uint8_t *data = memory_new(ATTACHMENT_BYTES);
    char *text = memory_new(ENCODING_BASE64_LEN(ATTACHMENT_BYTES));
    struct vault_stream *stream = vault_stream_begin(f->writer, VAULT_MESSAGE, &err);
    static const char head[] = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    assert_non_null(stream);
    assert_ok(vault_stream_write(stream, head, sizeof(head) - 1, &err), err);
    for (int i = 0; i < ATTACHMENTS; i++) {
        static const char part[] = "--b\r\nContent-Transfer-Encoding: base64\r\n\r\n";
        for (size_t at = 0; at < ATTACHMENT_BYTES; at++)
            data[at] = (uint8_t)(fixture_random(&random) >> 24);
        size_t len = encoding_base64(data, ATTACHMENT_BYTES, text);
        assert_ok(vault_stream_write(stream, part, sizeof(part) - 1, &err), err);
        for (size_t at = 0; at < len; at += 76) {
            assert_ok(vault_stream_write(stream, text + at, len - at < 76 ? len - at : 76, &err), err);
            assert_ok(vault_stream_write(stream, "\r\n", 2, &err), err);
        }
    }
    assert_ok(vault_stream_write(stream, "--b--\r\n", 7, &err), err);
    assert_ok(vault_stream_end_message(stream, parts, ref, &err), err);
    assert_ok(vault_writer_flush(f->writer, &err), err);
    free(data);
    free(text);
}

static void
a_recipe_tells_what_the_catalog_tells(void **state)
{
    struct vault_fixture f;
    struct error err = ERROR_INIT;
    struct content_ref ref, told, read;
    struct content_parts *parts = MEMORY_NEW(struct content_parts);
    struct buffer by_item = BUFFER_INIT(MESSAGE_PARTS_CEILING), by_recipe = BUFFER_INIT(MESSAGE_PARTS_CEILING);
    (void)state;
    fixture_open(&f);
    put_message(&f, &ref, parts);
    const struct catalog_item item = { .content = ref, .parts = parts->bytes, .parts_len = parts->len };
    assert_ok(message_parts_of_item(&item, &by_item, &err), err);
    assert_ok(message_parts_read(f.reader, &ref, &by_recipe, &err), err);
    for (size_t i = 0; i < ATTACHMENTS; i++) {
        assert_true(message_parts_at(&by_item, i, &told) && message_parts_at(&by_recipe, i, &read));
        assert_true(content_equal(&told, &read));
    }
    assert_false(message_parts_at(&by_item, ATTACHMENTS, &told));
    assert_false(message_parts_at(&by_recipe, ATTACHMENTS, &read));
    buffer_clear(&by_item);
    buffer_clear(&by_recipe);
    free(parts);
    fixture_close(&f);
}

/* What was there before stays, so that another reader can be asked. */
static void
what_is_no_recipe_adds_nothing(void **state)
{
    struct vault_fixture f;
    struct error err = ERROR_INIT;
    struct content_ref file;
    struct buffer parts = BUFFER_INIT(MESSAGE_PARTS_CEILING);
    (void)state;
    fixture_open(&f);
    assert_ok(vault_writer_put(f.writer, VAULT_FILE, "no recipe", 9, &file, &err), err);
    assert_ok(vault_writer_flush(f.writer, &err), err);
    buffer_append(&parts, &file, sizeof(file), NULL);
    file.message = true;
    assert_int_equal(message_parts_read(f.reader, &file, &parts, &err), -1);
    assert_int_equal(err.kind, ERROR_UNSUPPORTED);
    assert_int_equal(parts.len, sizeof(file));
    err = (struct error)ERROR_INIT;
    memset(file.id.bytes, 0xAB, sizeof(file.id.bytes));
    assert_int_equal(message_parts_read(f.reader, &file, &parts, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_int_equal(parts.len, sizeof(file));
    buffer_clear(&parts);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recipe_tells_what_the_catalog_tells),
        cmocka_unit_test(what_is_no_recipe_adds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
