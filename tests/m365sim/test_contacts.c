#include "common/base/memory.h"
#include "tests/m365sim/box_read.h"
#include "tests/m365sim/files.h"
#include "tests/m365sim/vcard.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *
read_one(const char *text)
{
    json_t *found = contact_read(text, strlen(text));
    assert_int_equal(json_object_size(found), 1);
    json_t *one = json_incref(json_object_iter_value(json_object_iter(found)));
    json_decref(found);
    return one;
}

static void
assert_property(const json_t *o, const char *name, const char *want)
{
    const char *have = json_string_value(json_object_get(o, name));
    assert_non_null(have);
    assert_string_equal(have, want);
}

static void
a_card_of_version_3_becomes_a_contact(void **state)
{
    (void)state;
    json_t *o = read_one(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u1\r\nFN:Dr. Olu Ad\xc3\xa9\r\nN:Ad\xc3\xa9;Olu;B\\;C;Dr.;Jr.\r\n"
        "item1.EMAIL;TYPE=INTERNET,HOME:olu@example.org\r\nTEL;TYPE=CELL:+49 1\r\nTEL;TYPE=\"work,voice\":+49 2\r\n"
        "TEL;TYPE=WORK;TYPE=FAX:+49 3\r\nADR;TYPE=HOME:;;Main\\n St. 1;Berlin;;10115;Germany\r\n"
        "BDAY:1984-05-02\r\nCATEGORIES:a\\,b,c\r\nORG:Example;Sales\r\nNOTE:one\\ntw\r\n o\r\n"
        "PHOTO;ENCODING=b;TYPE=PNG:aGVs\r\n bG8=\r\nEND:VCARD\r\n");
    assert_property(o, "displayName", "Dr. Olu Ad\xc3\xa9");
    assert_property(o, "middleName", "B;C");
    assert_property(o, "title", "Dr.");
    assert_property(o, "generation", "Jr.");
    assert_property(o, "fileAs", "Ad\xc3\xa9, Olu");
    assert_property(o, "mobilePhone", "+49 1");
    assert_property(o, "birthday", "1984-05-02T11:59:00Z");
    assert_property(o, "companyName", "Example");
    assert_property(o, "department", "Sales");
    assert_property(o, "personalNotes", "one\ntwo");
    assert_property(o, "_photo", "aGVsbG8=");
    assert_property(o, "_photoType", "image/png");
    assert_property(json_object_get(o, "homeAddress"), "street", "Main\n St. 1");
    assert_property(json_object_get(o, "homeAddress"), "countryOrRegion", "Germany");
    assert_property(json_array_get(json_object_get(o, "emailAddresses"), 0), "address", "olu@example.org");
    assert_string_equal(json_string_value(json_array_get(json_object_get(o, "categories"), 0)), "a,b");
    assert_int_equal(json_array_size(json_object_get(o, "businessPhones")), 1);
    json_decref(o);
}

static void
quoted_printable_and_base64_of_version_2_are_read(void **state)
{
    (void)state;
    json_t *o =
        read_one("BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller;J=\n=FCrgen\n"
                 "TEL;HOME;VOICE:1\nPHOTO;JPEG;ENCODING=BASE64:\n aGVs\nbG8=\n\nX-AIM:chat\nBDAY:--0502\nEND:VCARD\n");
    assert_property(o, "surname", "M\xc3\xbcller");
    assert_property(o, "givenName", "J\xc3\xbcrgen");
    assert_property(o, "displayName", "J\xc3\xbcrgen M\xc3\xbcller");
    assert_property(o, "_photo", "aGVsbG8=");
    assert_property(o, "birthday", "1604-05-02T11:59:00Z");
    assert_int_equal(json_array_size(json_object_get(o, "homePhones")), 1);
    json_decref(o);
}

static void
broken_cards_are_read_as_far_as_they_go(void **state)
{
    static const char many[] = "BEGIN:VCARD\nFN:a\nAGENT:\nBEGIN:VCARD\nFN:agent\nEND:VCARD\nEND:VCARD\n"
                               "junk\nEND:VCARD\nbegin:vcard\nnickname:Joey\n:x\n;;:\nEMAIL:\nPHOTO:http://x/y\n";
    (void)state;
    json_t *found = contact_read(many, sizeof(many) - 1);
    assert_int_equal(json_object_size(found), 2);
    assert_property(json_object_get(found, "card 0"), "displayName", "a");
    assert_property(json_object_get(found, "card 1"), "displayName", "Joey");
    json_decref(found);
    json_decref(contact_read("", 0));
}

static unsigned files_seen, without_name;

static int
on_corpus_file(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    size_t len;
    const char *name;
    json_t *one;
    (void)st;
    (void)at;
    if (kind != FTW_F || !box_reads(BOX_CONTACTS, path))
        return 0;
    char *data = files_read(path, (size_t)64 << 20, &len, NULL);
    assert_non_null(data);
    json_t *found = contact_read(data, len);
    files_seen++;
    assert_true(json_object_size(found) > 0);
    json_object_foreach (found, name, one)
        without_name += json_object_get(one, "displayName") == NULL;
    json_decref(found);
    free(data);
    return 0;
}

static void
real_cards_have_a_name(void **state)
{
    const char *folder = getenv("LONGHAUL_CONTACT_CORPUS");
    (void)state;
    if (folder == NULL)
        skip();
    assert_int_equal(nftw(folder, on_corpus_file, 16, FTW_PHYS), 0);
    /* Some hold nothing that names anybody: a birthday, a fax number. */
    assert_true(files_seen > 0 && without_name * 10 <= files_seen);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_of_version_3_becomes_a_contact),
        cmocka_unit_test(quoted_printable_and_base64_of_version_2_are_read),
        cmocka_unit_test(broken_cards_are_read_as_far_as_they_go),
        cmocka_unit_test(real_cards_have_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
