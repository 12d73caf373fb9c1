#include "common/net/h2_session.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/net/h2_session_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct h2_stream *
stream_of(nghttp2_session *engine, int32_t id)
{
    return id > 0 ? nghttp2_session_get_stream_user_data(engine, id) : NULL;
}

static int
on_begin_headers(nghttp2_session *engine, const nghttp2_frame *frame, void *ctx)
{
    struct h2_session *session = ctx;

    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    struct h2_stream *stream = stream_of(engine, frame->hd.stream_id);
    if (session->options.server && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        stream = h2_stream_new(session, frame->hd.stream_id);
        nghttp2_session_set_stream_user_data(engine, frame->hd.stream_id, stream);
    } else if (stream != NULL) {
        h2_headers_clear(&stream->incoming);
    }
    return 0;
}

static int
on_header(nghttp2_session *engine, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
          const uint8_t *value, size_t value_len, uint8_t flags, void *ctx)
{
    (void)flags;
    (void)ctx;
    struct h2_stream *stream = stream_of(engine, frame->hd.stream_id);
    if (stream == NULL || frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    if (h2_headers_add(&stream->incoming, name, name_len, value, value_len, NULL) != 0)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return 0;
}

static void
receive_headers(struct h2_session *session, struct h2_stream *stream, const nghttp2_frame *frame)
{
    const struct h2_events *events = session->options.events;
    if (session->options.server) {
        if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
            events->on_request(session->options.ctx, stream, &stream->incoming);
    } else if (stream->data != NULL) {
        events->on_headers(stream->data, &stream->incoming);
    }
}

static void
receive_goaway(struct h2_session *session, const nghttp2_goaway *frame)
{
    char text[256];
    size_t len = frame->opaque_data_len < sizeof(text) - 1 ? frame->opaque_data_len : sizeof(text) - 1;
    if (len > 0)
        memcpy(text, frame->opaque_data, len);
    text[len] = '\0';
    for (size_t i = 0; i < len; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e)
            text[i] = '?';
    }
    session->options.events->on_goaway(session->options.ctx, frame->error_code, text);
}

static int
on_frame_received(nghttp2_session *engine, const nghttp2_frame *frame, void *ctx)
{
    struct h2_session *session = ctx;
    const struct h2_events *events = session->options.events;
    struct h2_stream *stream = stream_of(engine, frame->hd.stream_id);

    if (frame->hd.type == NGHTTP2_SETTINGS && !(frame->hd.flags & NGHTTP2_FLAG_ACK) && !session->settings_seen) {
        session->settings_seen = true;
        events->on_settings(session->options.ctx);
    } else if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK)) {
        events->on_pong(session->options.ctx);
    } else if (frame->hd.type == NGHTTP2_GOAWAY) {
        receive_goaway(session, &frame->goaway);
    } else if (frame->hd.type == NGHTTP2_HEADERS && stream != NULL) {
        receive_headers(session, stream, frame);
    }
    bool ends = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (ends && stream != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
        stream->remote_ended = true;
        if (stream->data != NULL)
            events->on_end(stream->data);
    }
    return 0;
}

static int
on_data_received(nghttp2_session *engine, uint8_t flags, int32_t id, const uint8_t *data, size_t len, void *ctx)
{
    struct h2_session *session = ctx;
    struct h2_stream *stream = stream_of(engine, id);

    (void)flags;
    nghttp2_session_consume_connection(engine, len);
    if (stream != NULL && stream->data != NULL)
        session->options.events->on_data(stream->data, data, len);
    else
        nghttp2_session_consume_stream(engine, id, len);
    return 0;
}

static int
on_stream_closed(nghttp2_session *engine, int32_t id, uint32_t code, void *ctx)
{
    struct h2_session *session = ctx;
    struct h2_stream *stream = stream_of(engine, id);

    if (stream == NULL)
        return 0;
    nghttp2_session_set_stream_user_data(engine, id, NULL);
    if (stream->data != NULL)
        session->options.events->on_close(stream->data, code);
    h2_stream_free(stream);
    return 0;
}

