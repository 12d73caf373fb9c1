#include "common/base/arena.h"
#include "common/base/memory.h"
#include "common/loop/event_loop.h"
#include "common/net/tls_context.h"
#include "common/rpc/rpc_channel.h"
#include "tests/fakes/rpc_fixture.h"
#include "tests/interop/rpc_peer.h"

#include "proto/health.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB ((size_t)1 << 20)

static struct event_loop *loop;

static void
check(bool ok, const char *name, const struct error *err)
{
    printf("%s %s%s%s\n", ok ? "ok  " : "FAIL", name, err->text[0] != '\0' ? ": " : "", err->text);
    if (!ok)
        exit(1);
}

static struct rpc_channel *
connect_to(uint16_t port, struct tls_context *tls, const char *node)
{
    struct error err = ERROR_INIT;
    struct rpc_channel_options options = { .host = "localhost", .port = port, .tls = tls, .expected_node = node };
    struct rpc_channel *channel = rpc_channel_new(loop, &options, &err);
    check(channel != NULL, "a channel", &err);
    return channel;
}

static void
test_unary(struct rpc_channel *channel)
{
    struct error err = ERROR_INIT;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(4096);
    Grpc__Health__V1__HealthCheckRequest request;
    grpc__health__v1__health_check_request__init(&request);
    ProtobufCMessage *reply = NULL;
    check(rpc_fixture_echo(channel, "/test.Echo/Unary", "hello", 5, &err) == 0, "a unary call", &err);
    int rc = rpc_channel_unary(channel, "/grpc.health.v1.Health/Check", NULL, &request.base,
                               &grpc__health__v1__health_check_response__descriptor, arena, &reply, &err);
    check(rc == 0 && ((Grpc__Health__V1__HealthCheckResponse *)reply)->status == 1, "health", &err);
}

static void
test_client_stream(struct rpc_channel *channel)
{
    struct error err = ERROR_INIT;
    const uint8_t *data = NULL;
    size_t len = 0;
    CLEANUP(memory_free_p) uint8_t *bytes = memory_new(MIB);
    CLEANUP(rpc_call_free_p) struct rpc_call *call = rpc_channel_open(channel, "/test.Echo/Collect", NULL, &err);
    check(call != NULL, "open Collect", &err);
    for (int i = 0; i < 256; i++) {
        if (rpc_call_send_bytes(call, bytes, MIB, &err) != 0)
            check(false, "send", &err);
    }
    rpc_call_close_send(call, NULL);
    int rc = rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, &err);
    check(rc == 1 && len == 9 && memcmp(data, "268435456", 9) == 0 && rpc_call_finish(call, &err) == 0,
          "a client stream of 256 MiB", &err);
}

static void
test_server_stream(struct rpc_channel *channel)
{
    struct error err = ERROR_INIT;
    const uint8_t *data = NULL;
    size_t len = 0, total = 0;
    CLEANUP(rpc_call_free_p) struct rpc_call *call = rpc_channel_open(channel, "/test.Echo/Produce", NULL, &err);
    check(call != NULL, "open Produce", &err);
    rpc_call_send_bytes(call, "256 1048576", 11, NULL);
    rpc_call_close_send(call, NULL);
    while (rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, &err) == 1)
        total += data[257] == 1 ? len : 0;
    check(total == 256 * MIB && rpc_call_finish(call, &err) == 0, "a server stream of 256 MiB", &err);
}

static void
test_chat(struct rpc_channel *channel)
{
    struct error err = ERROR_INIT;
    CLEANUP(rpc_call_free_p) struct rpc_call *call = rpc_channel_open(channel, "/test.Echo/Chat", NULL, &err);
    check(call != NULL, "open Chat", &err);
    bool same = true;
    for (int i = 0; i < 100 && same; i++) {
        const uint8_t *data = NULL;
        size_t len = 0;
        rpc_call_send_bytes(call, &i, sizeof(i), &err);
        same = rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, &err) == 1 && len == sizeof(i) &&
               memcmp(data, &i, sizeof(i)) == 0;
    }
    check(same && rpc_call_finish(call, &err) == 0, "both directions at once", &err);
}

