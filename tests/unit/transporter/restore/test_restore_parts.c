#include "transporter/restore/restore_parts.h"

#include "common/base/memory.h"
#include "transporter/restore/restore_headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <gmime/gmime.h>

static struct restore_parts
read_text(const char *text)
{
    struct restore_parts parts;
    restore_parts_read(&parts, text, strlen(text));
    return parts;
}

static void
assert_content(const struct restore_parts *parts, int index, const char *want)
{
    struct restore_decode decode;
    CLEANUP(memory_free_p) char *out = memory_new(RESTORE_DECODE_BLOCK + 1);
    size_t len;
    assert_true(index >= 0);
    const struct restore_part *part = &parts->parts[index];
    restore_decode_begin(&decode, part->encoding, parts->data + part->offset, part->len);
    if (!restore_decode_next(&decode, out, &len))
        len = 0;
    assert_int_equal(len, strlen(want));
    assert_memory_equal(out, want, len);
}

static size_t
count_attachments(const struct restore_parts *parts)
{
    size_t n = 0;
    for (size_t i = 0; i < parts->count; i++)
        n += restore_parts_is_attachment(parts, i) ? 1 : 0;
    return n;
}

static void
parts_keep_their_exact_bytes(void **state)
{
    struct restore_parts p =
        read_text("Content-Type: multipart/mixed; boundary=o\r\n\r\npreamble\r\n--o\r\nContent-Type: "
                  "multipart/alternative; boundary=i\r\n\r\n--i\r\n\r\nplain\r\n--i\r\nContent-Type: text/html\r\n\r\n"
                  "<p>\r\n--i--\r\n--o\r\nContent-Type: application/pdf; name=a.pdf\r\n"
                  "Content-Transfer-Encoding: base64\r\n\r\nSGVs\r\nbG8=\r\nSGk=\r\n--o\r\n"
                  "Content-Type: message/rfc822\r\n\r\nSubject:  in\r\n ner\r\n\r\nhi \r\n--o--\r\nepilogue");
    (void)state;
    assert_int_equal(p.count, 6);
    assert_content(&p, p.plain, "plain");
    assert_content(&p, p.html, "<p>");
    assert_content(&p, 4, "HelloHi"); /* goes on after its padding */
    assert_string_equal(p.parts[4].name, "a.pdf");
    assert_content(&p, 5, "Subject:  in\r\n ner\r\n\r\nhi ");
    assert_int_equal(count_attachments(&p), 2);
    restore_parts_clear(&p);
}

static void
broken_structure_loses_no_text(void **state)
{
    static const struct {
        const char *text, *body;
        size_t attachments;
    } cases[] = {
        { "", NULL, 0 },
        { "no headers at all", "no headers at all", 0 },
        { "\xef\xbb\xbf"
          "From -\nFrom: a@b\nSubject: x\n\nhello",
          "hello", 0 },
        { "    \r\nSubject: x\r\n\r\nhello", "hello", 0 },
        { "Content-Type: multipart/mixed; boundary=b\n\nnever comes", "never comes", 0 },
        { "Content-Type: multipart/mixed\n\nno boundary", "no boundary", 0 },
        { "Content-Type: multipart/mixed; boundary=b\n\n--b\nstarts with text\n--b--\n", "starts with text", 0 },
        { "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nends early", "ends early", 0 },
        { "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n\n--b\n\nsecond\n--b--", "second", 0 },
        { "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n--b--", "one",
          1 },
        { "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--bb\ntwo\n--b--", "one\n--bb\ntwo", 0 },
        { "Content-Type: text\n\nhello", "hello", 0 },
        { "Content-Type: text; name=a.bin\n\nhello", NULL, 1 },
        { "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\nhi\n--b--", NULL, 1 },
        { "Content-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n#86)C\n`\nend\n", "abc", 0 },
        { "Content-Transfer-Encoding: x-uuencode\n\nplain after all\n", "plain after all\n", 0 },
        { "Content-Transfer-Encoding: quoted-printable\n\na=\n=3Db=zz", "a=b=zz", 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct restore_parts p = read_text(cases[i].text);
        int body = p.html >= 0 ? p.html : p.plain;
        if (cases[i].body != NULL)
            assert_content(&p, body, cases[i].body);
        else
            assert_int_equal(body, -1);
        assert_int_equal(count_attachments(&p), cases[i].attachments);
        restore_parts_clear(&p);
    }
}

static void
long_quoted_printable_is_cut_between_codes(void **state)
{
    struct restore_decode decode;
    size_t len = 3 * RESTORE_DECODE_BLOCK, piece, total = 0;
    CLEANUP(memory_free_p) char *in = memory_new(len + 1), *out = memory_new(RESTORE_DECODE_BLOCK);
    (void)state;
    for (size_t i = 0; i < len; i += 3)
        memcpy(in + i, "=41", 3);
    restore_decode_begin(&decode, RESTORE_QUOTED, in, len);
    while (restore_decode_next(&decode, out, &piece)) {
        for (size_t i = 0; i < piece; i++)
            assert_int_equal(out[i], 'A');
        total += piece;
    }
    assert_int_equal(total, RESTORE_DECODE_BLOCK);
}

static void
fields_are_found_unfolded(void **state)
{
    static const char head[] = "X-Junk\r\nSubject : one\r\n two\r\nSUBJECT: three\r\n\r\n";
    (void)state;
    CLEANUP(memory_free_p) char *subject = restore_headers_find(head, sizeof(head) - 1, "subject");
    assert_string_equal(subject, "one two");
    assert_null(restore_headers_find(head, sizeof(head) - 1, "To"));
    assert_int_equal(restore_headers_end(head, sizeof(head) - 1, true), sizeof(head) - 1);
    assert_int_equal(restore_headers_end(head, sizeof(head) - 1, false), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_keep_their_exact_bytes),
        cmocka_unit_test(broken_structure_loses_no_text),
        cmocka_unit_test(long_quoted_printable_is_cut_between_codes),
        cmocka_unit_test(fields_are_found_unfolded),
    };
    g_mime_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
