#ifndef LONGHAUL_TESTS_FAKES_RPC_FIXTURE_H
#define LONGHAUL_TESTS_FAKES_RPC_FIXTURE_H

/* A server and a client on loops of their own, over real sockets, with certificates made on the spot. */

#include "common/net/tls_context.h"
#include "common/rpc/rpc_channel.h"
#include "common/rpc/rpc_server.h"
#include "tests/fakes/echo_service.h"
#include "tests/fakes/test_certificates.h"

#define RPC_FIXTURE_SERVER "director-test"
#define RPC_FIXTURE_CLIENT "transporter-test"

struct rpc_fixture {
    struct test_authority *authority;
    struct test_leaf *server_leaf, *client_leaf;
    struct tls_context *server_tls, *client_tls;
    struct event_loop *server_loop, *client_loop;
    struct rpc_server *server;
    struct rpc_channel *channel;
    struct echo_service echo;
};

/* options: tls is filled in when NULL, the address always. May be NULL. Starts everything. */
void rpc_fixture_init(struct rpc_fixture *fixture, const struct rpc_server_options *options);
void rpc_fixture_clear(struct rpc_fixture *fixture);
/* The fixture's server is gone from now on. */
void rpc_fixture_free_server(struct rpc_fixture *fixture);

/* Contexts over the fixture's authority; leaf NULL: anonymous. */
struct tls_context *rpc_fixture_tls(const struct test_authority *trust, const struct test_leaf *leaf, bool server);
/* One more channel to the fixture's server; NULL tls: the fixture's. */
struct rpc_channel *rpc_fixture_channel(struct rpc_fixture *fixture, struct tls_context *tls,
                                        const char *expected_node);

/* One message to a method of the echo service and one back, which must equal it. 0 or -1. */
int rpc_fixture_echo(struct rpc_channel *channel, const char *path, const void *data, size_t len, struct error *err);

#endif
