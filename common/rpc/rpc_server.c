#include "common/rpc/rpc_server.h"

#include "common/base/identifier.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/loop/event_loop.h"
#include "common/net/h2_connection.h"
#include "common/net/net_pool.h"
#include "common/rpc/rpc_server_internal.h"

#include <stdlib.h>
#include <string.h>

#define WORKERS         16
#define MAX_CONNECTIONS 10000
#define HANDSHAKE_MS    10000
#define KEEPALIVE_MS    30000
#define BACKLOG         512

struct server_link {
    struct rpc_server *server;
    struct h2_connection *connection;
    struct server_link *next, **link;
    bool open; /* on_closed has not come */
};

struct rpc_server {
    atomic_uint refs; /* the handle, the listener, each connection, posts under way */
    struct event_loop *loop;
    struct net_pool *pool;
    struct tls_context *tls;
    char *address;
    uint16_t port;
    unsigned max_connections, connections; /* sockets */
    unsigned open;                         /* connections that are not over */
    int (*admit)(void *ctx, const struct tls_peer *peer, struct error *err);
    void *admit_ctx;
    struct rpc_dispatch *dispatch;
    struct rpc_workers *workers;
    struct rpc_health *health;
    struct server_link *links;
    uv_tcp_t listener;
    bool listening, draining, closing;
    void (*on_drained)(void *ctx);
    void *drained_ctx;
};

static void
server_release(struct rpc_server *server)
{
    if (atomic_fetch_sub(&server->refs, 1) != 1)
        return;
    rpc_dispatch_free(server->dispatch);
    rpc_health_free(server->health);
    net_pool_free(server->pool);
    tls_context_free(server->tls);
    free(server->address);
    free(server);
}

static void
check_drained(struct rpc_server *server)
{
    if (server->on_drained == NULL || server->open > 0)
        return;
    void (*done)(void *) = server->on_drained;
    server->on_drained = NULL;
    done(server->drained_ctx);
}

static int
on_connection_peer(void *ctx, const struct tls_peer *peer, struct error *err)
{
    const struct server_link *link = ctx;
    const struct rpc_server *server = link->server;

    if (server->admit != NULL && server->admit(server->admit_ctx, peer, err) != 0) {
        FAIL(err, ERROR_DENIED, 0, "this node is not admitted");
        return -1;
    }
    log_info("rpc", "peer connected node=%s address=%s tls=%s suite=%s group=%s certificate_expires_ms=%lld",
             peer->node_id[0] != '\0' ? peer->node_id : "(anonymous)", peer->address, peer->version, peer->suite,
             peer->group, (long long)peer->certificate_expires_ms);
    return 0;
}

static void
on_connection_ready(void *ctx)
{
    struct server_link *link = ctx;

    if (link->server->draining)
        h2_connection_drain(link->connection);
}

static void
on_connection_closed(void *ctx, const struct error *err)
{
    struct server_link *link = ctx;
    struct rpc_server *server = link->server;
    const struct tls_peer *peer = h2_connection_peer(link->connection);

    if (err != NULL)
        log_failure(peer->version[0] != '\0' ? LOG_INFO : LOG_WARN, "rpc", err, "connection of %s (%s) ended",
                    peer->address, peer->node_id[0] != '\0' ? peer->node_id : "unknown node");
    link->open = false;
    server->open--;
    check_drained(server);
}

static void
on_connection_freed(void *ctx)
{
    struct server_link *link = ctx;
    struct rpc_server *server = link->server;

    if (link->open)
        server->open--;
    server->connections--;
    *link->link = link->next;
    if (link->next != NULL)
        link->next->link = link->link;
    free(link);
    check_drained(server);
    server_release(server);
}

static void
on_connection_request(void *ctx, struct h2_stream *stream, const struct h2_headers *headers)
{
    struct server_link *link = ctx;
    struct rpc_server *server = link->server;

    rpc_dispatch_request(server->dispatch, server->workers, link->connection, stream, headers);
}

static const struct h2_connection_events connection_events = {
    .on_peer = on_connection_peer,
    .on_ready = on_connection_ready,
    .on_request = on_connection_request,
    .on_closed = on_connection_closed,
    .on_freed = on_connection_freed,
};

