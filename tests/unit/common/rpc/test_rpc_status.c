#include "common/rpc/rpc_status.h"

#include "common/base/encoding.h"
#include "common/net/h2_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void
errors_travel_in_trailers(void **state)
{
    (void)state;
    for (int kind = ERROR_NONE + 1; kind < ERROR_KIND_COUNT; kind++) {
        struct error sent = ERROR_INIT, received = ERROR_INIT;
        struct h2_headers trailers;
        FAIL(&sent, (enum error_kind)kind, 0, "50%% of \xc3\xa4\nlines");
        sent.retry_after_ms = 77;
        h2_headers_init(&trailers);
        rpc_status_write(&trailers, &sent);
        assert_int_equal(rpc_status_read(&trailers, &received), -1);
        assert_int_equal(received.kind, kind);
        assert_string_equal(received.text, "50% of \xc3\xa4?lines");
        assert_int_equal(received.retry_after_ms, 77);
        h2_headers_clear(&trailers);
    }
}

static void
the_end_without_an_error_is_ok(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct h2_headers trailers;
    h2_headers_init(&trailers);
    assert_int_equal(rpc_status_read(&trailers, &err), 0);
    rpc_status_write(&trailers, NULL);
    assert_int_equal(rpc_status_read(&trailers, &err), 1);
    h2_headers_clear(&trailers);
}

static enum error_kind
kind_of(const char *status, const char *name)
{
    struct error err = ERROR_INIT;
    struct h2_headers trailers;
    h2_headers_init(&trailers);
    h2_headers_add_text(&trailers, "grpc-status", status, NULL);
    if (name != NULL)
        h2_headers_add_text(&trailers, "longhaul-error-kind", name, NULL);
    rpc_status_read(&trailers, &err);
    h2_headers_clear(&trailers);
    return err.kind;
}

static void
a_kind_counts_only_when_it_fits_the_status(void **state)
{
    (void)state;
    assert_int_equal(kind_of("9", "fenced"), ERROR_FENCED);
    assert_int_equal(kind_of("9", NULL), ERROR_CONFIG);
    assert_int_equal(kind_of("5", "denied"), ERROR_NOT_FOUND);
    assert_int_equal(kind_of("2", NULL), ERROR_INTERNAL);
    assert_int_equal(kind_of("4", NULL), ERROR_TIMEOUT);
    assert_int_equal(kind_of("x", NULL), ERROR_FORMAT);
}

#define DETAILS "grpc-status-details-bin"

static void
the_details_are_a_status_of_google_rpc(void **state)
{
    (void)state;
    static const char expected[] = "\x08\x08\x12\x01m\x1a\x3d\x0a\x2btype.googleapis.com/longhaul.v1.ErrorDetail"
                                   "\x12\x0e\x0a\x09throttled\x10\xdc\x0b";
    struct error err = ERROR_INIT;
    struct h2_headers trailers;
    uint8_t bytes[256];
    size_t text_len = 0, len = sizeof(bytes);

    FAIL(&err, ERROR_THROTTLED, 0, "m");
    err.retry_after_ms = 1500;
    h2_headers_init(&trailers);
    rpc_status_write(&trailers, &err);
    const char *text = h2_headers_get(&trailers, DETAILS, &text_len);
    assert_non_null(text);
    assert_int_equal(encoding_unbase64(text, text_len, bytes, &len, NULL), 0);
    assert_int_equal(len, sizeof(expected) - 1);
    assert_memory_equal(bytes, expected, len);
    h2_headers_clear(&trailers);
}

static struct error
read_details(const char *status, const void *details, size_t len)
{
    struct error err = ERROR_INIT;
    struct h2_headers trailers;
    char text[ENCODING_BASE64_LEN(256)];

    h2_headers_init(&trailers);
    h2_headers_add_text(&trailers, "grpc-status", status, NULL);
    encoding_base64(details, len, text);
    h2_headers_add_text(&trailers, DETAILS, text, NULL);
    assert_int_equal(rpc_status_read(&trailers, &err), -1);
    h2_headers_clear(&trailers);
    return err;
}

