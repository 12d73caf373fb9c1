#include "common/net/xml_scan.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static int
on_element(void *ctx, const char *path, const char *text, struct error *err)
{
    if (strcmp(text, "stop") == 0)
        return FAIL(err, ERROR_CANCELLED, 0, "told to stop");
    return buffer_printf(ctx, err, "%s=%s;", path, text);
}

static enum error_kind
scan(const char *xml, char *out, size_t size)
{
    CLEANUP(buffer_clear) struct buffer seen = BUFFER_INIT(64 << 10);
    struct error err = ERROR_INIT;
    int failed = xml_scan(xml, strlen(xml), on_element, &seen, &err);
    const char *text = buffer_text(&seen, NULL);
    assert_true(strlen(text) < size);
    memcpy(out, text, strlen(text) + 1);
    assert_int_equal(failed, error_is_set(&err) ? -1 : 0);
    return err.kind;
}

static void
elements_come_with_path_and_own_text(void **state)
{
    (void)state;
    char seen[512];
    assert_int_equal(scan("<?xml version=\"1.0\"?>\n<r xmlns=\"u\" xmlns:x=\"v\"> <x:a k=\"1\"> one &amp; <b>two</b>\n"
                          "</x:a><c/></r>",
                          seen, sizeof(seen)),
                     ERROR_NONE);
    assert_string_equal(seen, "r/a/b=two;r/a=one &;r/c=;r=;");
}

static void
what_is_not_whole_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "<a>", "<a></b>", "<a/><b/>", "text", "<a>&unknown;</a>", "<a>\x01</a>" };
    char seen[512];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(scan(bad[i], seen, sizeof(seen)), ERROR_FORMAT);
}

static void
entities_of_its_own_are_refused(void **state)
{
    (void)state;
    char seen[512];
    assert_int_equal(scan("<!DOCTYPE a [<!ENTITY b \"x\"><!ENTITY c \"&b;&b;&b;\">]><a>&c;</a>", seen, sizeof(seen)),
                     ERROR_FORMAT);
    assert_string_equal(seen, "");
}

static void
depth_and_text_are_bounded(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer xml = BUFFER_INIT(1 << 20);
    char seen[512];
    for (int i = 0; i <= XML_SCAN_DEPTH; i++)
        buffer_append_text(&xml, "<a>", NULL);
    for (int i = 0; i <= XML_SCAN_DEPTH; i++)
        buffer_append_text(&xml, "</a>", NULL);
    assert_int_equal(scan(buffer_text(&xml, NULL), seen, sizeof(seen)), ERROR_LIMIT);
    buffer_consume(&xml, xml.len);
    buffer_append_text(&xml, "<a>", NULL);
    for (size_t i = 0; i <= XML_SCAN_TEXT; i++)
        buffer_append_text(&xml, "x", NULL);
    buffer_append_text(&xml, "</a>", NULL);
    assert_int_equal(scan(buffer_text(&xml, NULL), seen, sizeof(seen)), ERROR_LIMIT);
}

static void
the_visitor_can_stop(void **state)
{
    (void)state;
    char seen[512];
    assert_int_equal(scan("<r><a>1</a><b>stop</b><c>3</c></r>", seen, sizeof(seen)), ERROR_CANCELLED);
    assert_string_equal(seen, "r/a=1;");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_come_with_path_and_own_text),
        cmocka_unit_test(what_is_not_whole_is_refused),
        cmocka_unit_test(entities_of_its_own_are_refused),
        cmocka_unit_test(depth_and_text_are_bounded),
        cmocka_unit_test(the_visitor_can_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
