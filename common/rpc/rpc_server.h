#ifndef LONGHAUL_COMMON_RPC_RPC_SERVER_H
#define LONGHAUL_COMMON_RPC_RPC_SERVER_H

/* The server side: a table of methods on one listening address. grpc.health.v1.Health is answered by itself. */

#include "common/rpc/rpc_call.h"

struct event_loop;
struct rpc_server;
struct tls_context;

/* Events of a call that is served on the loop thread. Each is called on the loop thread, never from inside a
 * function that the handler itself has called. `state` is what on_open stored. */
struct rpc_call_events {
    /* 0 and *state, or -1: the call ends with the error. */
    int (*on_open)(void *ctx, struct rpc_call *call, void **state, struct error *err);
    /* -1 ends the call with the error. data is borrowed. */
    int (*on_message)(void *state, struct rpc_call *call, const uint8_t *data, size_t len, struct error *err);
    void (*on_end)(void *state, struct rpc_call *call); /* the peer has ended its side; finish when done */
    void (*on_close)(void *state);                      /* last event, exactly once after a successful on_open;
                                                           the call is gone */
};

struct rpc_method {
    const char *path;     /* "/longhaul.v1.Control/Connect" */
    bool anonymous;       /* may be called without a client certificate */
    size_t message_limit; /* largest message accepted; 0: RPC_MESSAGE_LIMIT */
    /* Either a function on a worker thread that reads, writes and returns (the call then ends with OK or with
     * the error), or events on the loop. */
    int (*serve)(void *ctx, struct rpc_call *call, struct error *err);
    const struct rpc_call_events *events;
};

struct rpc_server_options {
    const char *address;      /* to listen on */
    uint16_t port;            /* 0: any free one, see rpc_server_port() */
    struct tls_context *tls;  /* retained */
    unsigned workers;         /* threads for `serve` methods; calls above that wait; 0: 16 */
    unsigned max_connections; /* 0: 10,000 */
    /* Called on the loop thread after the handshake; -1 refuses the peer (revocation). May be NULL. */
    int (*admit)(void *ctx, const struct tls_peer *peer, struct error *err);
    void *admit_ctx;
};

struct rpc_server *rpc_server_new(struct event_loop *loop, const struct rpc_server_options *options, struct error *err);
/* methods: a static table, borrowed for the server's life. Before rpc_server_listen(). */
void rpc_server_add(struct rpc_server *server, const struct rpc_method *methods, size_t count, void *ctx);
int rpc_server_listen(struct rpc_server *server, struct error *err);
uint16_t rpc_server_port(const struct rpc_server *server);

/* Loop thread. End a call that is served by events; on_close follows. err NULL: status OK. */
void rpc_call_end(struct rpc_call *call, const struct error *err);

/* Drop every connection of a node at once (revocation). Any thread. */
void rpc_server_drop_node(struct rpc_server *server, const char *node_id);

/* Stop accepting, send GOAWAY, let calls end; done is called on the loop thread when none is left. */
void rpc_server_drain(struct rpc_server *server, void (*done)(void *ctx), void *ctx);
/* Cancels what is left and waits for the workers. Not from the loop thread. */
void rpc_server_free(struct rpc_server *server);

#endif
