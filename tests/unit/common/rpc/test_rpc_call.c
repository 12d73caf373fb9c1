#include "common/rpc/rpc_call.h"

#include "common/base/arena.h"
#include "common/base/memory.h"
#include "tests/fakes/rpc_fixture.h"

#include "proto/health.pb-c.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MIB ((size_t)1 << 20)

static struct rpc_fixture fixture;

static int
set_up(void **state)
{
    (void)state;
    rpc_fixture_init(&fixture, NULL);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rpc_fixture_clear(&fixture);
    return 0;
}

static struct rpc_call *
open_call(const char *path, int timeout_ms)
{
    struct error err = ERROR_INIT;
    struct rpc_call_options options = { .timeout_ms = timeout_ms };
    struct rpc_call *call = rpc_channel_open(fixture.channel, path, &options, &err);
    if (call == NULL)
        fail_msg("open %s: %s", path, err.text);
    return call;
}

static void
a_unary_call_brings_its_reply(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(4096);
    Grpc__Health__V1__HealthCheckRequest request;
    grpc__health__v1__health_check_request__init(&request);
    char service[] = "longhaul";
    request.service = service;
    ProtobufCMessage *reply = NULL;
    int rc = rpc_channel_unary(fixture.channel, "/test.Echo/Unary", NULL, &request.base,
                               &grpc__health__v1__health_check_request__descriptor, arena, &reply, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(rc, 0);
    assert_string_equal(((Grpc__Health__V1__HealthCheckRequest *)reply)->service, "longhaul");
}

static void
empty_and_large_messages_come_back(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    CLEANUP(memory_free_p) uint8_t *bytes = memory_new(4 * MIB);
    for (size_t i = 0; i < 4 * MIB; i++)
        bytes[i] = (uint8_t)(i * 31 >> 3);
    assert_int_equal(rpc_fixture_echo(fixture.channel, "/test.Echo/Unary", "", 0, &err), 0);
    assert_int_equal(rpc_fixture_echo(fixture.channel, "/test.Echo/Unary", bytes, 4 * MIB, &err), 0);
    assert_int_equal(rpc_fixture_echo(fixture.channel, "/test.Events/Chat", bytes, 3 * MIB + 7, &err), 0);
}

static void
a_client_streams_more_than_the_windows(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    CLEANUP(memory_free_p) uint8_t *bytes = memory_new(MIB);
    CLEANUP(rpc_call_free_p) struct rpc_call *call = open_call("/test.Echo/Collect", 0);
    for (int i = 0; i < 48; i++)
        assert_int_equal(rpc_call_send_bytes(call, bytes, MIB, &err), 0);
    assert_int_equal(rpc_call_close_send(call, &err), 0);
    const uint8_t *data = NULL;
    size_t len = 0;
    int rc = rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(rc, 1);
    assert_int_equal(len, 8);
    assert_memory_equal(data, "50331648", 8);
    assert_int_equal(rpc_call_finish(call, &err), 0);
}

static void
a_server_streams_more_than_the_windows(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    CLEANUP(rpc_call_free_p) struct rpc_call *call = open_call("/test.Echo/Produce", 0);
    const char request[] = "70 1000003";
    assert_int_equal(rpc_call_send_bytes(call, request, sizeof(request) - 1, &err), 0);
    const uint8_t *data = NULL;
    size_t len = 0, count = 0;
    while (rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, &err) == 1) {
        assert_int_equal(len, 1000003);
        assert_int_equal(data[1000002], (uint8_t)1000002);
        count++;
    }
    assert_string_equal(err.text, "");
    assert_int_equal(count, 70);
    assert_int_equal(rpc_call_finish(call, &err), 0);
}

static void
chat(const char *path)
{
    struct error err = ERROR_INIT;
    CLEANUP(rpc_call_free_p) struct rpc_call *call = open_call(path, 0);
    for (int i = 0; i < 50; i++) {
        char text[32];
        const uint8_t *data = NULL;
        size_t len = 0;
        int n = snprintf(text, sizeof(text), "message %d", i);
        assert_int_equal(rpc_call_send_bytes(call, text, (size_t)n, &err), 0);
        assert_int_equal(rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, &err), 1);
        assert_int_equal(len, n);
        assert_memory_equal(data, text, len);
    }
    assert_int_equal(rpc_call_close_send(call, &err), 0);
    assert_int_equal(rpc_call_finish(call, &err), 0);
}

