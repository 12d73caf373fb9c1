#include "common/net/h2_connection.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/loop/event_loop.h"
#include "common/net/net_pool.h"
#include "common/net/tls_context.h"
#include "common/net/tls_stream.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT_HIGH ((size_t)512 << 10) /* ciphertext that waits; the session is asked for no more above it */
#define OUTPUT_LAST ((size_t)64 << 10)  /* extra for what a closing connection still says */
#define LINGER_MS   2000
#define WRITE_BUFS  16

enum connection_state {
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
    enum connection_state state;
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

static void connection_fail(struct h2_connection *c, const struct error *reason, bool linger);
static void connection_pump(struct h2_connection *c);

static void
on_tcp_closed(uv_handle_t *handle)
{
    struct h2_connection *c = handle->data;

    tls_stream_free(c->tls);
    tls_context_free(c->tls_context);
    free(c->host);
    free(c->expected_node);
    void (*on_freed)(void *) = c->options.events->on_freed;
    void *ctx = c->options.ctx;
    free(c);
    on_freed(ctx);
}

static void
connection_destroy(struct h2_connection *c)
{
    if (c->state == CONNECTION_CLOSING)
        return;
    c->state = CONNECTION_CLOSING;
    event_timer_free(c->timer);
    c->timer = NULL;
    uv_close((uv_handle_t *)&c->tcp, on_tcp_closed);
}

static void
on_half_closed(uv_shutdown_t *request, int status)
{
    struct h2_connection *c = request->data;

    if (status != 0)
        connection_destroy(c);
}

static void
give_back(struct h2_connection *c, struct net_chunk *list)
{
    while (list != NULL) {
        struct net_chunk *next = list->next;
        net_pool_give(c->options.pool, list);
        list = next;
    }
}

static void connection_write(struct h2_connection *c);

static void
on_written(uv_write_t *request, int status)
{
    struct h2_connection *c = request->data;

    give_back(c, c->in_flight);
    c->in_flight = NULL;
    if (c->state == CONNECTION_CLOSING)
        return;
    if (status != 0) {
        struct error err = ERROR_INIT;
        FAIL(&err, ERROR_NETWORK, status, "the connection broke: %s", uv_strerror(status));
        connection_fail(c, &err, false);
        connection_destroy(c);
        return;
    }
    connection_pump(c);
}

static void
connection_write(struct h2_connection *c)
{
    if (c->in_flight != NULL || c->tls == NULL || c->state == CONNECTION_CLOSING)
        return;
    c->in_flight = tls_stream_take(c->tls);
    if (c->in_flight == NULL) {
        if (c->state == CONNECTION_LINGERING && c->shutting.data == NULL) {
            c->shutting.data = c;
            if (uv_shutdown(&c->shutting, (uv_stream_t *)&c->tcp, on_half_closed) != 0)
                connection_destroy(c);
        }
        return;
    }
    uv_buf_t bufs[WRITE_BUFS]; /* OUTPUT_HIGH, one frame and the first small chunk need 5 at the most */
    unsigned count = 0;
    for (struct net_chunk *chunk = c->in_flight; chunk != NULL; chunk = chunk->next) {
        if (count == WRITE_BUFS)
            abort();
        bufs[count++] = uv_buf_init((char *)chunk->bytes, (unsigned)chunk->len);
    }
    c->writing.data = c;
    int rc = uv_write(&c->writing, (uv_stream_t *)&c->tcp, bufs, count, on_written);
    if (rc != 0) {
        give_back(c, c->in_flight);
        c->in_flight = NULL;
        connection_destroy(c);
    }
}

static void
session_close(struct h2_connection *c)
{
    struct h2_session *session = c->session;
    if (session == NULL)
        return;
    if (c->close_code != H2_NO_ERROR || c->close_wanted)
        h2_session_terminate(session, c->close_code, c->close_reason.text);
    c->in_event = true;
    h2_session_flush(session, NULL);
    h2_session_free(session);
    c->in_event = false;
    c->session = NULL;
    if (tls_stream_flush(c->tls, NULL) == 0)
        tls_stream_end(c->tls);
}

/* linger: let the peer read the last bytes before the socket goes. */
static void
connection_fail(struct h2_connection *c, const struct error *reason, bool linger)
{
    if (c->state >= CONNECTION_LINGERING)
        return;
    bool connected = c->state != CONNECTION_CONNECTING;
    c->state = CONNECTION_LINGERING;
    if (reason != NULL && reason != &c->close_reason)
        c->close_reason = *reason;
    session_close(c);
    if (connected)
        connection_write(c);
    c->options.events->on_closed(c->options.ctx, reason);
    if (!connected || !linger)
        connection_destroy(c);
    else if (c->state == CONNECTION_LINGERING)
        event_timer_start(c->timer, LINGER_MS, 0);
}

/* Do what events have asked for while the session was busy. */
static void
connection_settle(struct h2_connection *c)
{
    if (c->state >= CONNECTION_LINGERING || c->in_event)
        return;
    if (c->close_wanted) {
        struct error reason = c->close_reason;
        connection_fail(c, error_is_set(&reason) ? &reason : NULL, true);
        return;
    }
    if (c->ready_wanted) {
        c->ready_wanted = false;
        c->state = CONNECTION_READY;
        event_timer_start(c->timer, c->options.keepalive_ms, c->options.keepalive_ms);
        c->options.events->on_ready(c->options.ctx);
    }
    if (c->session == NULL)
        return;
    bool unused = (c->drained || c->when_idle) && h2_session_streams(c->session) == 0;
    if (unused || h2_session_is_over(c->session))
        connection_fail(c, NULL, true);
}

static void
connection_pump(struct h2_connection *c)
{
    struct error err = ERROR_INIT;
    if (c->in_event)
        return;
    if (c->session != NULL) {
        c->in_event = true;
        int rc = h2_session_flush(c->session, &err);
        c->in_event = false;
        if (rc != 0 || tls_stream_flush(c->tls, &err) != 0) {
            connection_fail(c, &err, true);
            return;
        }
    }
    connection_write(c);
    connection_settle(c);
}

static int
on_session_output(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    const struct h2_connection *c = ctx;

    return tls_stream_write(c->tls, data, len, err);
}

static bool
on_session_room(void *ctx)
{
    const struct h2_connection *c = ctx;
    size_t high = OUTPUT_HIGH + (c->state == CONNECTION_LINGERING ? OUTPUT_LAST : 0);

    return tls_stream_pending(c->tls) < high;
}

static void
on_session_request(void *ctx, struct h2_stream *stream, const struct h2_headers *headers)
{
    struct h2_connection *c = ctx;

    c->options.events->on_request(c->options.ctx, stream, headers);
}

static void
on_session_settings(void *ctx)
{
    struct h2_connection *c = ctx;

    c->ready_wanted = true;
}

static void
on_session_goaway(void *ctx, uint32_t code, const char *text)
{
    struct h2_connection *c = ctx;

    if (code == H2_NO_ERROR) {
        if (c->options.events->on_goaway != NULL)
            c->options.events->on_goaway(c->options.ctx);
        return;
    }
    enum error_kind kind = code == H2_INADEQUATE_SECURITY ? ERROR_DENIED
                           : code == H2_ENHANCE_YOUR_CALM ? ERROR_THROTTLED
                                                          : ERROR_NETWORK;
    FAIL(&c->close_reason, kind, (int)code, "the peer ended the connection: %s", text[0] != '\0' ? text : "no reason");
    c->close_wanted = true;
}

static void
on_session_pong(void *ctx)
{
    struct h2_connection *c = ctx;

    if (!c->draining || c->drained)
        return;
    c->drained = true;
    h2_session_drain(c->session);
}

static int
start_session(struct h2_connection *c, struct error *err)
{
    struct h2_events *events = &c->session_events;
    *events = *c->options.stream_events;
    events->on_request = on_session_request;
    events->on_settings = on_session_settings;
    events->on_goaway = on_session_goaway;
    events->on_pong = on_session_pong;
    struct h2_session_options options = { .server = c->options.server,
                                          .events = events,
                                          .ctx = c,
                                          .has_room = on_session_room,
                                          .sink = on_session_output,
                                          .sink_ctx = c };
    c->session = h2_session_new(&options, err);
    if (c->session == NULL)
        return -1;
    c->state = CONNECTION_OPENING;
    return 0;
}

/* 1: plaintext can be read; 0: not yet, or over. */
static int
finish_handshake(struct h2_connection *c)
{
    struct error err = ERROR_INIT;
    int rc = tls_stream_handshake(c->tls, &err);
    if (rc == 0) {
        connection_write(c);
        return 0;
    }
    if (rc > 0) {
        char address[sizeof(c->peer.address)];
        memcpy(address, c->peer.address, sizeof(address));
        c->peer = *tls_stream_peer(c->tls);
        memcpy(c->peer.address, address, sizeof(address));
        rc = start_session(c, &err) == 0 ? 1 : -1;
    }
    if (rc < 0) {
        connection_fail(c, &err, true);
        return 0;
    }
    if (c->options.events->on_peer != NULL && c->options.events->on_peer(c->options.ctx, &c->peer, &err) != 0) {
        h2_connection_close(c, H2_INADEQUATE_SECURITY, &err);
        return 0;
    }
    return 1;
}

static const char *
closed_when(const struct h2_connection *c)
{
    if (c->state == CONNECTION_HANDSHAKE)
        return " during the TLS handshake";
    if (c->state == CONNECTION_OPENING && !c->options.server)
        return " right after the TLS handshake: it may not accept our certificate";
    return "";
}

static void
connection_receive(struct h2_connection *c, const uint8_t *data, size_t len)
{
    struct error err = ERROR_INIT;
    c->heard = true;
    tls_stream_feed(c->tls, data, len);
    if (c->state == CONNECTION_HANDSHAKE && finish_handshake(c) != 1)
        return;
    while (c->state < CONNECTION_LINGERING && !c->close_wanted) {
        uint8_t plain[16 << 10];
        bool ended;
        int n = tls_stream_read(c->tls, plain, sizeof(plain), &ended, &err);
        if (n == 0 && !ended)
            break;
        if (n == 0)
            n = FAIL(&err, ERROR_NETWORK, 0, "the peer closed the connection%s", closed_when(c));
        c->in_event = true;
        if (n > 0 && h2_session_receive(c->session, plain, (size_t)n, &err) != 0)
            n = -1;
        c->in_event = false;
        if (n < 0) {
            connection_fail(c, c->close_wanted && error_is_set(&c->close_reason) ? &c->close_reason : &err, true);
            return;
        }
    }
    if (c->state < CONNECTION_LINGERING)
        connection_pump(c);
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    const struct h2_connection *c = handle->data;
    size_t len;

    (void)suggested;
    uint8_t *buffer = net_pool_read_buffer(c->options.pool, &len);
    *buf = uv_buf_init((char *)buffer, (unsigned)len);
}

static void
on_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf)
{
    struct h2_connection *c = tcp->data;

    if (c->state == CONNECTION_CLOSING || n == 0)
        return;
    if (n > 0) {
        if (c->state != CONNECTION_LINGERING)
            connection_receive(c, (const uint8_t *)buf->base, (size_t)n);
        return;
    }
    struct error err = ERROR_INIT;
    if (n == UV_EOF)
        FAIL(&err, ERROR_NETWORK, 0, "the peer closed the connection%s", closed_when(c));
    else
        FAIL(&err, ERROR_NETWORK, (int)n, "the connection broke: %s", uv_strerror((int)n));
    connection_fail(c, &err, false);
    connection_destroy(c);
}

