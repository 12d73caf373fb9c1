#include "tests/unit/common/vault/vault_fixture.h"

#include "common/base/buffer.h"
#include "common/vault/base64_line.h"
#include "common/vault/quoted_line.h"

#include <ftw.h>
#include <sys/stat.h>

static struct vault_fixture f;

static int
setup(void **state)
{
    (void)state;
    fixture_open(&f);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    fixture_close(&f);
    return 0;
}

static struct content_ref
put_message(const void *data, size_t len, size_t piece)
{
    struct error err = ERROR_INIT;
    struct content_ref ref;
    struct vault_stream *stream = vault_stream_begin(f.writer, VAULT_MESSAGE, &err);
    assert_non_null(stream);
    for (size_t at = 0; at < len; at += piece)
        assert_ok(vault_stream_write(stream, (const uint8_t *)data + at, len - at < piece ? len - at : piece, &err),
                  err);
    assert_ok(vault_stream_end(stream, &ref, &err), err);
    return ref;
}

static void
assert_same(const struct content_ref *ref, const void *data, size_t len)
{
    struct error err = ERROR_INIT;
    uint8_t *back = NULL;
    size_t back_len;
    assert_ok(vault_reader_get(f.reader, ref, (size_t)64 << 20, &back, &back_len, &err), err);
    assert_int_equal(back_len, len);
    assert_memory_equal(back, data, len);
    free(back);
}

static void
assert_round_trip(const void *data, size_t len, size_t piece)
{
    struct error err = ERROR_INIT;
    struct content_ref ref = put_message(data, len, piece);
    assert_ok(vault_writer_flush(f.writer, &err), err);
    assert_same(&ref, data, len);
}

/* Random bytes in base64 lines. */
static void
add_part(struct buffer *out, size_t bytes, size_t line, bool crlf, uint64_t seed)
{
    struct base64_lines lines = { .line_len = line, .crlf = crlf };
    uint8_t data[3000], text[BASE64_LINES_OUT(3000)];
    uint64_t state = seed * 2654435761u + 1;
    while (bytes > 0) {
        size_t n = bytes < sizeof(data) ? bytes : sizeof(data);
        for (size_t i = 0; i < n; i++)
            data[i] = (uint8_t)(fixture_random(&state) >> 17);
        buffer_append(out, text, base64_lines_encode(&lines, data, n, text), NULL);
        bytes -= n;
    }
    buffer_append(out, text, base64_lines_finish(&lines, text), NULL);
}

static void
odd_messages_come_back(void **state)
{
    static const char *const messages[] = {
        "",
        "\n",
        "\r\n",
        "a",
        "Subject: x\r\n\r\nbody",
        "AAAA",
        "AAAA\n",
        "AAAA\r\nBBBB\r\nCC==\r\n",
        "AAA=\nBBBB\n",
        "AB==\nQUJD\r\nQUJD\nQUJD\r\n",
        "QUJD\r\r\nQUJD\r\r\n",
        "QUJDQUJD\nQUJD\nQUJDQUJD\n",
        "====\n====\n",
        "QUJD QUJD\nQUJD\tQUJD\n",
        "-_-_\n-_-_\n",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        assert_round_trip(messages[i], strlen(messages[i]), 1000);
        assert_round_trip(messages[i], strlen(messages[i]), 1);
    }
}

static void
parts_of_every_shape_come_back(void **state)
{
    static const size_t lines[] = { 4, 60, 64, 72, 76, 1000, 1024 };
    static const size_t sizes[] = { 1, 2, 3, 57, 58, 383, 384, 385, 1023, 1024, 1025, 5000, 100000 };
    (void)state;
    for (size_t l = 0; l < ARRAY_LEN(lines); l++) {
        for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
            struct buffer b = BUFFER_INIT(1 << 20);
            buffer_append_text(&b, "Content-Transfer-Encoding: base64\r\n\r\n", NULL);
            add_part(&b, sizes[s], lines[l], s % 2 == 0, s);
            if (s % 3 != 0)
                buffer_append_text(&b, s % 2 == 0 ? "\r\n--b--\r\n" : "\n", NULL);
            assert_round_trip(b.data, b.len, 777);
            buffer_clear(&b);
        }
    }
}

/* What a message added to the vault that has its attachment already. */
static uint64_t
new_bytes_of(const struct buffer *message)
{
    struct error err = ERROR_INIT;
    struct vault_writer_progress before, after;
    assert_ok(vault_writer_flush(f.writer, &err), err);
    vault_writer_progress(f.writer, &before);
    assert_round_trip(message->data, message->len, 4096);
    vault_writer_progress(f.writer, &after);
    return after.bytes_new - before.bytes_new;
}

static void
an_attachment_and_the_same_file_are_stored_once(void **state)
{
    static const size_t line_lengths[] = { 76, 76, 60, 64, 72, 1000 };
    enum { SIZE = 700000 };
    struct error err = ERROR_INIT;
    struct content_ref ref;
    uint8_t *file = memory_new(SIZE), *text = memory_new(BASE64_LINES_OUT(SIZE));
    uint64_t random = 99;
    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        file[i] = (uint8_t)(fixture_random(&random) >> 20);
    assert_ok(vault_writer_put(f.writer, VAULT_FILE, file, SIZE, &ref, &err), err);
    for (size_t i = 0; i < ARRAY_LEN(line_lengths); i++) {
        struct buffer b = BUFFER_INIT(4 << 20);
        struct base64_lines lines = { .line_len = line_lengths[i], .crlf = i % 2 == 0 };
        size_t n = base64_lines_encode(&lines, file, SIZE, text);
        n += base64_lines_finish(&lines, text + n);
        buffer_printf(&b, NULL, "To: box %zu\r\nSubject: the file\r\n\r\n", i);
        buffer_append(&b, text, n, NULL);
        buffer_append_text(&b, "\r\n", NULL);
        assert_in_range(new_bytes_of(&b), 1, 500);
        buffer_clear(&b);
    }
    free(file);
    free(text);
}

