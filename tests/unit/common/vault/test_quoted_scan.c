#include "common/vault/quoted_scan.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* What a scan gave out: put together again, and how much of it was taken out decoded. */
struct outcome {
    struct buffer bytes, decoded, run;
    struct quoted_style style; /* of the last part */
    size_t parts;
};

static int
on_text(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct outcome *outcome = ctx;
    return buffer_append(&outcome->bytes, data, len, err);
}

static int
on_part(void *ctx, const struct quoted_style *style, const uint8_t *data, size_t len, struct error *err)
{
    struct outcome *outcome = ctx;
    struct quoted_lines *lines = MEMORY_NEW(struct quoted_lines);
    lines->style = outcome->style = *style;
    outcome->parts++;
    assert_int_equal(buffer_append(&outcome->decoded, data, len, err), 0);
    for (size_t at = 0; at < len; at += 100)
        assert_int_equal(quoted_lines_encode(lines, data + at, len - at < 100 ? len - at : 100, on_text, ctx, err), 0);
    assert_int_equal(lines->len, 0);
    free(lines);
    return 0;
}

static int
on_long_data(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct outcome *outcome = ctx;
    return buffer_append(&outcome->run, data, len, err);
}

static int
on_long_end(void *ctx, const struct quoted_style *style, struct error *err)
{
    struct outcome *outcome = ctx;
    on_part(ctx, style, outcome->run.data, outcome->run.len, err);
    outcome->run.len = 0;
    return 0;
}

static void
scan(struct outcome *outcome, const void *data, size_t len, size_t piece)
{
    static const struct quoted_scan_vtable vtable = { on_text, on_part, on_long_data, on_long_end };
    struct error err = ERROR_INIT;
    struct quoted_scan *scan = MEMORY_NEW(struct quoted_scan);
    memset(outcome, 0, sizeof(*outcome));
    buffer_init(&outcome->bytes, 1 << 22);
    buffer_init(&outcome->decoded, 1 << 22);
    buffer_init(&outcome->run, 1 << 22);
    quoted_scan_begin(scan, &vtable, outcome);
    for (size_t at = 0; at < len; at += piece)
        assert_int_equal(quoted_scan_write(scan, (const uint8_t *)data + at, len - at < piece ? len - at : piece, &err),
                         0);
    assert_int_equal(quoted_scan_flush(scan, &err), 0);
    free(scan);
    assert_int_equal(outcome->bytes.len, len);
    if (len > 0)
        assert_memory_equal(outcome->bytes.data, data, len);
}

static void
clear(struct outcome *outcome)
{
    buffer_clear(&outcome->bytes);
    buffer_clear(&outcome->decoded);
    buffer_clear(&outcome->run);
}

static uint64_t
next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Lines of words with letters that must be escaped, some with a blank at the end. */
static void
make_text(struct buffer *out, bool crlf, size_t lines, uint64_t *random)
{
    static const char *const words[] = {
        "plain ", "gr\xc3\xbc\xc3\x9f\x65 ", "a=b ", "<td class=\"x\">", "\t", "From ", ".", "\xe7\xa0\x94\xe7\xa9\xb6 "
    };
    for (size_t i = 0; i < lines; i++) {
        for (uint64_t n = next_random(random) % 40; n > 0; n--)
            buffer_append_text(out, words[next_random(random) % ARRAY_LEN(words)], NULL);
        buffer_append_text(out, crlf ? "\r\n" : "\n", NULL);
    }
}

static void
encode(const struct quoted_style *style, const struct buffer *text, struct buffer *out)
{
    struct quoted_lines *lines = MEMORY_NEW(struct quoted_lines);
    struct outcome sink = { .parts = 0 };
    struct error err = ERROR_INIT;
    buffer_init(&sink.bytes, 1 << 22);
    lines->style = *style;
    assert_int_equal(quoted_lines_encode(lines, text->data, text->len, on_text, &sink, &err), 0);
    buffer_append(out, sink.bytes.data, sink.bytes.len, &err);
    buffer_clear(&sink.bytes);
    free(lines);
}