static void
both_sides_talk_in_turns(void **state)
{
    (void)state;
    chat("/test.Echo/Chat");
    chat("/test.Events/Chat");
}

static void
an_error_arrives_with_kind_text_and_hint(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    assert_int_equal(rpc_fixture_echo(fixture.channel, "/test.Echo/Fail", "x", 1, &err), -1);
    assert_int_equal(err.kind, ERROR_THROTTLED);
    assert_string_equal(err.text, "slow down: 100% \xc3\xbc"
                                  "ber");
    assert_int_equal(err.retry_after_ms, 1500);
    error_clear(&err);
    assert_int_equal(rpc_fixture_echo(fixture.channel, "/test.Events/Chat", "fail", 4, &err), -1);
    assert_int_equal(err.kind, ERROR_CONFLICT);
    assert_string_equal(err.text, "as you wish");
}

static void
an_unknown_method_is_unsupported(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    assert_int_equal(rpc_fixture_echo(fixture.channel, "/test.Echo/Nothing", "x", 1, &err), -1);
    assert_int_equal(err.kind, ERROR_UNSUPPORTED);
}

static void
metadata_and_identity_reach_the_server(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    const struct rpc_metadata metadata[] = { { "note-bin", "\x00\x01\xfe", 3 }, { "plain", "text", 4 } };
    struct rpc_call_options options = { .metadata = metadata, .metadata_count = 2 };
    CLEANUP(rpc_call_free_p)
    struct rpc_call *call = rpc_channel_open(fixture.channel, "/test.Echo/Metadata", &options, &err);
    const uint8_t *data = NULL;
    size_t len = 0;
    assert_non_null(call);
    assert_string_equal(rpc_call_peer(call)->node_id, RPC_FIXTURE_SERVER);
    assert_string_equal(rpc_call_peer(call)->version, "TLSv1.3");
    assert_int_equal(rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, &err), 1);
    assert_int_equal(len, 4 + strlen(RPC_FIXTURE_CLIENT));
    assert_memory_equal(data, "\x00\x01\xfe\xff" RPC_FIXTURE_CLIENT, len);
    assert_int_equal(rpc_call_finish(call, &err), 0);
}

static void
a_deadline_ends_the_call_on_both_sides(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    int before = fixture.echo.ended;
    CLEANUP(rpc_call_free_p) struct rpc_call *call = open_call("/test.Echo/Hang", 500);
    int left = rpc_call_time_left(call);
    assert_true(left >= 0 && left <= 500);
    const uint8_t *data = NULL;
    size_t len = 0;
    assert_int_equal(rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, &err), -1);
    assert_int_equal(err.kind, ERROR_TIMEOUT);
    echo_service_wait(&fixture.echo, &fixture.echo.ended, before + 1);
}

static void
a_deadline_frees_a_sender_that_nobody_reads(void **state)
{
    (void)state;
    int before = fixture.echo.ended;
    CLEANUP(rpc_call_free_p) struct rpc_call *call = open_call("/test.Echo/Stall", 500);
    echo_service_wait(&fixture.echo, &fixture.echo.ended, before + 1);
    assert_int_equal(fixture.echo.ended_by, ERROR_TIMEOUT);
    struct error err = ERROR_INIT;
    assert_int_equal(rpc_call_finish(call, &err), -1);
}

static void
a_cancel_reaches_the_server(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    int started = fixture.echo.started, ended = fixture.echo.ended;
    CLEANUP(rpc_call_free_p) struct rpc_call *call = open_call("/test.Echo/Stall", 0);
    echo_service_wait(&fixture.echo, &fixture.echo.started, started + 1);
    rpc_call_cancel(call);
    const uint8_t *data = NULL;
    size_t len = 0;
    assert_int_equal(rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, &err), -1);
    assert_int_equal(err.kind, ERROR_CANCELLED);
    echo_service_wait(&fixture.echo, &fixture.echo.ended, ended + 1);
    assert_int_equal(fixture.echo.ended_by, ERROR_CANCELLED);
}

