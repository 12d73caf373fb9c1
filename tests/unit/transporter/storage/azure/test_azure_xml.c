#include "transporter/storage/azure/azure_xml.h"

#include "common/base/error.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

struct seen {
    struct azure_xml_blob blobs[8];
    size_t count, stop_after;
};

static int
on_blob(void *ctx, const struct azure_xml_blob *blob, struct error *err)
{
    struct seen *seen = ctx;
    assert_true(seen->count < 8);
    seen->blobs[seen->count++] = *blob;
    return seen->count == seen->stop_after ? FAIL(err, ERROR_CANCELLED, 0, "enough") : 0;
}

static int
parse(const char *text, struct seen *seen, char marker[AZURE_XML_MARKER_LEN], struct error *err)
{
    *err = (struct error)ERROR_INIT;
    return azure_xml_blobs(text, strlen(text), on_blob, seen, marker, err);
}

/* As the documentation of List Blobs shows it. */
static const char page[] =
    "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>"
    "<EnumerationResults ServiceEndpoint=\"https://a.blob.core.windows.net/\" ContainerName=\"c\"><Prefix>p/</Prefix>"
    "<Blobs><Blob><Name>p/a</Name><VersionId>2026-11-22T12:00:00.1234567Z</VersionId>"
    "<IsCurrentVersion>true</IsCurrentVersion><Properties><Last-Modified>Fri, 26 Jun 2015 23:39:12 GMT</Last-Modified>"
    "<Content-Length>16777216</Content-Length><LegalHold>true</LegalHold>"
    "<ImmutabilityPolicyUntilDate>Mon, 23 Nov 2026 12:00:00 GMT</ImmutabilityPolicyUntilDate>"
    "<ImmutabilityPolicyMode>locked</ImmutabilityPolicyMode></Properties>"
    "<Metadata><Name>x</Name><VersionId>y</VersionId></Metadata></Blob>"
    "<Blob><Name>p/b&amp;c</Name><Properties><Content-Length>0</Content-Length></Properties></Blob>"
    "</Blobs><NextMarker>2!52!Mg--</NextMarker></EnumerationResults>";

static void
a_page_is_read(void **state)
{
    struct seen seen = { .count = 0 };
    char marker[AZURE_XML_MARKER_LEN];
    struct error err;
    (void)state;
    assert_int_equal(parse(page, &seen, marker, &err), 0);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.blobs[0].name, "p/a");
    assert_string_equal(seen.blobs[0].version, "2026-11-22T12:00:00.1234567Z");
    assert_true(seen.blobs[0].current);
    assert_true(seen.blobs[0].held);
    assert_int_equal(seen.blobs[0].size, 16777216);
    assert_int_equal(seen.blobs[0].modified_ms, INT64_C(1435361952000));
    assert_int_equal(seen.blobs[0].lock_until_ms, INT64_C(1795435200000));
    assert_string_equal(seen.blobs[1].name, "p/b&c");
    assert_string_equal(seen.blobs[1].version, "");
    assert_false(seen.blobs[1].current);
    assert_int_equal(seen.blobs[1].lock_until_ms, 0);
    assert_string_equal(marker, "2!52!Mg--");
}

static void
who_is_told_may_stop(void **state)
{
    struct seen seen = { .stop_after = 1 };
    char marker[AZURE_XML_MARKER_LEN];
    struct error err;
    (void)state;
    assert_int_equal(parse(page, &seen, marker, &err), -1);
    assert_int_equal(err.kind, ERROR_CANCELLED);
    assert_int_equal(seen.count, 1);
}

static void
blobs_that_cannot_be_ours_are_left_out(void **state)
{
    static char text[4096];
    char marker[AZURE_XML_MARKER_LEN];
    struct seen seen = { .count = 0 };
    struct error err;
    (void)state;
    snprintf(text, sizeof(text),
             "<EnumerationResults><Blobs><Blob><Name>%01100d</Name></Blob><Blob><Name>n</Name>"
             "<Properties><Content-Length>-1</Content-Length></Properties></Blob>"
             "<Blob><Name>v</Name><VersionId>a&amp;comp=list</VersionId></Blob><Blob></Blob>"
             "<Blob><Name>good</Name></Blob></Blobs></EnumerationResults>",
             0);
    assert_int_equal(parse(text, &seen, marker, &err), 0);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.blobs[0].name, "good");
    assert_string_equal(marker, "");
}

static void
what_is_no_list_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "not XML",
        "<Error><Code>ServerBusy</Code></Error>",
        "<EnumerationResults><Blobs><Blob><Name>a</Name></Blob>",
        "<!DOCTYPE a [<!ENTITY b \"c\">]><EnumerationResults/>",
    };
    char marker[AZURE_XML_MARKER_LEN];
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct seen seen = { .count = 0 };
        struct error err;
        assert_int_equal(parse(bad[i], &seen, marker, &err), -1);
        assert_int_equal(err.kind, ERROR_FORMAT);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_read),
        cmocka_unit_test(who_is_told_may_stop),
        cmocka_unit_test(blobs_that_cannot_be_ours_are_left_out),
        cmocka_unit_test(what_is_no_list_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
