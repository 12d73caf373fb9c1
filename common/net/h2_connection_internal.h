#ifndef LONGHAUL_COMMON_NET_H2_CONNECTION_INTERNAL_H
#define LONGHAUL_COMMON_NET_H2_CONNECTION_INTERNAL_H

/* What the files of a connection share: its life (h2_connection.c), what comes in (h2_connection_input.c), and the
 * HTTP/2 session on top (h2_connection_session.c). */

#include "common/base/error.h"
#include "common/net/h2_connection.h"
#include "common/net/tls_context.h"
#include "common/net/tls_stream.h"

enum h2_connection_state {
    CONNECTION_CONNECTING,
    CONNECTION_HANDSHAKE,
    CONNECTION_OPENING,
    CONNECTION_READY,
    CONNECTION_LINGERING,
    CONNECTION_CLOSING,
};

struct h2_connection {
    uv_tcp_t tcp;
    uv_connect_t connecting;
    uv_shutdown_t shutting;
    uv_write_t writing;
    struct h2_connection_options options;
    enum h2_connection_state state;
    struct tls_context *tls_context;
    char *host, *expected_node;
    struct tls_stream *tls;
    struct h2_session *session;
    struct h2_events session_events;
    struct event_timer *timer; /* handshake, then keep-alive, then linger */
    struct tls_peer peer;
    struct net_chunk *in_flight; /* given to uv_write */
    bool in_event;               /* inside the session: no re-entry, what is wanted waits */
    bool ready_wanted, close_wanted;
    uint32_t close_code;
    struct error close_reason;
    bool heard, pinged;                /* since the last tick */
    bool draining, drained, when_idle; /* GOAWAY announced, GOAWAY sent, close with the last stream */
};

/* End now. linger: let the peer read the last bytes before the socket goes. */
void h2_connection_fail(struct h2_connection *connection, const struct error *reason, bool linger);
/* Close the socket; the memory goes with it. */
void h2_connection_destroy(struct h2_connection *connection);
/* Move what the session has to say into the socket, and do what its events have asked for. */
void h2_connection_pump(struct h2_connection *connection);
/* Write what TLS has, unless a write is under way. */
void h2_connection_write(struct h2_connection *connection);

/* h2_connection_input.c: the socket is connected; start TLS and reading. */
int h2_connection_input_start(struct h2_connection *connection, struct error *err);

/* h2_connection_session.c */
int h2_connection_session_start(struct h2_connection *connection, struct error *err);
/* Say goodbye, close the streams, free the session. */
void h2_connection_session_close(struct h2_connection *connection);

#endif
