#include "transporter/restore/vcard_write.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char *
card(const char *json, const uint8_t *photo, size_t len)
{
    struct error err = ERROR_INIT;
    struct buffer out = BUFFER_INIT(1 << 20);
    json_t *contact = json_loads(json, 0, NULL);
    assert_non_null(contact);
    assert_int_equal(vcard_write(contact, photo, len, &out, &err), 0);
    json_decref(contact);
    char *text = memory_strdup(buffer_text(&out, NULL));
    buffer_clear(&out);
    return text;
}

static void
a_contact_becomes_a_card(void **state)
{
    (void)state;
    char *text = card("{\"displayName\":\"Olu Ade\",\"surname\":\"Ade\",\"givenName\":\"Olu\",\"title\":\"Dr.\","
                      "\"companyName\":\"Example; Org\",\"department\":\"R&D, Berlin\",\"jobTitle\":\"Lead\","
                      "\"emailAddresses\":[{\"name\":\"Olu\",\"address\":\"olu@example.org\"},{\"address\":\"o@x\"}],"
                      "\"businessPhones\":[\"+49 30 1\"],\"homePhones\":[],\"mobilePhone\":\"+49 170 2\","
                      "\"businessAddress\":{\"street\":\"Weg 1\\nHof\",\"city\":\"Berlin\",\"postalCode\":\"10115\"},"
                      "\"homeAddress\":{},\"birthday\":\"1984-05-02T11:59:00Z\",\"categories\":[\"Kunde\",\"A,B\"],"
                      "\"personalNotes\":\"one\\r\\ntwo\",\"spouseName\":null}",
                      (const uint8_t *)"\x89PNG\r\n", 6);
    assert_string_equal(text, "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Olu Ade\r\nN:Ade;Olu;;Dr.;\r\n"
                              "ORG:Example\\; Org;R&D\\, Berlin\r\n"
                              "EMAIL;TYPE=INTERNET:olu@example.org\r\nEMAIL;TYPE=INTERNET:o@x\r\n"
                              "TEL;TYPE=WORK:+49 30 1\r\nADR;TYPE=WORK:;;Weg 1\\nHof;Berlin;;10115;\r\n"
                              "TITLE:Lead\r\nTEL;TYPE=CELL:+49 170 2\r\nNOTE:one\\ntwo\r\nBDAY:1984-05-02\r\n"
                              "CATEGORIES:Kunde,A\\,B\r\nPHOTO;ENCODING=b;TYPE=PNG:iVBORw0K\r\nEND:VCARD\r\n");
    memory_free_p(&text);
}

/* RFC 2426 wants both names; a line break in a name must not begin another property. */
static void
names_are_always_there_and_never_break_out(void **state)
{
    (void)state;
    char *text = card("{\"displayName\":\"\",\"emailAddresses\":[{\"address\":\"a@b\"}]}", NULL, 0);
    assert_non_null(strstr(text, "\r\nFN:a@b\r\nN:;;;;\r\n"));
    memory_free_p(&text);
    text = card("{\"displayName\":\"x\\r\\nEND:VCARD\\u0001\"}", NULL, 0);
    assert_non_null(strstr(text, "\r\nFN:x\\nEND:VCARD\r\n"));
    memory_free_p(&text);
    text = card("{}", NULL, 0);
    assert_non_null(strstr(text, "\r\nFN:?\r\n"));
    memory_free_p(&text);
}

static void
long_lines_are_folded_between_characters(void **state)
{
    (void)state;
    struct buffer name = BUFFER_INIT(1000), unfolded = BUFFER_INIT(1000);
    for (int i = 0; i < 120; i++)
        buffer_append_text(&name, i % 3 == 0 ? "ä" : "ab", NULL);
    char *json = memory_printf("{\"displayName\":\"%s\"}", buffer_text(&name, NULL));
    char *text = card(json, NULL, 0);
    for (const char *line = text, *end; (end = strstr(line, "\r\n")) != NULL; line = end + 2) {
        assert_true(end - line <= 75);
        assert_true(((unsigned char)line[0] & 0xC0) != 0x80);
        size_t skip = line[0] == ' ' ? 1 : 3;
        if (strncmp(line, "FN:", 3) == 0 || line[0] == ' ')
            buffer_append(&unfolded, line + skip, (size_t)(end - line) - skip, NULL);
        if (end[2] != ' ' && unfolded.len > 0)
            break;
    }
    assert_string_equal(buffer_text(&unfolded, NULL), buffer_text(&name, NULL));
    buffer_clear(&unfolded);
    buffer_clear(&name);
    memory_free_p(&text);
    memory_free_p(&json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_contact_becomes_a_card),
        cmocka_unit_test(names_are_always_there_and_never_break_out),
        cmocka_unit_test(long_lines_are_folded_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
