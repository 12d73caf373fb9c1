#include "common/base/memory.h"
#include "tests/m365sim/mime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
assert_text(char *have, const char *want)
{
    assert_non_null(have);
    assert_string_equal(have, want);
    free(have);
}

static void
encoded_words_are_decoded(void **state)
{
    (void)state;
    assert_text(mime_decode_words("=?utf-8?B?w5ZmZmVy?= 22"), "Öffer 22");
    assert_text(mime_decode_words("=?iso-8859-1?Q?Gr=FC=DFe?= =?ISO-8859-1?Q?_aus?="), "Grüße aus");
    /* A character cut in half between two words. */
    assert_text(mime_decode_words("=?utf-8?Q?=C3?= =?utf-8?Q?=BC?="), "ü");
    assert_text(mime_decode_words("=?broken"), "=?broken");
    assert_text(mime_decode_words("=?x-unknown?Q?a=FCb?="), "aüb");
    assert_text(mime_decode_words("plain \xfc text"), "plain ü text");
}

static void
headers_are_unfolded_and_found_without_case(void **state)
{
    static const char mail[] =
        "From mbox line\r\nSUBJECT: one\r\n two\r\nno colon here\r\nX-A : b\r\nTo: a@b,\n\tc@d\n\nbody";
    struct mime_headers h;
    (void)state;
    mime_headers_parse(&h, mail, sizeof(mail) - 1);
    assert_text(mime_headers_text(&h, "Subject"), "one two");
    assert_text(mime_headers_raw(&h, "x-a"), "b");
    assert_text(mime_headers_all(&h, "To"), "a@b,\tc@d");
    assert_null(mime_headers_raw(&h, "Cc"));
    assert_string_equal(mail + h.end, "body");
    mime_headers_clear(&h);
}

static void
parameters_of_rfc_2231_are_joined(void **state)
{
    (void)state;
    assert_text(mime_parameter("attachment; filename=\"a \\\"b\\\".txt\"; x=1", "filename"), "a \"b\".txt");
    assert_text(mime_parameter("a; filename*=UTF-8''na%C3%AFve%20%25.txt", "filename"), "naïve %.txt");
    assert_text(mime_parameter("a; filename*0*=iso-8859-1'de'%FC; filename*1=\"ber.txt\"", "filename"), "über.txt");
    assert_text(mime_parameter("multipart/mixed; BOUNDARY=abc ", "boundary"), "abc");
    assert_null(mime_parameter("text/plain", "charset"));
}

static void
address_lists_are_taken_apart(void **state)
{
    struct mime_address a[8];
    (void)state;
    size_t n = mime_addresses("\"Kaya, Ines\" <i@x.example>, bare@y.example (Olu Ade), =?utf-8?Q?J=C3=BCrgen?= <j@z>, "
                              "Team: a@b.c, <d@e.f>;, undisclosed",
                              a, 8);
    assert_int_equal(n, 5);
    assert_string_equal(a[0].name, "Kaya, Ines");
    assert_string_equal(a[0].address, "i@x.example");
    assert_string_equal(a[1].name, "Olu Ade");
    assert_string_equal(a[1].address, "bare@y.example");
    assert_string_equal(a[2].name, "Jürgen");
    assert_string_equal(a[3].address, "a@b.c");
    assert_string_equal(a[4].address, "d@e.f");
    mime_addresses_free(a, n);
}

static void
dates_of_many_kinds_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } dates[] = { { "Mon, 14 Sep 2026 09:58:07 +0200", 1789372687 },
                  { "14 Sep 2026 07:58:07 GMT", 1789372687 },
                  { "Mon, 14 Sep 26 03:58:07 EDT", 1789372687 },
                  { "Mon Sep 14 07:58:07 2026", 1789372687 },
                  { "Mon, 14 Sep 2026 07:58 +0000", 1789372680 } };
    int64_t ms;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
        assert_int_equal(mime_date(dates[i].text, &ms), 0);
        assert_int_equal(ms, dates[i].seconds * 1000);
    }
    assert_int_equal(mime_date("yesterday", &ms), -1);
    assert_int_equal(mime_date("Mon, 99 Sep 2026 07:58:07", &ms), -1);
}

static const char nested[] =
    "Content-Type: multipart/mixed; boundary=\"o\"\r\n\r\npreamble\r\n"
    "--o\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n"
    "--i\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=\r\n=DFe\r\n"
    "--i\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n--i--\r\n"
    "--o\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\n"
    "Content-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVs\r\nbG8=\r\n"
    "--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nhi\r\n--o--\r\nepilogue";

static void
parts_body_and_attachments_are_told_apart(void **state)
{
    struct mime_message m;
    size_t len;
    (void)state;
    mime_message_parse(&m, nested, sizeof(nested) - 1);
    assert_int_equal(m.part_count, 6);
    assert_text(mime_message_text(&m, (size_t)m.plain), "Grüße");
    assert_text(mime_message_text(&m, (size_t)m.html), "<p>x</p>");
    assert_false(mime_message_is_attachment(&m, 0));
    assert_false(mime_message_is_attachment(&m, 1));
    assert_true(mime_message_is_attachment(&m, 4));
    assert_string_equal(m.parts[4].name, "a.pdf");
    assert_text(mime_message_content(&m, 4, &len), "Hello");
    assert_true(mime_message_is_attachment(&m, 5));
    assert_string_equal(m.parts[5].type, "message/rfc822");
    mime_message_clear(&m);
}

static void
broken_messages_are_survived(void **state)
{
    struct mime_message m;
    (void)state;
    for (size_t len = 0; len < sizeof(nested); len++) {
        mime_message_parse(&m, nested, len);
        assert_true(m.part_count >= 1);
        mime_message_clear(&m);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoded_words_are_decoded),
        cmocka_unit_test(headers_are_unfolded_and_found_without_case),
        cmocka_unit_test(parameters_of_rfc_2231_are_joined),
        cmocka_unit_test(address_lists_are_taken_apart),
        cmocka_unit_test(dates_of_many_kinds_are_read),
        cmocka_unit_test(parts_body_and_attachments_are_told_apart),
        cmocka_unit_test(broken_messages_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
