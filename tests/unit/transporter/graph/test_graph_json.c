#include "transporter/graph/graph_json.h"

#include "common/base/error.h"
#include "transporter/graph/graph_error.h"
#include "transporter/graph/graph_retry.h"
#include "transporter/graph/graph_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void
assert_parses_to(const char *text, const char *expected)
{
    char *copy = strdup(text);
    json_t *json = graph_json_parse(copy, strlen(copy), NULL);
    assert_non_null(json);
    assert_string_equal(graph_json_text(json, "a"), expected);
    json_decref(json);
    free(copy);
}

static void
damaged_strings_are_mended(void **state)
{
    (void)state;
    assert_parses_to("{\"a\":\"x\x01y\nz\"}", "x y z");
    assert_parses_to("{\"a\":\"\\ud83d\"}", "\xef\xbf\xbd");
    assert_parses_to("{\"a\":\"\\ude00\\u0000.\"}", "\xef\xbf\xbd\xef\xbf\xbd.");
    assert_parses_to("{\"a\":\"\\ud83d\\ude00\\\"\x02\"}", "\xf0\x9f\x98\x80\" ");
    assert_parses_to("{\"a\":\"\xff\xc3(\"}", "?"
                                              "?"
                                              "(");
    assert_parses_to("\xEF\xBB\xBF{\"a\":\"b\"}", "b");
    struct error err = ERROR_INIT;
    char html[] = "<html>";
    assert_null(graph_json_parse(html, strlen(html), &err));
    assert_int_equal(err.kind, ERROR_FORMAT);
    assert_null(graph_json_parse(html, 0, NULL));
}

static void
accessors_tolerate_what_is_missing(void **state)
{
    (void)state;
    char text[] = "{\"t\":\"0001-01-01T00:00:00Z\",\"u\":\"2026-09-14T07:58:10.1234567Z\",\"n\":\"5\","
                  "\"singleValueExtendedProperties\":[{\"id\":\"Long 0xe08\",\"value\":\"77\"},3]}";
    json_t *json = graph_json_parse(text, strlen(text), NULL);
    assert_int_equal(graph_json_time(json, "t"), 0);
    assert_int_equal(graph_json_time(json, "u"), 1789372690123);
    assert_int_equal(graph_json_int(json, "n"), 0);
    assert_string_equal(graph_json_extended(json, "Long 0xE08"), "77");
    assert_string_equal(graph_json_extended(json, "Long 0x1"), "");
    assert_null(graph_json_object(json, "n"));
    assert_string_equal(graph_json_text(NULL, "n"), "");
    json_decref(json);
}

static void
verdicts_follow_status_and_code(void **state)
{
    (void)state;
    assert_int_equal(graph_error_judge(200, "", "", false).action, GRAPH_ACCEPT);
    assert_int_equal(graph_error_judge(302, "", "", false).action, GRAPH_ACCEPT);
    assert_int_equal(graph_error_judge(401, "", "", false).action, GRAPH_RENEW);
    assert_int_equal(graph_error_judge(429, "x", "x", false).action, GRAPH_WAIT);
    assert_int_equal(graph_error_judge(403, "activityLimitReached", "throttledRequest", false).action, GRAPH_WAIT);
    assert_int_equal(graph_error_judge(503, "", "", true).action, GRAPH_WAIT);
    assert_int_equal(graph_error_judge(503, "", "", false).action, GRAPH_BACKOFF);
    assert_int_equal(graph_error_judge(409, "NAMEALREADYEXISTS", "", false).kind, ERROR_EXISTS);
    assert_int_equal(graph_error_judge(403, "ErrorQuotaExceeded", "", false).kind, ERROR_NO_SPACE);
    assert_int_equal(graph_error_judge(500, "ErrorMimeContentConversionFailed", "", false).action, GRAPH_REFUSE);
    assert_true(graph_error_is_resync(410, "", ""));
    assert_true(graph_error_is_resync(400, "", "syncstatenotfound"));
    assert_false(graph_error_is_resync(500, "", "SyncStateNotFound"));
    char text[] = "{\"error\":{\"code\":\"a\nb\",\"innererror\":{\"date\":1,\"innerError\":{\"code\":\"deep\"}}}}";
    char code[8], inner[8];
    json_t *json = graph_json_parse(text, strlen(text), NULL);
    graph_error_codes(json, code, inner, sizeof(code));
    assert_string_equal(code, "a_b");
    assert_string_equal(inner, "deep");
    json_decref(json);
}

static void
backoff_grows_with_jitter_and_an_end(void **state)
{
    (void)state;
    assert_in_range(graph_retry_backoff_ms(1, 0), 500, 1000);
    assert_in_range(graph_retry_backoff_ms(1, UINT32_MAX), 500, 1000);
    assert_in_range(graph_retry_backoff_ms(4, 12345), 4000, 8000);
    assert_in_range(graph_retry_backoff_ms(100, 777), 150000, 300000);
    struct graph_hint hint = { .limit_seen = true, .limit = 1000, .remaining = 99, .reset_ms = 60000 };
    assert_int_equal(graph_retry_pace_ms(&hint), 600);
    hint.remaining = 500;
    assert_int_equal(graph_retry_pace_ms(&hint), 0);
}

static void
urls_are_encoded_and_compared(void **state)
{
    (void)state;
    char *url = graph_url("/users/%s/x?$filter=a%%20b&n=%s", "AA=/+#", "\xc3\xa4'");
    assert_string_equal(url, "/users/AA%3D%2F%2B%23/x?$filter=a%20b&n=%C3%A4%27");
    free(url);
    assert_true(graph_url_same_origin("https://a:1", "HTTPS://A:1/x"));
    assert_false(graph_url_same_origin("https://a:1", "https://a:1@evil/x"));
    assert_false(graph_url_same_origin("https://a", "https://a.evil/"));
    assert_false(graph_url_same_origin("https://a", "http://a/"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_strings_are_mended),      cmocka_unit_test(accessors_tolerate_what_is_missing),
        cmocka_unit_test(verdicts_follow_status_and_code), cmocka_unit_test(backoff_grows_with_jitter_and_an_end),
        cmocka_unit_test(urls_are_encoded_and_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