static int
on_frame_sent(nghttp2_session *engine, const nghttp2_frame *frame, void *ctx)
{
    const struct h2_session *session = ctx;
    bool ends = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    struct h2_stream *stream = ends ? stream_of(engine, frame->hd.stream_id) : NULL;

    /* A server that has answered in full does not want the rest of the request (RFC 9113, 8.1). */
    if (stream != NULL && session->options.server && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) &&
        !stream->remote_ended)
        nghttp2_submit_rst_stream(engine, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
    return 0;
}

static int
on_frame_not_sent(nghttp2_session *engine, const nghttp2_frame *frame, int code, void *ctx)
{
    const struct h2_session *session = ctx;
    struct h2_stream *stream = stream_of(engine, frame->hd.stream_id);

    (void)code;
    /* A request that cannot be sent is closed by the engine; a response is not. */
    if (stream != NULL && session->options.server && frame->hd.type == NGHTTP2_HEADERS)
        nghttp2_submit_rst_stream(engine, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_INTERNAL_ERROR);
    return 0;
}

static ssize_t
on_send(nghttp2_session *engine, const uint8_t *data, size_t len, int flags, void *ctx)
{
    const struct h2_session *session = ctx;

    (void)engine;
    (void)flags;
    if (!h2_session_has_room(session))
        return NGHTTP2_ERR_WOULDBLOCK;
    if (session->options.sink(session->options.sink_ctx, data, len, session->sink_error) != 0)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    return (ssize_t)len;
}

static ssize_t
on_frame_length(nghttp2_session *engine, uint8_t type, int32_t id, int32_t connection_window, int32_t stream_window,
                uint32_t frame_max, void *ctx)
{
    const struct h2_stream *stream = stream_of(engine, id);

    (void)type;
    (void)connection_window;
    (void)stream_window;
    (void)ctx;
    size_t len = stream != NULL ? stream->out_bytes : 0;
    if (len < 16384)
        return 16384;
    if (len > H2_MAX_FRAME)
        len = H2_MAX_FRAME;
    return (ssize_t)(len < frame_max ? len : frame_max);
}

static nghttp2_session_callbacks *
callbacks_new(void)
{
    nghttp2_session_callbacks *callbacks = NULL;
    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        abort();
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_received);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_closed);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_sent);
    nghttp2_session_callbacks_set_send_callback(callbacks, on_send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, h2_stream_on_send_data);
    nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks, on_frame_length);
    return callbacks;
}

static nghttp2_option *
limits_new(void)
{
    nghttp2_option *option = NULL;
    if (nghttp2_option_new(&option) != 0)
        abort();
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_peer_max_concurrent_streams(option, H2_MAX_STREAMS);
    nghttp2_option_set_max_reserved_remote_streams(option, 0);
    nghttp2_option_set_max_send_header_block_length(option, 2 * H2_HEADERS_BYTES);
    nghttp2_option_set_max_outbound_ack(option, 256);
    nghttp2_option_set_max_settings(option, 32);
    nghttp2_option_set_stream_reset_rate_limit(option, 1000, 50);
    nghttp2_option_set_max_continuations(option, 8);
    return option;
}

static int
queue_preface(struct h2_session *session)
{
    bool server = session->options.server;
    nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, server ? H2_MAX_STREAMS : 0 },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, server ? H2_WINDOW_WAITING : H2_WINDOW_ACTIVE },
        { NGHTTP2_SETTINGS_MAX_FRAME_SIZE, (uint32_t)H2_MAX_FRAME },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)H2_HEADERS_BYTES },
        { NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
    };
    int rc = nghttp2_submit_settings(session->engine, NGHTTP2_FLAG_NONE, settings, ARRAY_LEN(settings));
    if (rc == 0)
        rc = nghttp2_session_set_local_window_size(session->engine, NGHTTP2_FLAG_NONE, 0, H2_WINDOW_CONNECTION);
    return rc;
}