static void
test_metadata_and_errors(struct rpc_channel *channel)
{
    struct error err = ERROR_INIT;
    const struct rpc_metadata note = { "note-bin", "\x00\x01\xfe", 3 };
    struct rpc_call_options options = { .metadata = &note, .metadata_count = 1 };
    const uint8_t *data = NULL;
    size_t len = 0;
    CLEANUP(rpc_call_free_p) struct rpc_call *call = rpc_channel_open(channel, "/test.Echo/Metadata", &options, &err);
    check(call != NULL, "open Metadata", &err);
    rpc_call_send_bytes(call, "", 0, NULL);
    rpc_call_close_send(call, NULL);
    int rc = rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, &err);
    check(rc == 1 && len == 3 && memcmp(data, note.value, 3) == 0, "binary metadata", &err);
    rc = rpc_fixture_echo(channel, "/test.Echo/Fail", "x", 1, &err);
    check(rc == -1 && err.kind == ERROR_EXISTS &&
              strcmp(err.text, "schon da: 100% \xc3\xbc"
                               "ber") == 0,
          "an error with its text", &err);
    error_clear(&err);
    rc = rpc_fixture_echo(channel, "/test.Echo/Detailed", "x", 1, &err);
    check(rc == -1 && err.kind == ERROR_FENCED && err.retry_after_ms == 2500, "an error with details", &err);
    error_clear(&err);
    rc = rpc_fixture_echo(channel, "/test.Echo/Missing", "x", 1, &err);
    check(rc == -1 && err.kind == ERROR_UNSUPPORTED, "an unknown method", &err);
}

static void
test_deadline_and_cancel(struct rpc_channel *channel)
{
    struct error err = ERROR_INIT;
    struct rpc_call_options options = { .timeout_ms = 300 };
    const uint8_t *data = NULL;
    size_t len = 0;
    struct rpc_call *call = rpc_channel_open(channel, "/test.Echo/Hang", &options, &err);
    check(call != NULL, "open Hang", &err);
    int rc = rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, &err);
    check(rc == -1 && err.kind == ERROR_TIMEOUT, "a deadline", &err);
    rpc_call_free(call);
    error_clear(&err);
    call = rpc_channel_open(channel, "/test.Echo/Chat", NULL, &err);
    check(call != NULL, "open Chat", &err);
    rpc_call_send_bytes(call, "x", 1, NULL);
    rc = rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, &err);
    rpc_call_cancel(call);
    rc = rc == 1 ? rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, &err) : 0;
    check(rc == -1 && err.kind == ERROR_CANCELLED, "a cancel", &err);
    rpc_call_free(call);
    error_clear(&err);
    check(rpc_fixture_echo(channel, "/test.Echo/Unary", "on", 2, &err) == 0, "the connection goes on", &err);
}

static void
expect_refused(const char *name, uint16_t port, struct tls_context *tls, const char *node, enum error_kind kind,
               const char *text)
{
    struct error err = ERROR_INIT;
    struct rpc_channel *channel = connect_to(port, tls, node);
    int rc = rpc_fixture_echo(channel, "/test.Echo/Unary", "x", 1, &err);
    check(rc == -1 && err.kind == kind && strstr(err.text, text) != NULL, name, &err);
    rpc_channel_free(channel);
}

int
rpc_peer_client(const char *folder, uint16_t port, uint16_t stranger_port, uint16_t old_port)
{
    struct error err = ERROR_INIT;
    loop = event_loop_new(&err);
    check(loop != NULL && event_loop_start_thread(loop, &err) == 0, "a loop", &err);
    struct tls_context *tls = rpc_peer_tls(folder, "client", 0), *expired = rpc_peer_tls(folder, "expired", 0);
    struct tls_context *stranger = rpc_peer_tls(folder, "stranger", 0);
    struct rpc_channel *channel = connect_to(port, tls, "director-test");
    test_unary(channel);
    test_client_stream(channel);
    test_server_stream(channel);
    test_chat(channel);
    test_metadata_and_errors(channel);
    test_deadline_and_cancel(channel);
    rpc_channel_free(channel);
    expect_refused("a server of another authority", stranger_port, tls, NULL, ERROR_UNAUTHENTICATED,
                   "not signed by an authority that is trusted here");
    expect_refused("another node", port, tls, "director-other", ERROR_UNAUTHENTICATED, "expected was");
    /* Node checks client certificates after the handshake and hangs up without a TLS alert. */
    expect_refused("our expired certificate", port, expired, NULL, ERROR_NETWORK, "may not accept our certificate");
    expect_refused("our certificate of another authority", port, stranger, NULL, ERROR_NETWORK,
                   "may not accept our certificate");
    expect_refused("a server that stops at TLS 1.2", old_port, tls, NULL, ERROR_UNSUPPORTED, "floor is TLS 1.3");
    event_loop_stop(loop);
    event_loop_join(loop);
    event_loop_free(loop);
    tls_context_free(tls);
    tls_context_free(expired);
    tls_context_free(stranger);
    return 0;
}