static int
append_encoded(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    return buffer_append(ctx, data, len, err);
}

static void
a_quoted_printable_page_and_the_same_file_are_stored_once(void **state)
{
    struct error err = ERROR_INIT;
    struct content_ref ref;
    struct buffer page = BUFFER_INIT(1 << 20);
    (void)state;
    for (int i = 0; i < 3000; i++)
        buffer_printf(&page, NULL,
                      "<p style=\"x\">Zeile %d, \xc3\xa4hnlich wie alle, nur l\xc3\xa4nger als eine Zeile</p>\r\n",
                      i * i);
    assert_ok(vault_writer_put(f.writer, VAULT_FILE, page.data, page.len, &ref, &err), err);
    for (uint8_t room = 71; room < 76; room++) {
        struct buffer b = BUFFER_INIT(1 << 20);
        struct quoted_lines lines = { .style = { .crlf = true, .room = room, .loose = room % 2 == 0 } };
        buffer_printf(&b, NULL, "To: box %u\r\nSubject: the page\r\n\r\n", room);
        assert_ok(quoted_lines_encode(&lines, page.data, page.len, append_encoded, &b, &err), err);
        assert_in_range(new_bytes_of(&b), 1, 500);
        buffer_clear(&b);
    }
    buffer_clear(&page);
}

/* A vault of format version 1 gets nothing that programs of its time do not read. */
static void
an_old_vault_gets_old_recipes(void **state)
{
    struct error err = ERROR_INIT;
    struct content_ref ref;
    struct buffer b = BUFFER_INIT(1 << 20);
    (void)state;
    for (int i = 0; i < 100; i++)
        buffer_append_text(&b, "=C3=A4 line that would be taken out =3D decoded\r\n", NULL);
    fixture_close(&f);
    fixture_open(&f);
    f.vault.version = 1;
    ref = put_message(b.data, b.len, 1000);
    assert_false(ref.message);
    assert_ok(vault_writer_flush(f.writer, &err), err);
    assert_same(&ref, b.data, b.len);
    fixture_close(&f);
    fixture_open(&f);
    ref = put_message(b.data, b.len, 1000);
    assert_true(ref.message);
    assert_ok(vault_writer_flush(f.writer, &err), err);
    assert_same(&ref, b.data, b.len);
    buffer_clear(&b);
}

static void
random_mixtures_come_back(void **state)
{
    static const char *const bits[] = { "QUJD", "QUJDREVG", "\n",   "\r\n", "=",     "==",    "\r",
                                        "x",    " ",        "QQ==", "=C3",  "--b\n", "=\r\n", "=3D\n" };
    uint64_t random = 4242;
    (void)state;
    for (int round = 0; round < 300; round++) {
        struct buffer b = BUFFER_INIT(1 << 20);
        for (uint64_t i = fixture_random(&random) % 300; i > 0; i--)
            buffer_append_text(&b, bits[fixture_random(&random) % ARRAY_LEN(bits)], NULL);
        if (round % 3 == 0)
            add_part(&b, fixture_random(&random) % 3000, 4 * (1 + fixture_random(&random) % 30), round % 2 == 0,
                     random);
        assert_round_trip(b.data == NULL ? (const uint8_t *)"" : b.data, b.len, 1 + fixture_random(&random) % 200);
        buffer_clear(&b);
    }
}

static size_t corpus_files;

static int
on_corpus_file(const char *path, const struct stat *st, int type)
{
    if (type != FTW_F || st->st_size == 0)
        return 0;
    FILE *in = fopen(path, "re");
    if (in == NULL)
        return 0;
    uint8_t *data = memory_new((size_t)st->st_size);
    size_t len = fread(data, 1, (size_t)st->st_size, in);
    fclose(in);
    struct content_ref ref = put_message(data, len, 8192);
    if (corpus_files++ % 1 == 0) {
        struct error err = ERROR_INIT;
        assert_ok(vault_writer_flush(f.writer, &err), err);
        assert_same(&ref, data, len);
    }
    free(data);
    return 0;
}

/* LONGHAUL_MAIL_CORPUS names a folder of real messages. */
static void
real_messages_come_back(void **state)
{
    const char *folder = getenv("LONGHAUL_MAIL_CORPUS");
    (void)state;
    if (folder == NULL) {
        print_message("skipped: LONGHAUL_MAIL_CORPUS is not set\n");
        skip();
    }
    ftw(folder, on_corpus_file, 16);
    assert_true(corpus_files > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_messages_come_back),
        cmocka_unit_test(parts_of_every_shape_come_back),
        cmocka_unit_test(an_attachment_and_the_same_file_are_stored_once),
        cmocka_unit_test(a_quoted_printable_page_and_the_same_file_are_stored_once),
        cmocka_unit_test(an_old_vault_gets_old_recipes),
        cmocka_unit_test(random_mixtures_come_back),
        cmocka_unit_test(real_messages_come_back),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
