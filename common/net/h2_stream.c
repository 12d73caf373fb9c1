#include "common/base/block_cache.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/net/h2_session_internal.h"

#include <stdlib.h>

#define FRAME_HEAD 9

struct h2_block *
h2_block_new(size_t len, struct error *err)
{
    struct h2_block *block = len < SIZE_MAX - sizeof(*block) ? block_cache_take(sizeof(*block) + len) : NULL;
    if (block == NULL) {
        FAIL(err, ERROR_LIMIT, 0, "out of memory for %zu bytes", len);
        return NULL;
    }
    block->next = NULL;
    block->len = len;
    return block;
}

void
h2_block_free_list(struct h2_block *list)
{
    while (list != NULL) {
        struct h2_block *next = list->next;
        block_cache_give(list);
        list = next;
    }
}

struct h2_stream *
h2_stream_new(struct h2_session *session, int32_t id)
{
    struct h2_stream *stream = MEMORY_NEW(struct h2_stream);
    stream->session = session;
    stream->id = id;
    stream->out_tail = &stream->out;
    h2_headers_init(&stream->incoming);
    h2_headers_init(&stream->trailers);
    stream->link = &session->streams;
    stream->next = session->streams;
    if (stream->next != NULL)
        stream->next->link = &stream->next;
    session->streams = stream;
    session->stream_count++;
    return stream;
}

void
h2_stream_free(struct h2_stream *stream)
{
    *stream->link = stream->next;
    if (stream->next != NULL)
        stream->next->link = stream->link;
    stream->session->stream_count--;
    h2_block_free_list(stream->out);
    h2_headers_clear(&stream->incoming);
    h2_headers_clear(&stream->trailers);
    free(stream);
}

size_t
h2_stream_fields(const struct h2_headers *headers, nghttp2_nv *out)
{
    for (size_t i = 0; i < headers->count; i++) {
        struct h2_field field = h2_headers_at(headers, i);
        out[i] = (nghttp2_nv){ .name = (uint8_t *)(uintptr_t)field.name,
                               .namelen = field.name_len,
                               .value = (uint8_t *)(uintptr_t)field.value,
                               .valuelen = field.value_len };
    }
    return headers->count;
}

static void
queue_trailers(struct h2_stream *stream)
{
    nghttp2_nv fields[H2_HEADERS_COUNT];
    size_t count = h2_stream_fields(&stream->trailers, fields);
    stream->trailers_queued = true;
    nghttp2_submit_trailer(stream->session->engine, stream->id, fields, count);
}

static ssize_t
on_read_source(nghttp2_session *engine, int32_t id, uint8_t *out, size_t room, uint32_t *flags,
               nghttp2_data_source *source, void *ctx)
{
    struct h2_stream *stream = source->ptr;

    (void)engine;
    (void)id;
    (void)out;
    (void)ctx;
    size_t len = stream->out_bytes < room ? stream->out_bytes : room;
    bool last = stream->finish && len == stream->out_bytes;
    if (len == 0 && !last) {
        stream->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (last) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (stream->with_trailers) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            queue_trailers(stream);
        }
    }
    return (ssize_t)len;
}

nghttp2_data_provider
h2_stream_provider(struct h2_stream *stream)
{
    return (nghttp2_data_provider){ .source = { .ptr = stream }, .read_callback = on_read_source };
}

static int
write_blocks(struct h2_stream *stream, size_t len)
{
    const struct h2_session_options *options = &stream->session->options;
    while (len > 0) {
        struct h2_block *block = stream->out;
        if (block == NULL)
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        size_t n = block->len - stream->out_at < len ? block->len - stream->out_at : len;
        if (options->sink(options->sink_ctx, block->bytes + stream->out_at, n, stream->session->sink_error) != 0)
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        stream->out_at += n;
        stream->out_bytes -= n;
        len -= n;
        if (stream->out_at < block->len)
            continue;
        stream->out = block->next;
        stream->out_at = 0;
        if (stream->out == NULL)
            stream->out_tail = &stream->out;
        block_cache_give(block);
    }
    return 0;
}

int
h2_stream_on_send_data(nghttp2_session *engine, nghttp2_frame *frame, const uint8_t *head, size_t len,
                       nghttp2_data_source *source, void *ctx)
{
    struct h2_stream *stream = source->ptr;
    struct h2_session *session = ctx;
    const struct h2_session_options *options = &session->options;

    (void)engine;
    (void)frame;
    if (!h2_session_has_room(session))
        return NGHTTP2_ERR_WOULDBLOCK;
    if (options->sink(options->sink_ctx, head, FRAME_HEAD, session->sink_error) != 0)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    int rc = write_blocks(stream, len);
    if (rc == 0 && len > 0 && stream->data != NULL)
        options->events->on_sent(stream->data, len);
    return rc;
}

void
h2_stream_set_data(struct h2_stream *stream, void *data)
{
    stream->data = data;
}

static void
resume(struct h2_stream *stream)
{
    if (!stream->deferred)
        return;
    stream->deferred = false;
    nghttp2_session_resume_data(stream->session->engine, stream->id);
}

void
h2_stream_respond(struct h2_stream *stream, const struct h2_headers *headers, bool with_body)
{
    if (stream->responded)
        return;
    nghttp2_nv fields[H2_HEADERS_COUNT];
    size_t count = h2_stream_fields(headers, fields);
    nghttp2_data_provider provider = h2_stream_provider(stream);
    stream->responded = true;
    nghttp2_submit_response(stream->session->engine, stream->id, fields, count, with_body ? &provider : NULL);
}

void
h2_stream_write(struct h2_stream *stream, struct h2_block *list)
{
    *stream->out_tail = list;
    for (struct h2_block *block = list; block != NULL; block = block->next) {
        stream->out_bytes += block->len;
        stream->out_tail = &block->next;
    }
    if (list != NULL)
        resume(stream);
}

size_t
h2_stream_unsent(const struct h2_stream *stream)
{
    return stream->out_bytes;
}

void
h2_stream_finish(struct h2_stream *stream, const struct h2_headers *trailers)
{
    if (stream->finish)
        return;
    stream->finish = true;
    for (size_t i = 0; trailers != NULL && i < trailers->count; i++) {
        struct h2_field field = h2_headers_at(trailers, i);
        h2_headers_add(&stream->trailers, field.name, field.name_len, field.value, field.value_len, NULL);
    }
    stream->with_trailers = trailers != NULL;
    resume(stream);
}

void
h2_stream_reset(struct h2_stream *stream, uint32_t code)
{
    nghttp2_submit_rst_stream(stream->session->engine, NGHTTP2_FLAG_NONE, stream->id, code);
}

void
h2_stream_consume(struct h2_stream *stream, size_t len)
{
    nghttp2_session_consume_stream(stream->session->engine, stream->id, len);
}

void
h2_stream_widen(struct h2_stream *stream)
{
    nghttp2_session_set_local_window_size(stream->session->engine, NGHTTP2_FLAG_NONE, stream->id, H2_WINDOW_ACTIVE);
}