/* Whatever style a text was written in, it is taken out whole and comes back. */
static void
every_style_is_learned(void **state)
{
    uint64_t random = 99;
    (void)state;
    for (unsigned round = 0; round < 400; round++) {
        struct quoted_style style = { .crlf = round % 2 == 0, .lower = round % 5 == 0, .loose = round % 3 == 0 };
        struct buffer text = BUFFER_INIT(1 << 22), message = BUFFER_INIT(1 << 22);
        struct outcome outcome;
        style.room = (uint8_t)(round % 7 == 0 ? QUOTED_ROOM_MIN + next_random(&random) % 245 : 70 + round % 9);
        for (int i = 0; i < QUOTED_SET_LEN && round % 4 == 0; i++)
            style.escaped[i] = (uint8_t)(next_random(&random) & next_random(&random));
        /* The first line has an escape. */
        buffer_append_text(&text, style.crlf ? "\xc3\xa4\r\n" : "\xc3\xa4\n", NULL);
        make_text(&text, style.crlf, 3 + round % 60, &random);
        encode(&style, &text, &message);
        scan(&outcome, message.data, message.len, 1 + next_random(&random) % 5000);
        if (message.len - text.len >= QUOTED_SCAN_LEAST) {
            assert_int_equal(outcome.parts, 1);
            assert_int_equal(outcome.decoded.len, text.len);
            assert_memory_equal(outcome.decoded.data, text.data, text.len);
        }
        clear(&outcome);
        buffer_clear(&text);
        buffer_clear(&message);
    }
}

/* Long enough to be given in pieces, between text that is none. */
static void
a_long_part_among_text_is_taken_out(void **state)
{
    uint64_t random = 5;
    struct quoted_style style = { .room = 75, .loose = true };
    struct buffer text = BUFFER_INIT(1 << 22), message = BUFFER_INIT(1 << 22);
    struct outcome outcome;
    (void)state;
    buffer_append_text(&message, "Subject: =?utf-8?Q?x?=\n\n--=_boundary\n", NULL);
    buffer_append_text(&text, "\xc3\xa4\n", NULL);
    make_text(&text, false, 1000, &random);
    encode(&style, &text, &message);
    buffer_append_text(&message, "--=_boundary--\n", NULL);
    scan(&outcome, message.data, message.len, 4096);
    assert_int_equal(outcome.parts, 1);
    assert_int_equal(outcome.decoded.len, text.len);
    assert_memory_equal(outcome.decoded.data, text.data, text.len);
    clear(&outcome);
    buffer_clear(&text);
    buffer_clear(&message);
}

static void
what_no_style_writes_comes_back_as_text(void **state)
{
    static const char *const messages[] = {
        "",          "=",           "=\n",    "=\n\n",    "=\r\n\r\n", "a=\nb",
        "=3D=3d\n",  "=3\n",        "==\n",   "=0A\n",    "=0D\r\n",   "\xe4=C3\n",
        "a =\n\n",   "a \n",        "=20 \n", "=41\nA\n", "x=\r\ny\n", "=C3=\n=A4\n=C3=\r\n=A4\r\n",
        "=\n=\n=\n", "=C3\n\xc3\n",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        struct buffer many = BUFFER_INIT(1 << 20);
        struct outcome outcome;
        scan(&outcome, messages[i], strlen(messages[i]), 1);
        clear(&outcome);
        for (int n = 0; n < 100; n++)
            buffer_append_text(&many, messages[i], NULL);
        scan(&outcome, many.data, many.len, 7);
        clear(&outcome);
        buffer_clear(&many);
    }
}

static void
random_bits_come_back(void **state)
{
    static const char *const bits[] = { "=", "=C3",         "=c3", "=20", " ",  "\t",   "\n",  "\r\n", "=\n",   "=\r\n",
                                        "a", "long words ", "=0D", "=0A", "\r", "\xc3", "=41", "=3D",  "=\n=\n" };
    uint64_t random = 4242;
    (void)state;
    for (int round = 0; round < 3000; round++) {
        struct buffer b = BUFFER_INIT(1 << 20);
        struct outcome outcome;
        size_t kinds = 2 + next_random(&random) % (ARRAY_LEN(bits) - 2), first = next_random(&random);
        for (uint64_t i = next_random(&random) % 300; i > 0; i--)
            buffer_append_text(&b, bits[(first + next_random(&random) % kinds) % ARRAY_LEN(bits)], NULL);
        scan(&outcome, b.data == NULL ? (const void *)"" : b.data, b.len, 1 + next_random(&random) % 200);
        clear(&outcome);
        buffer_clear(&b);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_style_is_learned),
        cmocka_unit_test(a_long_part_among_text_is_taken_out),
        cmocka_unit_test(what_no_style_writes_comes_back_as_text),
        cmocka_unit_test(random_bits_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
