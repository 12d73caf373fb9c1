#ifndef LONGHAUL_COMMON_NET_H2_SESSION_INTERNAL_H
#define LONGHAUL_COMMON_NET_H2_SESSION_INTERNAL_H

/* What h2_session.c and h2_stream.c share. */

#include "common/net/h2_session.h"

#include <nghttp2/nghttp2.h>

struct h2_stream {
    struct h2_session *session;
    struct h2_stream *next, **link;
    int32_t id;
    void *data;
    struct h2_headers incoming;
    struct h2_headers trailers; /* to be sent after the last block */
    bool finish, with_trailers, trailers_queued;
    bool responded, deferred, remote_ended;
    struct h2_block *out, **out_tail;
    size_t out_at;    /* sent bytes of the first block */
    size_t out_bytes; /* left in all blocks */
};

struct h2_session {
    nghttp2_session *engine;
    struct h2_session_options options;
    struct h2_stream *streams;
    size_t stream_count;
    bool settings_seen;
    struct error *sink_error; /* during a flush */
};

struct h2_stream *h2_stream_new(struct h2_session *session, int32_t id);
void h2_stream_free(struct h2_stream *stream);
nghttp2_data_provider h2_stream_provider(struct h2_stream *stream);
int h2_stream_on_send_data(nghttp2_session *engine, nghttp2_frame *frame, const uint8_t *head, size_t len,
                           nghttp2_data_source *source, void *ctx);
static inline bool
h2_session_has_room(const struct h2_session *session)
{
    return session->options.has_room == NULL || session->options.has_room(session->options.sink_ctx);
}

/* Room for H2_HEADERS_COUNT fields in out; returns how many there are. */
size_t h2_stream_fields(const struct h2_headers *headers, nghttp2_nv *out);

#endif