struct h2_session *
h2_session_new(const struct h2_session_options *options, struct error *err)
{
    struct h2_session *session = MEMORY_NEW(struct h2_session);
    session->options = *options;
    nghttp2_session_callbacks *callbacks = callbacks_new();
    nghttp2_option *limits = limits_new();
    int rc = options->server ? nghttp2_session_server_new2(&session->engine, callbacks, session, limits)
                             : nghttp2_session_client_new2(&session->engine, callbacks, session, limits);
    nghttp2_option_del(limits);
    nghttp2_session_callbacks_del(callbacks);
    if (rc == 0)
        rc = queue_preface(session);
    if (rc != 0) {
        FAIL(err, ERROR_INTERNAL, rc, "cannot start HTTP/2: %s", nghttp2_strerror(rc));
        h2_session_free(session);
        return NULL;
    }
    return session;
}

void
h2_session_free(struct h2_session *session)
{
    if (session == NULL)
        return;
    while (session->streams != NULL) {
        struct h2_stream *stream = session->streams;
        if (stream->data != NULL)
            session->options.events->on_close(stream->data, H2_CONNECTION_LOST);
        h2_stream_free(stream);
    }
    nghttp2_session_del(session->engine);
    free(session);
}

int
h2_session_receive(struct h2_session *session, const uint8_t *data, size_t len, struct error *err)
{
    ssize_t n = nghttp2_session_mem_recv(session->engine, data, len);
    if (n == NGHTTP2_ERR_BAD_CLIENT_MAGIC)
        return FAIL(err, ERROR_UNSUPPORTED, (int)n, "the peer does not speak HTTP/2");
    if (n < 0)
        return FAIL(err, ERROR_NETWORK, (int)n, "HTTP/2: %s", nghttp2_strerror((int)n));
    return 0;
}

int
h2_session_flush(struct h2_session *session, struct error *err)
{
    session->sink_error = err;
    int rc = nghttp2_session_send(session->engine);
    session->sink_error = NULL;
    if (rc != 0)
        return FAIL(err, ERROR_NETWORK, rc, "HTTP/2: %s", nghttp2_strerror(rc));
    return 0;
}

bool
h2_session_is_over(const struct h2_session *session)
{
    return !nghttp2_session_want_read(session->engine) && !nghttp2_session_want_write(session->engine);
}

size_t
h2_session_streams(const struct h2_session *session)
{
    return session->stream_count;
}

void
h2_session_ping(struct h2_session *session)
{
    nghttp2_submit_ping(session->engine, NGHTTP2_FLAG_NONE, NULL);
}

void
h2_session_drain_notice(struct h2_session *session)
{
    nghttp2_submit_shutdown_notice(session->engine);
}

void
h2_session_drain(struct h2_session *session)
{
    int32_t last = nghttp2_session_get_last_proc_stream_id(session->engine);
    nghttp2_submit_goaway(session->engine, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
}

void
h2_session_terminate(struct h2_session *session, uint32_t code, const char *text)
{
    int32_t last = nghttp2_session_get_last_proc_stream_id(session->engine);
    nghttp2_submit_goaway(session->engine, NGHTTP2_FLAG_NONE, last, code, (const uint8_t *)text, strlen(text));
}

struct h2_stream *
h2_session_request(struct h2_session *session, const struct h2_headers *headers, void *data, struct error *err)
{
    nghttp2_nv fields[H2_HEADERS_COUNT];
    size_t count = h2_stream_fields(headers, fields);
    struct h2_stream *stream = h2_stream_new(session, 0);
    nghttp2_data_provider provider = h2_stream_provider(stream);
    int32_t id = nghttp2_submit_request(session->engine, NULL, fields, count, &provider, stream);
    if (id < 0) {
        h2_stream_free(stream);
        FAIL(err, ERROR_NETWORK, id, "HTTP/2: cannot open a stream: %s", nghttp2_strerror(id));
        return NULL;
    }
    stream->id = id;
    stream->data = data;
    return stream;
}
