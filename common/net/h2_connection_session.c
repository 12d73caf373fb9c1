#include "common/net/h2_connection_internal.h"

#define OUTPUT_HIGH ((size_t)512 << 10) /* ciphertext that waits; the session is asked for no more above it */
#define OUTPUT_LAST ((size_t)64 << 10)  /* extra for what a closing connection still says */

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

int
h2_connection_session_start(struct h2_connection *c, struct error *err)
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

void
h2_connection_session_close(struct h2_connection *c)
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
