#include "common/net/h2_connection.h"

#include "common/base/memory.h"
#include "common/loop/event_loop.h"
#include "common/net/h2_connection_internal.h"
#include "common/net/net_pool.h"

#include <stdlib.h>

#define LINGER_MS  2000
#define WRITE_BUFS 16

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

void
h2_connection_destroy(struct h2_connection *c)
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
        h2_connection_destroy(c);
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
        h2_connection_fail(c, &err, false);
        h2_connection_destroy(c);
        return;
    }
    h2_connection_pump(c);
}

void
h2_connection_write(struct h2_connection *c)
{
    if (c->in_flight != NULL || c->tls == NULL || c->state == CONNECTION_CLOSING)
        return;
    c->in_flight = tls_stream_take(c->tls);
    if (c->in_flight == NULL) {
        if (c->state == CONNECTION_LINGERING && c->shutting.data == NULL) {
            c->shutting.data = c;
            if (uv_shutdown(&c->shutting, (uv_stream_t *)&c->tcp, on_half_closed) != 0)
                h2_connection_destroy(c);
        }
        return;
    }
    uv_buf_t bufs[WRITE_BUFS]; /* the session's room, one frame and the first small chunk need 5 at the most */
    unsigned count = 0;
    for (struct net_chunk *chunk = c->in_flight; chunk != NULL; chunk = chunk->next) {
        if (count == WRITE_BUFS)
            abort();
        bufs[count++] = uv_buf_init((char *)chunk->bytes, (unsigned)chunk->len);
    }
    c->writing.data = c;
    int rc = uv_write(&c->writing, (uv_stream_t *)&c->tcp, bufs, count, on_written);
    if (rc != 0) {
        struct error err = ERROR_INIT;
        FAIL(&err, ERROR_NETWORK, rc, "the connection broke: %s", uv_strerror(rc));
        give_back(c, c->in_flight);
        c->in_flight = NULL;
        h2_connection_fail(c, &err, false);
        h2_connection_destroy(c);
    }
}

void
h2_connection_fail(struct h2_connection *c, const struct error *reason, bool linger)
{
    if (c->state >= CONNECTION_LINGERING)
        return;
    bool connected = c->state != CONNECTION_CONNECTING;
    c->state = CONNECTION_LINGERING;
    if (reason != NULL && reason != &c->close_reason)
        c->close_reason = *reason;
    h2_connection_session_close(c);
    if (connected)
        h2_connection_write(c);
    c->options.events->on_closed(c->options.ctx, reason);
    if (!connected || !linger)
        h2_connection_destroy(c);
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
        h2_connection_fail(c, error_is_set(&reason) ? &reason : NULL, true);
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
        h2_connection_fail(c, NULL, true);
}

void
h2_connection_pump(struct h2_connection *c)
{
    struct error err = ERROR_INIT;
    if (c->in_event)
        return;
    if (c->session != NULL) {
        c->in_event = true;
        int rc = h2_session_flush(c->session, &err);
        c->in_event = false;
        if (rc != 0 || tls_stream_flush(c->tls, &err) != 0) {
            h2_connection_fail(c, &err, true);
            return;
        }
    }
    h2_connection_write(c);
    connection_settle(c);
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
        h2_connection_input_start(c, &err);
    if (error_is_set(&err))
        h2_connection_fail(c, &err, false);
}

static void
keep_alive(struct h2_connection *c)
{
    if (c->heard) {
        c->heard = c->pinged = false;
    } else if (!c->pinged) {
        c->pinged = true;
        h2_session_ping(c->session);
        h2_connection_pump(c);
    } else {
        struct error err = ERROR_INIT;
        FAIL(&err, ERROR_NETWORK, 0, "the peer has been silent for %u ms and does not answer pings",
             2 * c->options.keepalive_ms);
        h2_connection_fail(c, &err, false);
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
        h2_connection_fail(c, &err, false);
        break;
    case CONNECTION_READY:
        keep_alive(c);
        break;
    case CONNECTION_LINGERING:
        h2_connection_destroy(c);
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
    if (rc != 0 || h2_connection_input_start(c, err) != 0) {
        /* Nobody knows it yet: on_freed alone tells that it is gone. */
        c->state = CONNECTION_LINGERING;
        h2_connection_destroy(c);
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
        h2_connection_destroy(c);
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
    h2_connection_destroy(c);
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
    h2_connection_pump(c);
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
        h2_connection_pump(c);
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