static void
refuse_connection(struct rpc_server *server, uv_stream_t *listener)
{
    uv_tcp_t *tcp = MEMORY_NEW(uv_tcp_t);
    log_warn("rpc", "connection refused: the limit of %u connections is reached", server->max_connections);
    if (uv_tcp_init(event_loop_uv(server->loop), tcp) != 0) {
        free(tcp);
        return;
    }
    (void)uv_accept(listener, (uv_stream_t *)tcp);
    uv_close((uv_handle_t *)tcp, (uv_close_cb)free);
}

static void
on_listener_connection(uv_stream_t *listener, int status)
{
    struct rpc_server *server = listener->data;
    struct error err = ERROR_INIT;

    if (status != 0 || server->closing)
        return;
    if (server->connections >= server->max_connections) {
        refuse_connection(server, listener);
        return;
    }
    struct server_link *link = MEMORY_NEW(struct server_link);
    struct h2_connection_options options = { .loop = server->loop,
                                             .pool = server->pool,
                                             .tls = server->tls,
                                             .server = true,
                                             .handshake_ms = HANDSHAKE_MS,
                                             .keepalive_ms = KEEPALIVE_MS,
                                             .events = &connection_events,
                                             .stream_events = &rpc_call_loop_events,
                                             .ctx = link };
    link->server = server;
    link->open = true;
    link->link = &server->links;
    link->next = server->links;
    if (link->next != NULL)
        link->next->link = &link->next;
    server->links = link;
    server->connections++;
    server->open++;
    atomic_fetch_add(&server->refs, 1);
    link->connection = h2_connection_accept(&options, listener, &err);
    if (link->connection == NULL)
        log_failure(LOG_WARN, "rpc", &err, "connection not accepted");
}

struct rpc_server *
rpc_server_new(struct event_loop *loop, const struct rpc_server_options *options, struct error *err)
{
    if (options->address == NULL || options->tls == NULL) {
        FAIL(err, ERROR_USAGE, 0, "a server needs an address to listen on and TLS");
        return NULL;
    }
    struct rpc_server *server = MEMORY_NEW(struct rpc_server);
    atomic_init(&server->refs, 1);
    server->loop = loop;
    server->pool = net_pool_new();
    server->tls = tls_context_retain(options->tls);
    server->address = memory_strdup(options->address);
    server->port = options->port;
    server->max_connections = options->max_connections != 0 ? options->max_connections : MAX_CONNECTIONS;
    server->admit = options->admit;
    server->admit_ctx = options->admit_ctx;
    server->workers = rpc_workers_new(options->workers != 0 ? options->workers : WORKERS);
    server->dispatch = rpc_dispatch_new(loop);
    server->health = rpc_health_new(server->dispatch);
    rpc_dispatch_add(server->dispatch, rpc_health_methods, ARRAY_LEN(rpc_health_methods), server->health);
    return server;
}

void
rpc_server_add(struct rpc_server *server, const struct rpc_method *methods, size_t count, void *ctx)
{
    rpc_dispatch_add(server->dispatch, methods, count, ctx);
}

static void
on_listener_closed(uv_handle_t *handle)
{
    server_release(handle->data);
}

static void
close_listener(struct rpc_server *server)
{
    if (!server->listening)
        return;
    server->listening = false;
    uv_close((uv_handle_t *)&server->listener, on_listener_closed);
}

static int
parse_address(const struct rpc_server *server, struct sockaddr_storage *out, struct error *err)
{
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
    const char *address = strcmp(server->address, "localhost") == 0 ? "127.0.0.1" : server->address;
    if (uv_ip4_addr(address, server->port, &in4) == 0)
        memcpy(out, &in4, sizeof(in4));
    else if (uv_ip6_addr(address, server->port, &in6) == 0)
        memcpy(out, &in6, sizeof(in6));
    else
        return FAIL(err, ERROR_CONFIG, 0, "\"%s\" is not an IP address to listen on", server->address);
    return 0;
}