static void
read_address(struct h2_connection *c)
{
    struct sockaddr_storage address;
    int len = sizeof(address);
    char text[INET6_ADDRSTRLEN] = "";
    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&address, &len) != 0)
        return;
    unsigned port = 0;
    if (address.ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, &address, sizeof(in6));
        uv_ip6_name(&in6, text, sizeof(text));
        port = ntohs(in6.sin6_port);
        snprintf(c->peer.address, sizeof(c->peer.address), "[%s]:%u", text, port);
    } else {
        struct sockaddr_in in4;
        memcpy(&in4, &address, sizeof(in4));
        uv_ip4_name(&in4, text, sizeof(text));
        port = ntohs(in4.sin_port);
        snprintf(c->peer.address, sizeof(c->peer.address), "%s:%u", text, port);
    }
}

static int
start_tls(struct h2_connection *c, struct error *err)
{
    struct tls_stream_options options = {
        .context = c->tls_context, .pool = c->options.pool, .host = c->host, .expected_node = c->expected_node
    };
    uv_tcp_nodelay(&c->tcp, 1);
    read_address(c);
    c->tls = tls_stream_new(&options, err);
    if (c->tls == NULL)
        return -1;
    c->state = CONNECTION_HANDSHAKE;
    int rc = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
    if (rc != 0)
        return FAIL(err, ERROR_NETWORK, rc, "cannot read from the socket: %s", uv_strerror(rc));
    if (!c->options.server && tls_stream_handshake(c->tls, err) < 0)
        return -1;
    connection_write(c);
    return 0;
}

