#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/net/http_client_internal.h"
#include "tests/fakes/fake_clock.h"
#include "transporter/storage/azure/azure_internal.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static struct fake_clock fake;

/* The error of an answer; headers: lines that each end with '\n'. */
static struct error
fail_of(int status, const char *headers, const struct azure_call *more, bool *passing)
{
    struct azure azure = { .clock = &fake.clock };
    char account[] = "acct", container[] = "box";
    struct http_response response = { .status = status, .headers = BUFFER_INIT(4096) };
    struct azure_call call = { .method = "PUT", .what = "writing", .name = "v/a" };
    struct error err = ERROR_INIT;
    azure.account = account;
    azure.container = container;
    if (more != NULL)
        call = *more;
    for (const char *line = headers; *line != '\0'; line += strcspn(line, "\n") + 1)
        assert_int_equal(http_response_add(&response, line, strcspn(line, "\n"), NULL), 0);
    *passing = azure_fail(&azure, &call, &response, &err);
    http_response_clear(&response);
    return err;
}

struct expected {
    int status;
    const char *code;
    enum error_kind kind;
    bool passing;
    const char *words;
};

static const struct expected table[] = {
    { 403, "AuthenticationFailed", ERROR_UNAUTHENTICATED, false, "check that it is current" },
    { 403, "AuthorizationFailure", ERROR_DENIED, false, "firewall" },
    { 403, "AuthorizationPermissionMismatch", ERROR_DENIED, false, "lacks a permission" },
    { 403, "KeyBasedAuthenticationNotPermitted", ERROR_DENIED, false, "shared key" },
    { 403, "AccountIsDisabled", ERROR_DENIED, false, "subscription" },
    { 404, "ContainerNotFound", ERROR_UNAVAILABLE, false, "does not exist" },
    { 409, "ContainerBeingDeleted", ERROR_UNAVAILABLE, false, "being deleted" },
    { 404, "BlobNotFound", ERROR_NOT_FOUND, false, "storage acct/box has no object v/a" },
    { 409, "BlobAlreadyExists", ERROR_EXISTS, false, "storage acct/box already has an object v/a" },
    { 412, "ConditionNotMet", ERROR_EXISTS, false, "already has" },
    { 409, "BlobImmutableDueToPolicy", ERROR_LOCKED, false, "under a lock" },
    { 412, "LeaseIdMissing", ERROR_LOCKED, false, "lease" },
    { 409, "BlobArchived", ERROR_UNAVAILABLE, false, "rehydrate" },
    { 416, "InvalidRange", ERROR_CORRUPT, false, "cut off" },
    { 400, "Md5Mismatch", ERROR_NETWORK, true, "damaged on their way" },
    { 503, "ServerBusy", ERROR_THROTTLED, true, "busy" },
    { 500, "OperationTimedOut", ERROR_UNAVAILABLE, true, "in time" },
    { 500, "InternalError", ERROR_UNAVAILABLE, true, "fault" },
    { 429, "", ERROR_THROTTLED, true, "busy" },
    { 503, "", ERROR_THROTTLED, true, "busy" },
    { 502, "", ERROR_UNAVAILABLE, true, "cannot serve" },
    { 408, "", ERROR_UNAVAILABLE, true, "cannot serve" },
    { 401, "", ERROR_UNAUTHENTICATED, false, "not accepted" },
    { 404, "", ERROR_CONFIG, false, "check the endpoint" },
    { 302, "", ERROR_CONFIG, false, "final address" },
    { 400, "InvalidHeaderValue", ERROR_INTERNAL, false, "InvalidHeaderValue" },
    { 507, "", ERROR_NO_SPACE, false, "full" },
};

static void
every_answer_has_its_kind_and_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        char headers[256] = "";
        bool passing;
        if (table[i].code[0] != '\0')
            snprintf(headers, sizeof(headers), "x-ms-error-code: %s\n", table[i].code);
        struct error err = fail_of(table[i].status, headers, NULL, &passing);
        if (err.kind != table[i].kind || passing != table[i].passing || strstr(err.text, table[i].words) == NULL)
            fail_msg("%d %s: %s, %s", table[i].status, table[i].code, error_kind_name(err.kind), err.text);
        assert_int_equal(err.native, table[i].status);
    }
}

/* "Not found" is said only when it is known: a proxy's 404 is not the service's. */
static void
a_404_counts_with_the_services_mark_only(void **state)
{
    bool passing;
    (void)state;
    assert_int_equal(fail_of(404, "x-ms-request-id: 1\n", NULL, &passing).kind, ERROR_NOT_FOUND);
    assert_int_equal(fail_of(404, "Server: proxy\n", NULL, &passing).kind, ERROR_CONFIG);
}

static void
a_pause_is_passed_on_and_bounded(void **state)
{
    bool passing;
    (void)state;
    assert_int_equal(fail_of(503, "Retry-After: 7\n", NULL, &passing).retry_after_ms, 7000);
    assert_int_equal(fail_of(503, "Retry-After: 99999999999999999999\n", NULL, &passing).retry_after_ms, 3600000);
    assert_int_equal(fail_of(503, "Retry-After: soon\n", NULL, &passing).retry_after_ms, 0);
    assert_int_equal(fail_of(503, "Retry-After: -1\n", NULL, &passing).retry_after_ms, 0);
}

static void
a_clock_that_is_off_is_named(void **state)
{
    static const char headers[] = "x-ms-error-code: AuthenticationFailed\nDate: Thu, 01 Jan 2026 00:20:00 GMT\n";
    bool passing;
    (void)state;
    fake_clock_init(&fake, 1);
    assert_non_null(strstr(fail_of(403, headers, NULL, &passing).text, "clock is 20 minutes slow"));
    fake_clock_advance(&fake, 50 * 60000);
    assert_non_null(strstr(fail_of(403, headers, NULL, &passing).text, "clock is 30 minutes fast"));
    fake.wall_ms -= 30 * 60000;
    assert_non_null(strstr(fail_of(403, headers, NULL, &passing).text, "check that it is current"));
}

static void
a_refused_lock_is_unsupported(void **state)
{
    const struct azure_sign_header headers[] = { { AZURE_UNTIL_HEADER, "x" } };
    const struct azure_call call = {
        .method = "PUT", .what = "locking", .name = "v/a", .headers = headers, .header_count = 1
    };
    bool passing;
    (void)state;
    assert_int_equal(fail_of(409, "x-ms-error-code: NeverHeardOf\n", &call, &passing).kind, ERROR_UNSUPPORTED);
    assert_int_equal(fail_of(501, "x-ms-error-code: APINotImplemented\n", &call, &passing).kind, ERROR_UNSUPPORTED);
    assert_int_equal(fail_of(409, "x-ms-error-code: BlobAlreadyExists\n", &call, &passing).kind, ERROR_EXISTS);
    assert_int_equal(fail_of(403, "x-ms-error-code: AuthorizationFailure\n", &call, &passing).kind, ERROR_DENIED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_has_its_kind_and_words),
        cmocka_unit_test(a_404_counts_with_the_services_mark_only),
        cmocka_unit_test(a_pause_is_passed_on_and_bounded),
        cmocka_unit_test(a_clock_that_is_off_is_named),
        cmocka_unit_test(a_refused_lock_is_unsupported),
    };
    fake_clock_init(&fake, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