static void
waiting_for_a_message_may_end_early(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    CLEANUP(rpc_call_free_p) struct rpc_call *call = open_call("/test.Events/Chat", 0);
    const uint8_t *data = NULL;
    size_t len = 0;
    assert_int_equal(rpc_call_receive_bytes(call, 5, &data, &len, &err), -1);
    assert_int_equal(err.kind, ERROR_TIMEOUT);
    error_clear(&err);
    assert_int_equal(rpc_call_send_bytes(call, "still", 5, &err), 0);
    assert_int_equal(rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, &err), 1);
}

static void
a_message_over_the_limit_is_refused_by_either_side(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    CLEANUP(memory_free_p) uint8_t *bytes = memory_new(5 * MIB);
    assert_int_equal(rpc_fixture_echo(fixture.channel, "/test.Echo/Unary", bytes, 5 * MIB, &err), -1);
    assert_int_equal(err.kind, ERROR_LIMIT);
    error_clear(&err);
    struct rpc_call_options options = { .message_limit = 100 };
    CLEANUP(rpc_call_free_p)
    struct rpc_call *call = rpc_channel_open(fixture.channel, "/test.Echo/Produce", &options, &err);
    assert_non_null(call);
    assert_int_equal(rpc_call_send_bytes(call, "1 101", 5, &err), 0);
    assert_int_equal(rpc_call_finish(call, &err), -1);
    assert_int_equal(err.kind, ERROR_LIMIT);
}

static void *
echo_many(void *ctx)
{
    struct error *err = ctx;
    for (int i = 0; i < 20; i++) {
        if (rpc_fixture_echo(fixture.channel, i % 2 == 0 ? "/test.Echo/Unary" : "/test.Events/Chat", "hello", 5, err) !=
            0)
            return NULL;
    }
    return NULL;
}

static void
many_threads_share_one_channel(void **state)
{
    (void)state;
    pthread_t threads[12];
    struct error errors[ARRAY_LEN(threads)] = { ERROR_INIT };
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_create(&threads[i], NULL, echo_many, &errors[i]);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_string_equal(errors[i].text, "");
}

static size_t
read_to_the_end(struct rpc_call *call)
{
    struct error err = ERROR_INIT;
    const uint8_t *data = NULL;
    size_t len = 0, total = 0;
    while (rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, &err) == 1) {
        assert_int_equal(data[len - 1], (uint8_t)(len - 1));
        total += len;
    }
    assert_int_equal(rpc_call_finish(call, &err), 0);
    return total;
}

static void
unread_streams_do_not_stop_the_others(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct rpc_call *stalled[6];
    for (size_t i = 0; i < ARRAY_LEN(stalled); i++) {
        const char *request = i == 0 ? "650 65000" : "40 1000000";
        stalled[i] = open_call("/test.Echo/Produce", 0);
        assert_int_equal(rpc_call_send_bytes(stalled[i], request, strlen(request), &err), 0);
    }
    a_server_streams_more_than_the_windows(state);
    /* By now their windows are used up: whoever reads at last gets everything. */
    assert_int_equal(read_to_the_end(stalled[0]), 650 * 65000);
    assert_int_equal(read_to_the_end(stalled[1]), 40 * 1000000);
    for (size_t i = 0; i < ARRAY_LEN(stalled); i++)
        rpc_call_free(stalled[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unary_call_brings_its_reply),
        cmocka_unit_test(empty_and_large_messages_come_back),
        cmocka_unit_test(a_client_streams_more_than_the_windows),
        cmocka_unit_test(a_server_streams_more_than_the_windows),
        cmocka_unit_test(both_sides_talk_in_turns),
        cmocka_unit_test(an_error_arrives_with_kind_text_and_hint),
        cmocka_unit_test(an_unknown_method_is_unsupported),
        cmocka_unit_test(metadata_and_identity_reach_the_server),
        cmocka_unit_test(a_deadline_ends_the_call_on_both_sides),
        cmocka_unit_test(a_deadline_frees_a_sender_that_nobody_reads),
        cmocka_unit_test(a_cancel_reaches_the_server),
        cmocka_unit_test(waiting_for_a_message_may_end_early),
        cmocka_unit_test(a_message_over_the_limit_is_refused_by_either_side),
        cmocka_unit_test(many_threads_share_one_channel),
        cmocka_unit_test(unread_streams_do_not_stop_the_others),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