static void
on_connected(uv_connect_t *request, int status)
{
    struct h2_connection *c = request->data;
    struct error err = ERROR_INIT;

    if (c->state != CONNECTION_CONNECTING)
        return;
    if (status != 0)
        FAIL(&err, ERROR_NETWORK, status, "%s", uv_strerror(status));
    else
        start_tls(c, &err);
    if (error_is_set(&err))
        connection_fail(c, &err, false);
}

static void
keep_alive(struct h2_connection *c)
{
    if (c->heard) {
        c->heard = c->pinged = false;
    } else if (!c->pinged) {
        c->pinged = true;
        h2_session_ping(c->session);
        connection_pump(c);
    } else {
        struct error err = ERROR_INIT;
        FAIL(&err, ERROR_NETWORK, 0, "the peer has been silent for %u ms and does not answer pings",
             2 * c->options.keepalive_ms);
        connection_fail(c, &err, false);
    }
}

static void
on_timer(void *ctx)
{
    struct h2_connection *c = ctx;
    struct error err = ERROR_INIT;

    switch (c->state) {
    case CONNECTION_CONNECTING:
    case CONNECTION_HANDSHAKE:
    case CONNECTION_OPENING:
        FAIL(&err, ERROR_TIMEOUT, 0, "no %s after %u ms",
             c->state == CONNECTION_CONNECTING ? "answer" : "finished handshake", c->options.handshake_ms);
        connection_fail(c, &err, false);
        break;
    case CONNECTION_READY:
        keep_alive(c);
        break;
    case CONNECTION_LINGERING:
        connection_destroy(c);
        break;
    case CONNECTION_CLOSING:
        break;
    }
}

