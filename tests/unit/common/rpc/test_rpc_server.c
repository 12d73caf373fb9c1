#include "common/rpc/rpc_server.h"

#include "common/base/arena.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/loop/event_loop.h"
#include "tests/fakes/rpc_fixture.h"

#include "proto/health.pb-c.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static int
check_health(struct rpc_channel *channel, const char *service, struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(4096);
    Grpc__Health__V1__HealthCheckRequest request;
    grpc__health__v1__health_check_request__init(&request);
    char name[64] = "";
    memcpy(name, service, strlen(service));
    request.service = name;
    ProtobufCMessage *reply = NULL;
    if (rpc_channel_unary(channel, "/grpc.health.v1.Health/Check", NULL, &request.base,
                          &grpc__health__v1__health_check_response__descriptor, arena, &reply, err) != 0)
        return -1;
    return (int)((Grpc__Health__V1__HealthCheckResponse *)reply)->status;
}

static void
health_is_answered(void **state)
{
    (void)state;
    struct rpc_fixture f;
    struct error err = ERROR_INIT;
    rpc_fixture_init(&f, NULL);
    assert_int_equal(check_health(f.channel, "", &err), 1);
    assert_int_equal(check_health(f.channel, "test.Echo", &err), 1);
    assert_int_equal(check_health(f.channel, "test.Ech", &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    rpc_fixture_clear(&f);
}

static int
next_status(struct rpc_call *watch, struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(4096);
    ProtobufCMessage *message = NULL;
    int rc = rpc_call_receive(watch, &grpc__health__v1__health_check_response__descriptor, RPC_NO_TIMEOUT, arena,
                              &message, err);
    return rc == 1 ? (int)((Grpc__Health__V1__HealthCheckResponse *)message)->status : -1;
}

static void
on_drained(void *ctx)
{
    sem_post(ctx);
}

static void
a_watcher_hears_of_the_drain(void **state)
{
    (void)state;
    struct rpc_fixture f;
    struct error err = ERROR_INIT;
    sem_t drained;
    sem_init(&drained, 0, 0);
    rpc_fixture_init(&f, NULL);
    struct rpc_call *watch = rpc_channel_open(f.channel, "/grpc.health.v1.Health/Watch", NULL, &err);
    assert_non_null(watch);
    assert_int_equal(rpc_call_send_bytes(watch, "", 0, &err), 0);
    assert_int_equal(rpc_call_close_send(watch, &err), 0);
    assert_int_equal(next_status(watch, &err), 1);
    rpc_server_drain(f.server, on_drained, &drained);
    assert_int_equal(next_status(watch, &err), 2);
    assert_int_equal(next_status(watch, &err), -1);
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    sem_wait(&drained);
    rpc_call_free(watch);
    rpc_fixture_clear(&f);
    sem_destroy(&drained);
}

static void
a_drain_lets_calls_end_and_takes_no_new_ones(void **state)
{
    (void)state;
    struct rpc_fixture f;
    struct error err = ERROR_INIT;
    sem_t drained;
    sem_init(&drained, 0, 0);
    rpc_fixture_init(&f, NULL);
    struct rpc_call *call = rpc_channel_open(f.channel, "/test.Echo/Chat", NULL, &err);
    assert_non_null(call);
    rpc_server_drain(f.server, on_drained, &drained);
    const uint8_t *data = NULL;
    size_t len = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rpc_call_send_bytes(call, "on", 2, &err), 0);
        assert_int_equal(rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, &err), 1);
    }
    /* A new connection cannot be had; a call that got onto the old one in time is served or refused. */
    struct rpc_channel *second = rpc_fixture_channel(&f, NULL, NULL);
    assert_int_equal(rpc_fixture_echo(second, "/test.Echo/Unary", "x", 1, &err), -1);
    assert_int_equal(err.kind, ERROR_NETWORK);
    assert_non_null(strstr(err.text, "connection refused"));
    assert_int_not_equal(sem_trywait(&drained), 0);
    error_clear(&err);
    assert_int_equal(rpc_call_finish(call, &err), 0);
    sem_wait(&drained);
    rpc_call_free(call);
    rpc_channel_free(second);
    rpc_fixture_clear(&f);
    sem_destroy(&drained);
}