static void
read_port(struct rpc_server *server)
{
    struct sockaddr_storage bound;
    int len = sizeof(bound);
    uint16_t port = 0;
    if (uv_tcp_getsockname(&server->listener, (struct sockaddr *)&bound, &len) != 0)
        return;
    /* The port is at the same place in both families. */
    memcpy(&port, (const char *)&bound + offsetof(struct sockaddr_in, sin_port), sizeof(port));
    server->port = ntohs(port);
}

struct listen_request {
    struct rpc_server *server;
    struct error *err;
    int rc;
};

static void
on_listen_called(void *ctx)
{
    struct listen_request *request = ctx;
    struct rpc_server *server = request->server;
    struct sockaddr_storage address = { 0 };

    request->rc = parse_address(server, &address, request->err);
    if (request->rc != 0)
        return;
    int rc = uv_tcp_init(event_loop_uv(server->loop), &server->listener);
    if (rc == 0) {
        server->listener.data = server;
        server->listening = true;
        atomic_fetch_add(&server->refs, 1);
        rc = uv_tcp_bind(&server->listener, (const struct sockaddr *)&address, 0);
    }
    if (rc == 0)
        rc = uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_listener_connection);
    if (rc == 0) {
        read_port(server);
        return;
    }
    close_listener(server);
    request->rc = FAIL(request->err, ERROR_CONFIG, rc, "cannot listen on %s port %u: %s", server->address, server->port,
                       uv_strerror(rc));
}

int
rpc_server_listen(struct rpc_server *server, struct error *err)
{
    struct listen_request request = { .server = server, .err = err };
    event_loop_call(server->loop, on_listen_called, &request);
    return request.rc;
}

uint16_t
rpc_server_port(const struct rpc_server *server)
{
    return server->port;
}

struct drop_request {
    struct rpc_server *server;
    char node_id[IDENTIFIER_LEN];
};

static void
on_drop_posted(void *ctx)
{
    struct drop_request *request = ctx;
    struct error err = ERROR_INIT;

    FAIL(&err, ERROR_DENIED, 0, "this node is no longer admitted");
    for (struct server_link *link = request->server->links, *next; link != NULL; link = next) {
        next = link->next;
        if (link->open && strcmp(h2_connection_peer(link->connection)->node_id, request->node_id) == 0)
            h2_connection_close(link->connection, H2_INADEQUATE_SECURITY, &err);
    }
    server_release(request->server);
    free(request);
}

void
rpc_server_drop_node(struct rpc_server *server, const char *node_id)
{
    struct drop_request *request = MEMORY_NEW(struct drop_request);
    request->server = server;
    if (strlen(node_id) < sizeof(request->node_id))
        memcpy(request->node_id, node_id, strlen(node_id));
    if (request->node_id[0] == '\0') {
        free(request);
        return;
    }
    atomic_fetch_add(&server->refs, 1);
    event_loop_post(server->loop, on_drop_posted, request);
}

static void
on_drain_posted(void *ctx)
{
    struct rpc_server *server = ctx;

    server->draining = true;
    close_listener(server);
    rpc_health_stop(server->health);
    for (struct server_link *link = server->links, *next; link != NULL; link = next) {
        next = link->next;
        if (link->open)
            h2_connection_drain(link->connection);
    }
    check_drained(server);
    server_release(server);
}

void
rpc_server_drain(struct rpc_server *server, void (*done)(void *ctx), void *ctx)
{
    server->on_drained = done;
    server->drained_ctx = ctx;
    atomic_fetch_add(&server->refs, 1);
    event_loop_post(server->loop, on_drain_posted, server);
}

static void
on_shutdown_called(void *ctx)
{
    struct rpc_server *server = ctx;
    struct error err = ERROR_INIT;

    FAIL(&err, ERROR_CANCELLED, 0, "the server is going down");
    server->closing = true;
    server->on_drained = NULL;
    close_listener(server);
    for (struct server_link *link = server->links, *next; link != NULL; link = next) {
        next = link->next;
        if (link->connection != NULL)
            h2_connection_abort(link->connection, &err);
    }
}

void
rpc_server_free(struct rpc_server *server)
{
    if (server == NULL)
        return;
    event_loop_call(server->loop, on_shutdown_called, server);
    rpc_workers_free(server->workers);
    server_release(server);
}