static struct h2_connection *
connection_new(const struct h2_connection_options *options, struct error *err)
{
    struct h2_connection *c = MEMORY_NEW(struct h2_connection);
    int rc = uv_tcp_init(event_loop_uv(options->loop), &c->tcp);
    if (rc != 0) {
        FAIL(err, ERROR_INTERNAL, rc, "cannot make a socket: %s", uv_strerror(rc));
        event_loop_post(options->loop, options->events->on_freed, options->ctx);
        free(c);
        return NULL;
    }
    c->tcp.data = c;
    c->options = *options;
    c->tls_context = tls_context_retain(options->tls);
    if (options->host != NULL)
        c->host = memory_strdup(options->host);
    if (options->expected_node != NULL)
        c->expected_node = memory_strdup(options->expected_node);
    c->options.host = c->options.expected_node = NULL;
    c->timer = event_timer_new(options->loop, on_timer, c);
    event_timer_start(c->timer, options->handshake_ms, 0);
    return c;
}

struct h2_connection *
h2_connection_accept(const struct h2_connection_options *options, uv_stream_t *listener, struct error *err)
{
    struct h2_connection *c = connection_new(options, err);
    if (c == NULL)
        return NULL;
    int rc = uv_accept(listener, (uv_stream_t *)&c->tcp);
    if (rc != 0)
        FAIL(err, ERROR_NETWORK, rc, "cannot accept a connection: %s", uv_strerror(rc));
    if (rc != 0 || start_tls(c, err) != 0) {
        /* Nobody knows it yet: on_freed alone tells that it is gone. */
        c->state = CONNECTION_LINGERING;
        connection_destroy(c);
        return NULL;
    }
    return c;
}

struct h2_connection *
h2_connection_connect(const struct h2_connection_options *options, const struct sockaddr *address, struct error *err)
{
    struct h2_connection *c = connection_new(options, err);
    if (c == NULL)
        return NULL;
    c->connecting.data = c;
    int rc = uv_tcp_connect(&c->connecting, &c->tcp, address, on_connected);
    if (rc != 0) {
        FAIL(err, ERROR_NETWORK, rc, "%s", uv_strerror(rc));
        c->state = CONNECTION_LINGERING;
        connection_destroy(c);
        return NULL;
    }
    return c;
}

void
h2_connection_close(struct h2_connection *c, uint32_t code, const struct error *reason)
{
    if (c->state >= CONNECTION_LINGERING || c->close_wanted)
        return;
    c->close_wanted = true;
    c->close_code = code;
    if (reason != NULL)
        c->close_reason = *reason;
    connection_settle(c);
}

void
h2_connection_abort(struct h2_connection *c, const struct error *reason)
{
    h2_connection_close(c, H2_NO_ERROR, reason);
    connection_destroy(c);
}

void
h2_connection_drain(struct h2_connection *c)
{
    if (c->state >= CONNECTION_LINGERING || c->draining)
        return;
    if (c->session == NULL) {
        h2_connection_close(c, H2_NO_ERROR, NULL);
        return;
    }
    c->draining = true;
    h2_session_drain_notice(c->session);
    h2_session_ping(c->session);
    connection_pump(c);
}

void
h2_connection_close_when_idle(struct h2_connection *c)
{
    c->when_idle = true;
    connection_settle(c);
}

void
h2_connection_flush(struct h2_connection *c)
{
    if (c->state < CONNECTION_LINGERING)
        connection_pump(c);
}

struct h2_session *
h2_connection_session(struct h2_connection *c)
{
    return c->state == CONNECTION_READY ? c->session : NULL;
}

const struct error *
h2_connection_reason(const struct h2_connection *c)
{
    return &c->close_reason;
}

const struct tls_peer *
h2_connection_peer(const struct h2_connection *c)
{
    return &c->peer;
}