static int
refuse_client(void *ctx, const struct tls_peer *peer, struct error *err)
{
    (void)ctx;
    if (strcmp(peer->node_id, RPC_FIXTURE_CLIENT) == 0)
        return FAIL(err, ERROR_DENIED, 0, "node %s is revoked", peer->node_id);
    return 0;
}

static void
a_refused_node_is_told_why(void **state)
{
    (void)state;
    struct rpc_fixture f;
    struct error err = ERROR_INIT;
    struct rpc_server_options options = { .admit = refuse_client };
    rpc_fixture_init(&f, &options);
    assert_int_equal(rpc_fixture_echo(f.channel, "/test.Echo/Unary", "x", 1, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_non_null(strstr(err.text, "node transporter-test is revoked"));
    rpc_fixture_clear(&f);
}

static void
dropping_a_node_ends_its_calls(void **state)
{
    (void)state;
    struct rpc_fixture f;
    struct error err = ERROR_INIT;
    rpc_fixture_init(&f, NULL);
    struct test_leaf *other_leaf = test_leaf_new(f.authority, "transporter-other");
    struct tls_context *other_tls = rpc_fixture_tls(f.authority, other_leaf, false);
    struct rpc_channel *other = rpc_fixture_channel(&f, other_tls, NULL);
    struct rpc_call *kept = rpc_channel_open(other, "/test.Events/Chat", NULL, &err);
    struct rpc_call *dropped = rpc_channel_open(f.channel, "/test.Echo/Hang", NULL, &err);
    assert_non_null(kept);
    assert_non_null(dropped);
    echo_service_wait(&f.echo, &f.echo.started, 1);
    rpc_server_drop_node(f.server, RPC_FIXTURE_CLIENT);
    echo_service_wait(&f.echo, &f.echo.ended, 1);
    const uint8_t *data = NULL;
    size_t len = 0;
    assert_int_equal(rpc_call_receive_bytes(dropped, RPC_NO_TIMEOUT, &data, &len, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    error_clear(&err);
    assert_int_equal(rpc_call_send_bytes(kept, "still here", 10, &err), 0);
    assert_int_equal(rpc_call_receive_bytes(kept, RPC_NO_TIMEOUT, &data, &len, &err), 1);
    rpc_call_free(kept);
    rpc_call_free(dropped);
    rpc_channel_free(other);
    tls_context_free(other_tls);
    test_leaf_free(other_leaf);
    rpc_fixture_clear(&f);
}

static void
only_marked_methods_are_open_to_anonymous_clients(void **state)
{
    (void)state;
    struct rpc_fixture f;
    struct error err = ERROR_INIT;
    struct test_authority *authority = test_authority_new("Own");
    struct test_leaf *leaf = test_leaf_new(authority, "director-open");
    struct tls_options tls = { .server = true,
                               .certificate_pem = leaf->certificate_pem,
                               .key_pem = leaf->key_pem,
                               .trust_pem = test_authority_pem(authority),
                               .anonymous_allowed = true };
    struct tls_context *server_tls = tls_context_new(&tls, &err);
    struct rpc_server_options options = { .tls = server_tls };
    rpc_fixture_init(&f, &options);
    struct tls_context *anonymous = rpc_fixture_tls(authority, NULL, false);
    struct rpc_channel *channel = rpc_fixture_channel(&f, anonymous, "director-open");
    assert_int_equal(rpc_fixture_echo(channel, "/test.Echo/Open", "x", 1, &err), 0);
    assert_int_equal(rpc_fixture_echo(channel, "/test.Echo/Unary", "x", 1, &err), -1);
    assert_int_equal(err.kind, ERROR_UNAUTHENTICATED);
    rpc_channel_free(channel);
    rpc_fixture_clear(&f);
    tls_context_free(anonymous);
    tls_context_free(server_tls);
    test_leaf_free(leaf);
    test_authority_free(authority);
}

static void
a_wrong_peer_is_named_by_the_channel(void **state)
{
    (void)state;
    struct rpc_fixture f;
    struct error err = ERROR_INIT;
    rpc_fixture_init(&f, NULL);
    struct rpc_channel *wrong = rpc_fixture_channel(&f, NULL, "director-other");
    assert_int_equal(rpc_fixture_echo(wrong, "/test.Echo/Unary", "x", 1, &err), -1);
    assert_int_equal(err.kind, ERROR_UNAUTHENTICATED);
    assert_non_null(strstr(err.text, "127.0.0.1:"));
    assert_non_null(strstr(err.text, "expected was \"director-other\""));
    rpc_channel_free(wrong);
    struct test_leaf *expired = test_leaf_new_expired(f.authority, RPC_FIXTURE_CLIENT);
    struct tls_context *tls = rpc_fixture_tls(f.authority, expired, false);
    struct rpc_channel *late = rpc_fixture_channel(&f, tls, NULL);
    error_clear(&err);
    assert_int_equal(rpc_fixture_echo(late, "/test.Echo/Unary", "x", 1, &err), -1);
    assert_non_null(strstr(err.text, "refused our certificate: it has expired"));
    rpc_channel_free(late);
    tls_context_free(tls);
    test_leaf_free(expired);
    rpc_fixture_clear(&f);
}

static void
a_channel_connects_again_after_a_loss(void **state)
{
    (void)state;
    struct rpc_fixture f;
    struct error err = ERROR_INIT;
    rpc_fixture_init(&f, NULL);
    struct rpc_call *call = rpc_channel_open(f.channel, "/test.Events/Chat", NULL, &err);
    const uint8_t *data = NULL;
    size_t len = 0;
    assert_non_null(call);
    assert_int_equal(rpc_call_send_bytes(call, "x", 1, &err), 0);
    assert_int_equal(rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, &err), 1);
    struct rpc_server_options options = { .address = "127.0.0.1",
                                          .port = rpc_server_port(f.server),
                                          .tls = f.server_tls };
    rpc_fixture_free_server(&f);
    assert_int_equal(rpc_call_finish(call, &err), -1);
    rpc_call_free(call);
    echo_service_wait(&f.echo, &f.echo.closed, 1);
    error_clear(&err);
    f.server = rpc_server_new(f.server_loop, &options, &err);
    echo_service_add(&f.echo, f.server);
    assert_int_equal(rpc_server_listen(f.server, &err), 0);
    assert_int_equal(rpc_fixture_echo(f.channel, "/test.Echo/Unary", "x", 1, &err), 0);
    rpc_fixture_clear(&f);
}

static void
on_block(void *ctx)
{
    sem_wait(ctx);
}

static void
a_silent_server_is_given_up(void **state)
{
    (void)state;
    struct rpc_fixture f;
    struct error err = ERROR_INIT;
    sem_t released;
    sem_init(&released, 0, 0);
    rpc_fixture_init(&f, NULL);
    struct rpc_channel_options options = {
        .host = "localhost", .port = rpc_server_port(f.server), .tls = f.client_tls, .keepalive_ms = 50
    };
    struct rpc_channel *channel = rpc_channel_new(f.client_loop, &options, &err);
    struct rpc_call *call = rpc_channel_open(channel, "/test.Events/Chat", NULL, &err);
    assert_non_null(call);
    event_loop_post(f.server_loop, on_block, &released);
    assert_int_equal(rpc_call_finish(call, &err), -1);
    assert_int_equal(err.kind, ERROR_NETWORK);
    assert_non_null(strstr(err.text, "does not answer pings"));
    sem_post(&released);
    rpc_call_free(call);
    rpc_channel_free(channel);
    rpc_fixture_clear(&f);
    sem_destroy(&released);
}

static void
more_calls_than_workers_wait_their_turn(void **state)
{
    (void)state;
    struct rpc_fixture f;
    struct error err = ERROR_INIT;
    struct rpc_server_options options = { .workers = 1 };
    struct rpc_call *calls[5];
    rpc_fixture_init(&f, &options);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        calls[i] = rpc_channel_open(f.channel, "/test.Echo/Chat", NULL, &err);
        assert_int_equal(rpc_call_send_bytes(calls[i], &i, sizeof(i), &err), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        const uint8_t *data = NULL;
        size_t len = 0;
        assert_int_equal(rpc_call_receive_bytes(calls[i], RPC_NO_TIMEOUT, &data, &len, &err), 1);
        assert_memory_equal(data, &i, sizeof(i));
        assert_int_equal(rpc_call_finish(calls[i], &err), 0);
        rpc_call_free(calls[i]);
    }
    rpc_fixture_clear(&f);
}

static void
connections_over_the_limit_are_refused(void **state)
{
    (void)state;
    struct rpc_fixture f;
    struct error err = ERROR_INIT;
    struct rpc_server_options options = { .max_connections = 1 };
    rpc_fixture_init(&f, &options);
    assert_int_equal(rpc_fixture_echo(f.channel, "/test.Echo/Unary", "x", 1, &err), 0);
    struct rpc_channel *second = rpc_fixture_channel(&f, NULL, NULL);
    assert_int_equal(rpc_fixture_echo(second, "/test.Echo/Unary", "x", 1, &err), -1);
    assert_int_equal(err.kind, ERROR_NETWORK);
    rpc_channel_free(second);
    rpc_fixture_clear(&f);
}

static void
a_renewed_certificate_is_used_without_a_restart(void **state)
{
    (void)state;
    struct rpc_fixture f;
    struct error err = ERROR_INIT;
    rpc_fixture_init(&f, NULL);
    struct rpc_call *running = rpc_channel_open(f.channel, "/test.Echo/Chat", NULL, &err);
    assert_non_null(running);
    struct test_leaf *renewed = test_leaf_new(f.authority, RPC_FIXTURE_SERVER);
    assert_int_equal(tls_context_replace(f.server_tls, renewed->certificate_pem, renewed->key_pem, &err), 0);
    struct rpc_channel *later = rpc_fixture_channel(&f, NULL, RPC_FIXTURE_SERVER);
    struct rpc_call *fresh = rpc_channel_open(later, "/test.Echo/Chat", NULL, &err);
    assert_non_null(fresh);
    assert_memory_not_equal(rpc_call_peer(running)->key_sha256, rpc_call_peer(fresh)->key_sha256, 32);
    assert_int_equal(rpc_call_finish(running, &err), 0);
    assert_int_equal(rpc_call_finish(fresh, &err), 0);
    rpc_call_free(running);
    rpc_call_free(fresh);
    rpc_channel_free(later);
    test_leaf_free(renewed);
    rpc_fixture_clear(&f);
}

static void
a_taken_port_is_an_error(void **state)
{
    (void)state;
    struct rpc_fixture f;
    struct error err = ERROR_INIT;
    rpc_fixture_init(&f, NULL);
    struct rpc_server_options options = { .address = "127.0.0.1",
                                          .port = rpc_server_port(f.server),
                                          .tls = f.server_tls };
    struct rpc_server *second = rpc_server_new(f.server_loop, &options, &err);
    assert_int_equal(rpc_server_listen(second, &err), -1);
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "address already in use"));
    rpc_server_free(second);
    rpc_fixture_clear(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_is_answered),
        cmocka_unit_test(a_watcher_hears_of_the_drain),
        cmocka_unit_test(a_drain_lets_calls_end_and_takes_no_new_ones),
        cmocka_unit_test(a_refused_node_is_told_why),
        cmocka_unit_test(dropping_a_node_ends_its_calls),
        cmocka_unit_test(only_marked_methods_are_open_to_anonymous_clients),
        cmocka_unit_test(a_wrong_peer_is_named_by_the_channel),
        cmocka_unit_test(a_channel_connects_again_after_a_loss),
        cmocka_unit_test(a_silent_server_is_given_up),
        cmocka_unit_test(more_calls_than_workers_wait_their_turn),
        cmocka_unit_test(connections_over_the_limit_are_refused),
        cmocka_unit_test(a_renewed_certificate_is_used_without_a_restart),
        cmocka_unit_test(a_taken_port_is_an_error),
    };
    log_setup(2, LOG_WARN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
