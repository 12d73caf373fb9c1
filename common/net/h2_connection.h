#ifndef LONGHAUL_COMMON_NET_H2_CONNECTION_H
#define LONGHAUL_COMMON_NET_H2_CONNECTION_H

/* A TCP socket that carries HTTP/2 inside TLS. Loop thread only.
 *
 *   CONNECTING -> HANDSHAKE -> OPENING (peer's SETTINGS awaited) -> READY -> LINGERING -> CLOSING
 *
 * Every state can go to LINGERING (failed or ended: the last bytes go out, the peer's are thrown away until it
 * hangs up, so that it gets to read them) and to CLOSING. */

#include "common/net/h2_session.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct error;
struct event_loop;
struct h2_connection;
struct net_pool;
struct tls_context;
struct tls_peer;

struct h2_connection_events {
    /* The handshake has proved who the peer is; -1 refuses it, and it is told the error's text. May be NULL. */
    int (*on_peer)(void *ctx, const struct tls_peer *peer, struct error *err);
    void (*on_ready)(void *ctx); /* streams can be opened */
    void (*on_request)(void *ctx, struct h2_stream *stream, const struct h2_headers *headers); /* server */
    void (*on_goaway)(void *ctx);                          /* the peer takes no more streams. May be NULL */
    void (*on_closed)(void *ctx, const struct error *err); /* over; its streams were closed before. Once */
    void (*on_freed)(void *ctx);                           /* the last event: the memory is gone */
};

struct h2_connection_options {
    struct event_loop *loop;
    struct net_pool *pool;
    struct tls_context *tls; /* retained */
    bool server;
    const char *host;          /* client, see tls_stream.h; borrowed for the call */
    const char *expected_node; /* client; borrowed for the call */
    uint32_t handshake_ms;     /* from start to READY */
    uint32_t keepalive_ms;     /* a silent peer is pinged after as long, and given up after as long again */
    const struct h2_connection_events *events;
    const struct h2_events *stream_events; /* static; only those that take a stream's data are used */
    void *ctx;
};

/* Take the next connection of a listener. NULL here and below: on_freed follows all the same, nothing else. */
struct h2_connection *h2_connection_accept(const struct h2_connection_options *options, uv_stream_t *listener,
                                           struct error *err);
struct h2_connection *h2_connection_connect(const struct h2_connection_options *options, const struct sockaddr *address,
                                            struct error *err);

/* End it, with a reason that the peer is told in a GOAWAY (code is one of enum h2_code) and that on_closed is given
 * (NULL: an orderly end). May be called from any event; what follows happens after the event has returned. */
void h2_connection_close(struct h2_connection *connection, uint32_t code, const struct error *reason);
/* Same, at once and without waiting for the peer; not from an event of this connection. on_freed follows from the
 * loop. */
void h2_connection_abort(struct h2_connection *connection, const struct error *reason);
/* Server: refuse new streams, close when the last one has ended. */
void h2_connection_drain(struct h2_connection *connection);
/* Client: same without telling; to be used when on_goaway was called. */
void h2_connection_close_when_idle(struct h2_connection *connection);

/* Send what is queued, soon. To be called after changes to streams from outside of events. */
void h2_connection_flush(struct h2_connection *connection);
/* NULL unless READY. */
struct h2_session *h2_connection_session(struct h2_connection *connection);
/* Why it ended; for on_close of its streams. Not set before, and after an orderly end. */
const struct error *h2_connection_reason(const struct h2_connection *connection);
const struct tls_peer *h2_connection_peer(const struct h2_connection *connection);

#endif
