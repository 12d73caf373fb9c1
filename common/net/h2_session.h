#ifndef LONGHAUL_COMMON_NET_H2_SESSION_H
#define LONGHAUL_COMMON_NET_H2_SESSION_H

/* HTTP/2 (RFC 9113) as bytes in, bytes out: nghttp2 with limits set for peers that are not trusted yet. No I/O,
 * one thread. Events are called from h2_session_receive() and h2_session_flush(); an event may call every
 * h2_stream_* function, but none of h2_session_receive, _flush, _free.
 *
 * Flow control: the connection's window is given back as bytes arrive, so that a stream which nobody reads never
 * stops the others; a stream's window is given back as the owner consumes (h2_stream_consume). Memory is bounded
 * by the sum of the streams' windows: H2_WINDOW_WAITING for each stream that a peer has opened, H2_WINDOW_ACTIVE
 * for those that the owner has widened. */

#include "common/net/h2_headers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct h2_session;
struct h2_stream;

#define H2_WINDOW_CONNECTION (32 << 20)
#define H2_WINDOW_ACTIVE     (8 << 20)
#define H2_WINDOW_WAITING    (256 << 10)
#define H2_MAX_STREAMS       128
#define H2_MAX_FRAME         ((size_t)256 << 10)

/* https://www.rfc-editor.org/rfc/rfc9113#name-error-codes */
enum h2_code {
    H2_NO_ERROR = 0,
    H2_PROTOCOL_ERROR = 1,
    H2_INTERNAL_ERROR = 2,
    H2_REFUSED_STREAM = 7,
    H2_CANCEL = 8,
    H2_ENHANCE_YOUR_CALM = 11,
    H2_INADEQUATE_SECURITY = 12,
    H2_CONNECTION_LOST = 0x7fffffff, /* ours, never on the wire: the session ended with the stream open */
};

/* `data` is what h2_stream_set_data() has set; events of a stream are left out while it is NULL. */
struct h2_events {
    void (*on_request)(void *ctx, struct h2_stream *stream, const struct h2_headers *headers); /* server */
    void (*on_headers)(void *data, const struct h2_headers *headers); /* response, then perhaps trailers */
    void (*on_data)(void *data, const uint8_t *bytes, size_t len);
    void (*on_end)(void *data);                  /* the peer has ended its side */
    void (*on_sent)(void *data, size_t len);     /* bytes of blocks that were handed to the sink */
    void (*on_close)(void *data, uint32_t code); /* last; the stream is gone */
    void (*on_settings)(void *ctx);              /* the peer's first */
    void (*on_goaway)(void *ctx, uint32_t code, const char *text);
    void (*on_pong)(void *ctx);
};

struct h2_session_options {
    bool server;
    const struct h2_events *events; /* static */
    void *ctx;
    /* Where output goes. Asked before each frame; false: h2_session_flush() again later. May be NULL: always. */
    bool (*has_room)(void *sink_ctx);
    /* Pieces of a frame, all of which must be taken. */
    int (*sink)(void *sink_ctx, const uint8_t *data, size_t len, struct error *err);
    void *sink_ctx;
};

/* Queues the preface. */
struct h2_session *h2_session_new(const struct h2_session_options *options, struct error *err);
/* Streams that are left get on_close with H2_CONNECTION_LOST. */
void h2_session_free(struct h2_session *session);

int h2_session_receive(struct h2_session *session, const uint8_t *data, size_t len, struct error *err);
/* Hand queued frames to the sink until it is full or nothing is left. */
int h2_session_flush(struct h2_session *session, struct error *err);
/* Nothing will ever happen again: the connection can be closed after the flush. */
bool h2_session_is_over(const struct h2_session *session);
size_t h2_session_streams(const struct h2_session *session);

void h2_session_ping(struct h2_session *session);
/* Server: announce that new streams will be refused soon, then from now on (RFC 9113, 6.8). */
void h2_session_drain_notice(struct h2_session *session);
void h2_session_drain(struct h2_session *session);
/* Queue the last GOAWAY, with a text for the peer's operator. */
void h2_session_terminate(struct h2_session *session, uint32_t code, const char *text);

/* Client: NULL when no stream can be opened any more. headers are copied. */
struct h2_stream *h2_session_request(struct h2_session *session, const struct h2_headers *headers, void *data,
                                     struct error *err);

/* One piece of a stream's body. The bytes are sent from where they are. */
struct h2_block {
    struct h2_block *next;
    size_t len;
    uint8_t bytes[];
};

/* NULL with ERROR_LIMIT when memory is out. */
struct h2_block *h2_block_new(size_t len, struct error *err);
void h2_block_free_list(struct h2_block *list);

void h2_stream_set_data(struct h2_stream *stream, void *data);
/* Server: send the response's headers; once, before anything else. with_body false: they end the stream. */
void h2_stream_respond(struct h2_stream *stream, const struct h2_headers *headers, bool with_body);
/* Takes a list of blocks. */
void h2_stream_write(struct h2_stream *stream, struct h2_block *list);
/* Bytes written that the sink has not taken yet. */
size_t h2_stream_unsent(const struct h2_stream *stream);
/* Nothing follows what was written; trailers (copied) may be NULL. */
void h2_stream_finish(struct h2_stream *stream, const struct h2_headers *trailers);
void h2_stream_reset(struct h2_stream *stream, uint32_t code);
void h2_stream_consume(struct h2_stream *stream, size_t len);
/* Let the peer send up to H2_WINDOW_ACTIVE ahead. */
void h2_stream_widen(struct h2_stream *stream);

#endif
