#include "common/net/h2_session.h"

#include "common/base/error.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

struct world {
    size_t opened, closed;
};

struct guest {
    struct world *world;
    struct h2_stream *stream;
};

static void
on_request(void *ctx, struct h2_stream *stream, const struct h2_headers *headers)
{
    struct world *world = ctx;
    struct guest *guest = malloc(sizeof(*guest));
    struct h2_headers answer;

    if (guest == NULL || headers->count > H2_HEADERS_COUNT)
        abort();
    *guest = (struct guest){ world, stream };
    world->opened++;
    h2_stream_set_data(stream, guest);
    h2_headers_init(&answer);
    h2_headers_add_text(&answer, ":status", "200", NULL);
    h2_stream_respond(stream, &answer, true);
    h2_headers_clear(&answer);
    if (world->opened % 3 == 0)
        h2_stream_widen(stream);
}

static void
on_data(void *data, const uint8_t *bytes, size_t len)
{
    struct guest *guest = data;
    struct h2_block *block = h2_block_new(len, NULL);

    if (block == NULL)
        abort();
    if (len > 0)
        memcpy(block->bytes, bytes, len);
    h2_stream_write(guest->stream, block);
    h2_stream_consume(guest->stream, len);
    if (len == 13)
        h2_stream_reset(guest->stream, H2_CANCEL);
}

static void
on_end(void *data)
{
    struct guest *guest = data;
    struct h2_headers trailers;

    h2_headers_init(&trailers);
    h2_headers_add_text(&trailers, "grpc-status", "0", NULL);
    h2_stream_finish(guest->stream, &trailers);
    h2_headers_clear(&trailers);
}

static void
on_sent(void *data, size_t len)
{
    (void)data;
    (void)len;
}

static void
on_close(void *data, uint32_t code)
{
    struct guest *guest = data;

    (void)code;
    guest->world->closed++;
    free(guest);
}

static void
on_session(void *ctx)
{
    (void)ctx;
}

static void
on_goaway(void *ctx, uint32_t code, const char *text)
{
    (void)ctx;
    (void)code;
    if (strlen(text) > 255)
        abort();
}

static const struct h2_events events = {
    .on_request = on_request,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_close = on_close,
    .on_settings = on_session,
    .on_goaway = on_goaway,
    .on_pong = on_session,
};

static int
sink(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    (void)ctx;
    (void)data;
    (void)len;
    (void)err;
    return 0;
}

/* What follows a client's preface into an echoing server; the first byte says how it is cut. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world world = { 0, 0 };
    struct error err = ERROR_INIT;
    struct h2_session_options options = { .server = true, .events = &events, .ctx = &world, .sink = sink };
    if (size == 0 || size > 65536)
        return 0;
    size_t step = (size_t)data[0] + 1;
    struct h2_session *session = h2_session_new(&options, &err);
    if (session == NULL)
        abort();
    int rc = h2_session_receive(session, (const uint8_t *)preface, sizeof(preface) - 1, &err);
    for (size_t at = 1; at < size && rc == 0; at += step) {
        size_t len = size - at < step ? size - at : step;
        rc = h2_session_receive(session, data + at, len, &err);
        if (rc == 0)
            rc = h2_session_flush(session, &err);
    }
    if ((rc != 0) != error_is_set(&err) || h2_session_streams(session) > H2_MAX_STREAMS + 1)
        abort();
    h2_session_free(session);
    if (world.opened != world.closed)
        abort();
    return 0;
}
