#include "tests/fakes/rpc_fixture.h"

#include "common/base/memory.h"
#include "common/loop/event_loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
must(bool ok, const struct error *err)
{
    if (ok)
        return;
    fprintf(stderr, "rpc fixture: %s\n", err->text);
    abort();
}

struct tls_context *
rpc_fixture_tls(const struct test_authority *trust, const struct test_leaf *leaf, bool server)
{
    struct error err = ERROR_INIT;
    struct tls_options options = { .server = server, .trust_pem = test_authority_pem(trust) };
    if (leaf != NULL) {
        options.certificate_pem = leaf->certificate_pem;
        options.key_pem = leaf->key_pem;
    }
    struct tls_context *tls = tls_context_new(&options, &err);
    must(tls != NULL, &err);
    return tls;
}

static struct event_loop *
loop_start(void)
{
    struct error err = ERROR_INIT;
    struct event_loop *loop = event_loop_new(&err);
    must(loop != NULL, &err);
    must(event_loop_start_thread(loop, &err) == 0, &err);
    return loop;
}

static void
loop_stop(struct event_loop *loop)
{
    event_loop_stop(loop);
    event_loop_join(loop);
    event_loop_free(loop);
}

struct rpc_channel *
rpc_fixture_channel(struct rpc_fixture *fixture, struct tls_context *tls, const char *expected_node)
{
    struct error err = ERROR_INIT;
    struct rpc_channel_options options = { .host = "127.0.0.1",
                                           .port = rpc_server_port(fixture->server),
                                           .tls = tls != NULL ? tls : fixture->client_tls,
                                           .expected_node = expected_node };
    struct rpc_channel *channel = rpc_channel_new(fixture->client_loop, &options, &err);
    must(channel != NULL, &err);
    return channel;
}

void
rpc_fixture_init(struct rpc_fixture *fixture, const struct rpc_server_options *options)
{
    struct error err = ERROR_INIT;
    struct rpc_server_options server_options = { .workers = 8 };
    *fixture = (struct rpc_fixture){ .authority = test_authority_new("Test authority") };
    if (options != NULL)
        server_options = *options;
    fixture->server_leaf = test_leaf_new(fixture->authority, RPC_FIXTURE_SERVER);
    fixture->client_leaf = test_leaf_new(fixture->authority, RPC_FIXTURE_CLIENT);
    fixture->server_tls = rpc_fixture_tls(fixture->authority, fixture->server_leaf, true);
    fixture->client_tls = rpc_fixture_tls(fixture->authority, fixture->client_leaf, false);
    fixture->server_loop = loop_start();
    fixture->client_loop = loop_start();
    server_options.address = "127.0.0.1";
    if (server_options.tls == NULL)
        server_options.tls = fixture->server_tls;
    fixture->server = rpc_server_new(fixture->server_loop, &server_options, &err);
    must(fixture->server != NULL, &err);
    echo_service_init(&fixture->echo);
    echo_service_add(&fixture->echo, fixture->server);
    must(rpc_server_listen(fixture->server, &err) == 0, &err);
    fixture->channel = rpc_fixture_channel(fixture, NULL, RPC_FIXTURE_SERVER);
}

void
rpc_fixture_free_server(struct rpc_fixture *fixture)
{
    rpc_server_free(fixture->server);
    fixture->server = NULL;
}

void
rpc_fixture_clear(struct rpc_fixture *fixture)
{
    rpc_channel_free(fixture->channel);
    rpc_fixture_free_server(fixture);
    loop_stop(fixture->client_loop);
    loop_stop(fixture->server_loop);
    echo_service_clear(&fixture->echo);
    tls_context_free(fixture->server_tls);
    tls_context_free(fixture->client_tls);
    test_leaf_free(fixture->server_leaf);
    test_leaf_free(fixture->client_leaf);
    test_authority_free(fixture->authority);
}

int
rpc_fixture_echo(struct rpc_channel *channel, const char *path, const void *data, size_t len, struct error *err)
{
    CLEANUP(rpc_call_free_p) struct rpc_call *call = rpc_channel_open(channel, path, NULL, err);
    if (call == NULL)
        return -1;
    const uint8_t *back = NULL;
    size_t back_len = 0;
    rpc_call_send_bytes(call, data, len, NULL);
    rpc_call_close_send(call, NULL);
    int rc = rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &back, &back_len, err);
    if (rc == 0)
        return rpc_call_finish(call, err) != 0 ? -1 : FAIL(err, ERROR_FORMAT, 0, "no reply");
    if (rc < 0)
        return -1;
    if (back_len != len || (len > 0 && memcmp(back, data, len) != 0))
        return FAIL(err, ERROR_CORRUPT, 0, "another message came back");
    return rpc_call_finish(call, err);
}
