#include "transporter/restore/safe_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void
assert_file(const char *name, const char *expected)
{
    char out[SAFE_NAME_MAX + 1];
    safe_name_file(name, out);
    assert_string_equal(out, expected);
}

static void
names_that_are_fine_stay_as_they_are(void **state)
{
    (void)state;
    assert_file("Bericht \xC3\xA4\xC3\xB6 2026 (final).docx", "Bericht \xC3\xA4\xC3\xB6 2026 (final).docx");
    assert_file(".hidden", ".hidden");
    assert_file("a\"b*c:d<e>f?g|h", "a\"b*c:d<e>f?g|h");
    assert_file("  spaces  ", "  spaces  ");
}

static void
nothing_leads_out_of_the_folder(void **state)
{
    (void)state;
    assert_file("", "_");
    assert_file(".", "_");
    assert_file("..", "__");
    assert_file("../../etc/passwd", ".._.._etc_passwd");
    assert_file("/etc", "_etc");
    assert_file("a\nb\x7f", "a_b_");
    assert_file("bad\xFF\xC3utf", "bad__utf");
    assert_file("\xED\xA0\x80", "___"); /* a lone surrogate */
    assert_file("\xC0\xAF", "__");      /* an overlong '/' */
}

static void
long_names_are_cut_between_characters_and_keep_their_extension(void **state)
{
    (void)state;
    char name[600];
    char out[SAFE_NAME_MAX + 1];
    for (size_t i = 0; i < 200; i++)
        memcpy(name + 2 * i, "\xC3\xA4", 2);
    snprintf(name + 400, sizeof(name) - 400, ".docx");
    safe_name_file(name, out);
    assert_int_equal(strlen(out), 255);
    assert_string_equal(out + 250, ".docx");
    assert_int_equal((unsigned char)out[249], 0xA4);
}

static void
mails_are_named_by_subject_and_key(void **state)
{
    (void)state;
    char a[SAFE_NAME_MAX + 1];
    char b[SAFE_NAME_MAX + 1];
    safe_name_message("Re: offer / price?", "\x02one", 4, a);
    safe_name_message("Re: offer / price?", "\x02two", 4, b);
    assert_memory_equal(a, "Re_ offer _ price-", 18);
    assert_string_equal(a + 26, ".eml");
    assert_string_not_equal(a, b);
    safe_name_message("", "\x02one", 4, a);
    assert_memory_equal(a, "mail-", 5);
    safe_name_message("...\xE2\x80\xAE../$(rm)", "\x02one", 4, a);
    assert_null(strchr(a, '/'));
    assert_null(strchr(a, '$'));
    assert_int_not_equal(a[0], '.');
    assert_null(strstr(a, "\xE2\x80\xAE"));
}

static void
taken_names_get_a_number_before_the_extension(void **state)
{
    (void)state;
    char out[SAFE_NAME_MAX + 1];
    safe_name_numbered("report.docx", 2, out);
    assert_string_equal(out, "report (2).docx");
    safe_name_numbered("README", 13, out);
    assert_string_equal(out, "README (13)");
    char longest[SAFE_NAME_MAX + 1];
    memset(longest, 'x', SAFE_NAME_MAX);
    longest[SAFE_NAME_MAX] = '\0';
    safe_name_numbered(longest, 2, out);
    assert_int_equal(strlen(out), SAFE_NAME_MAX);
    assert_string_equal(out + SAFE_NAME_MAX - 4, " (2)");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_are_fine_stay_as_they_are),
        cmocka_unit_test(nothing_leads_out_of_the_folder),
        cmocka_unit_test(long_names_are_cut_between_characters_and_keep_their_extension),
        cmocka_unit_test(mails_are_named_by_subject_and_key),
        cmocka_unit_test(taken_names_get_a_number_before_the_extension),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