static void
details_stand_in_for_the_other_trailers(void **state)
{
    (void)state;
    static const char details[] = "\x08\x09\x12\x03\xc3\xa4\x0a\x1a\x03\x0a\x01x"
                                  "\x1a\x3a\x0a\x2btype.googleapis.com/longhaul.v1.ErrorDetail"
                                  "\x12\x0b\x0a\x06"
                                  "fenced\x10\xdc\x0b";
    struct error err = read_details("9", details, sizeof(details) - 1);
    assert_int_equal(err.kind, ERROR_FENCED);
    assert_string_equal(err.text, "\xc3\xa4?");
    assert_int_equal(err.retry_after_ms, 1500);
    err = read_details("5", details, sizeof(details) - 1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_string_equal(err.text, "the peer ended the call with status 5");
    assert_int_equal(err.retry_after_ms, 0);
    err = read_details("9", "\x12\xff", 2);
    assert_int_equal(err.kind, ERROR_CONFIG);
}

static void
a_text_cut_within_a_character_is_still_utf8_in_the_details(void **state)
{
    (void)state;
    struct error sent = ERROR_INIT, received = ERROR_INIT;
    struct h2_headers trailers;
    char text[1024];
    uint8_t bytes[1024];
    size_t text_len = 0, len = sizeof(bytes);

    for (size_t i = 0; i < sizeof(text) - 1; i += 2)
        memcpy(text + i, "\xc3\xa4", 2);
    text[sizeof(text) - 1] = '\0';
    FAIL(&sent, ERROR_IO, 0, "%s", text);
    h2_headers_init(&trailers);
    rpc_status_write(&trailers, &sent);
    const char *details = h2_headers_get(&trailers, DETAILS, &text_len);
    assert_int_equal(encoding_unbase64(details, text_len, bytes, &len, NULL), 0);
    /* 511 bytes of text: 255 characters and half of one */
    assert_memory_equal(bytes, "\x08\x0d\x12\xff\x03\xc3\xa4", 7);
    assert_memory_equal(bytes + 5 + 508, "\xc3\xa4?\x1a", 4);
    assert_int_equal(rpc_status_read(&trailers, &received), -1);
    assert_int_equal(received.kind, ERROR_IO);
    h2_headers_clear(&trailers);
}

static void
timeouts_are_written_and_read(void **state)
{
    (void)state;
    char text[16];
    uint64_t ms = 0;
    rpc_status_format_timeout(1500, text);
    assert_string_equal(text, "1500m");
    rpc_status_format_timeout(UINT64_C(100000000), text);
    assert_string_equal(text, "100001S");
    assert_int_equal(rpc_status_parse_timeout("2H", 2, &ms), 0);
    assert_int_equal(ms, 7200000);
    assert_int_equal(rpc_status_parse_timeout("1001u", 5, &ms), 0);
    assert_int_equal(ms, 2);
    assert_int_equal(rpc_status_parse_timeout("1n", 2, &ms), 0);
    assert_int_equal(ms, 1);
    static const char *const wrong[] = { "", "1", "m", "123456789m", "-1m", "1 m", "1x" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(rpc_status_parse_timeout(wrong[i], strlen(wrong[i]), &ms), -1);
}

static void
resets_and_http_answers_have_a_kind(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    rpc_status_from_reset(H2_REFUSED_STREAM, &err);
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    error_clear(&err);
    rpc_status_from_reset(H2_CANCEL, &err);
    assert_int_equal(err.kind, ERROR_CANCELLED);
    error_clear(&err);
    rpc_status_from_http(503, &err);
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    assert_string_equal(err.text, "the peer answered with HTTP status 503");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_travel_in_trailers),
        cmocka_unit_test(the_end_without_an_error_is_ok),
        cmocka_unit_test(a_kind_counts_only_when_it_fits_the_status),
        cmocka_unit_test(the_details_are_a_status_of_google_rpc),
        cmocka_unit_test(details_stand_in_for_the_other_trailers),
        cmocka_unit_test(a_text_cut_within_a_character_is_still_utf8_in_the_details),
        cmocka_unit_test(timeouts_are_written_and_read),
        cmocka_unit_test(resets_and_http_answers_have_a_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
