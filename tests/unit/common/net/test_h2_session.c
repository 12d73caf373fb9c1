#include "common/net/h2_session.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* Two sessions with nothing but bytes in between. */
struct side {
    struct h2_session *session;
    struct buffer out; /* towards the other */
    struct h2_stream *stream;
    struct buffer body;
    char path[64], status[8], trailer[8], goaway[64];
    size_t sent, opened, ended, closed, pongs;
    uint32_t close_code;
    bool settings, full;
};

static void
on_request(void *ctx, struct h2_stream *stream, const struct h2_headers *headers)
{
    struct side *side = ctx;
    size_t len = 0;
    const char *path = h2_headers_get(headers, ":path", &len);

    memcpy(side->path, path, len + 1);
    side->stream = stream;
    side->opened++;
    h2_stream_set_data(stream, side);
}

static void
on_headers(void *data, const struct h2_headers *headers)
{
    struct side *side = data;
    const char *status = h2_headers_get(headers, ":status", NULL);
    const char *trailer = h2_headers_get(headers, "grpc-status", NULL);

    if (status != NULL)
        memcpy(side->status, status, strlen(status) + 1);
    if (trailer != NULL)
        memcpy(side->trailer, trailer, strlen(trailer) + 1);
}

static void
on_data(void *data, const uint8_t *bytes, size_t len)
{
    struct side *side = data;

    buffer_append(&side->body, bytes, len, NULL);
}

static void
on_end(void *data)
{
    ((struct side *)data)->ended++;
}

static void
on_sent(void *data, size_t len)
{
    ((struct side *)data)->sent += len;
}

static void
on_close(void *data, uint32_t code)
{
    struct side *side = data;

    side->closed++;
    side->close_code = code;
    side->stream = NULL;
}

static void
on_settings(void *ctx)
{
    ((struct side *)ctx)->settings = true;
}

static void
on_goaway(void *ctx, uint32_t code, const char *text)
{
    struct side *side = ctx;

    (void)code;
    memcpy(side->goaway, text, strlen(text) + 1);
}

static void
on_pong(void *ctx)
{
    ((struct side *)ctx)->pongs++;
}

static const struct h2_events events = {
    .on_request = on_request,
    .on_headers = on_headers,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_close = on_close,
    .on_settings = on_settings,
    .on_goaway = on_goaway,
    .on_pong = on_pong,
};

static bool
has_room(void *ctx)
{
    return !((const struct side *)ctx)->full;
}

static int
sink(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct side *side = ctx;

    return buffer_append(&side->out, data, len, err);
}

static void
side_init(struct side *side, bool server)
{
    struct error err = ERROR_INIT;
    *side = (struct side){ .out = BUFFER_INIT(64 << 20), .body = BUFFER_INIT(64 << 20) };
    struct h2_session_options options = {
        .server = server, .events = &events, .ctx = side, .has_room = has_room, .sink = sink, .sink_ctx = side
    };
    side->session = h2_session_new(&options, &err);
    assert_non_null(side->session);
}

static void
carry(struct side *from, struct side *to)
{
    struct error err = ERROR_INIT;
    assert_int_equal(h2_session_flush(from->session, &err), 0);
    assert_int_equal(h2_session_receive(to->session, from->out.data, from->out.len, &err), 0);
    buffer_consume(&from->out, from->out.len);
}

static void
pump(struct side *a, struct side *b)
{
    for (int i = 0; i < 6; i++) {
        carry(a, b);
        carry(b, a);
    }
}

static void
pair_init(struct side *client, struct side *server)
{
    side_init(client, false);
    side_init(server, true);
    pump(client, server);
    assert_true(client->settings);
    assert_true(server->settings);
}

static void
pair_clear(struct side *client, struct side *server)
{
    struct side *sides[] = { client, server };
    for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
        h2_session_free(sides[i]->session);
        buffer_clear(&sides[i]->out);
        buffer_clear(&sides[i]->body);
    }
}

static void
request(struct side *client)
{
    struct error err = ERROR_INIT;
    struct h2_headers headers;
    h2_headers_init(&headers);
    h2_headers_add_text(&headers, ":method", "POST", NULL);
    h2_headers_add_text(&headers, ":scheme", "https", NULL);
    h2_headers_add_text(&headers, ":path", "/some/where", NULL);
    h2_headers_add_text(&headers, ":authority", "x", NULL);
    client->stream = h2_session_request(client->session, &headers, client, &err);
    assert_non_null(client->stream);
    h2_headers_clear(&headers);
}

static void
respond(struct h2_stream *stream)
{
    struct h2_headers headers;
    h2_headers_init(&headers);
    h2_headers_add_text(&headers, ":status", "200", NULL);
    h2_stream_respond(stream, &headers, true);
    h2_headers_clear(&headers);
}

static void
finish(struct h2_stream *stream)
{
    struct h2_headers headers;
    h2_headers_init(&headers);
    h2_headers_add_text(&headers, "grpc-status", "0", NULL);
    h2_stream_finish(stream, &headers);
    h2_headers_clear(&headers);
}

static void
write_bytes(struct h2_stream *stream, size_t len)
{
    struct h2_block *block = h2_block_new(len, NULL);
    for (size_t i = 0; i < len; i++)
        block->bytes[i] = (uint8_t)(i % 251);
    h2_stream_write(stream, block);
}

static void
a_request_and_its_answer_cross(void **state)
{
    (void)state;
    struct side client, server;
    pair_init(&client, &server);
    request(&client);
    write_bytes(client.stream, 1000);
    write_bytes(client.stream, 3);
    h2_stream_finish(client.stream, NULL);
    pump(&client, &server);
    assert_string_equal(server.path, "/some/where");
    assert_int_equal(server.body.len, 1003);
    assert_int_equal(server.body.data[1002], 2);
    assert_int_equal(client.sent, 1003);
    assert_int_equal(server.ended, 1);
    respond(server.stream);
    write_bytes(server.stream, 7);
    finish(server.stream);
    pump(&client, &server);
    assert_string_equal(client.status, "200");
    assert_string_equal(client.trailer, "0");
    assert_int_equal(client.body.len, 7);
    assert_int_equal(client.closed, 1);
    assert_int_equal(server.closed, 1);
    assert_int_equal(client.close_code, H2_NO_ERROR);
    pair_clear(&client, &server);
}

static void
a_sender_stops_at_the_window_until_bytes_are_consumed(void **state)
{
    (void)state;
    struct side client, server;
    pair_init(&client, &server);
    request(&client);
    write_bytes(client.stream, (size_t)10 << 20);
    pump(&client, &server);
    assert_int_equal(server.body.len, H2_WINDOW_WAITING);
    h2_stream_consume(server.stream, H2_WINDOW_WAITING);
    pump(&client, &server);
    assert_int_equal(server.body.len, 2 * H2_WINDOW_WAITING);
    h2_stream_widen(server.stream);
    pump(&client, &server);
    assert_int_equal(server.body.len, H2_WINDOW_WAITING + H2_WINDOW_ACTIVE);
    assert_int_equal(h2_stream_unsent(client.stream), ((size_t)10 << 20) - server.body.len);
    pair_clear(&client, &server);
    assert_int_equal(client.close_code, H2_CONNECTION_LOST);
    assert_int_equal(server.closed, 1);
}

static void
nothing_is_sent_into_a_full_sink(void **state)
{
    (void)state;
    struct side client, server;
    pair_init(&client, &server);
    request(&client);
    write_bytes(client.stream, 100000);
    client.full = true;
    pump(&client, &server);
    assert_int_equal(server.opened, 0);
    client.full = false;
    pump(&client, &server);
    assert_int_equal(server.body.len, 100000);
    pair_clear(&client, &server);
}

static void
an_early_answer_stops_the_request(void **state)
{
    (void)state;
    struct side client, server;
    pair_init(&client, &server);
    request(&client);
    write_bytes(client.stream, 1000000);
    pump(&client, &server);
    respond(server.stream);
    finish(server.stream);
    pump(&client, &server);
    assert_string_equal(client.trailer, "0");
    assert_int_equal(client.closed, 1);
    assert_int_equal(client.close_code, H2_NO_ERROR);
    pair_clear(&client, &server);
}

static void
a_reset_reaches_the_other_side(void **state)
{
    (void)state;
    struct side client, server;
    pair_init(&client, &server);
    request(&client);
    pump(&client, &server);
    h2_stream_reset(client.stream, H2_CANCEL);
    pump(&client, &server);
    assert_int_equal(server.closed, 1);
    assert_int_equal(server.close_code, H2_CANCEL);
    pair_clear(&client, &server);
}

static void
streams_over_the_limit_wait(void **state)
{
    (void)state;
    struct side client, server;
    pair_init(&client, &server);
    for (int i = 0; i < H2_MAX_STREAMS + 5; i++)
        request(&client);
    pump(&client, &server);
    assert_int_equal(server.opened, H2_MAX_STREAMS);
    h2_stream_reset(server.stream, H2_CANCEL);
    pump(&client, &server);
    assert_int_equal(server.opened, H2_MAX_STREAMS + 1);
    pair_clear(&client, &server);
}

static void
a_drained_session_ends_after_its_streams(void **state)
{
    (void)state;
    struct side client, server;
    pair_init(&client, &server);
    request(&client);
    pump(&client, &server);
    h2_session_drain_notice(server.session);
    h2_session_ping(server.session);
    pump(&client, &server);
    assert_int_equal(server.pongs, 1);
    h2_session_drain(server.session);
    pump(&client, &server);
    assert_int_equal(client.closed, 0);
    assert_false(h2_session_is_over(server.session));
    respond(server.stream);
    finish(server.stream);
    h2_stream_finish(client.stream, NULL);
    pump(&client, &server);
    assert_int_equal(client.closed, 1);
    assert_true(h2_session_is_over(server.session));
    pair_clear(&client, &server);
}

static void
a_goaway_carries_its_reason(void **state)
{
    (void)state;
    struct side client, server;
    pair_init(&client, &server);
    h2_session_terminate(server.session, H2_INADEQUATE_SECURITY, "node \x01 is revoked");
    carry(&server, &client);
    assert_string_equal(client.goaway, "node ? is revoked");
    pair_clear(&client, &server);
}

static void
headers_over_the_limit_are_refused(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct side client, server;
    struct h2_headers headers;
    char value[9000];
    memset(value, 'x', sizeof(value));
    pair_init(&client, &server);
    h2_headers_init(&headers);
    assert_int_equal(h2_headers_add(&headers, "a", 1, value, sizeof(value), &err), 0);
    assert_int_equal(h2_headers_add(&headers, "b", 1, value, sizeof(value), &err), -1);
    assert_int_equal(err.kind, ERROR_LIMIT);
    assert_int_equal(headers.count, 1);
    h2_headers_clear(&headers);
    pair_clear(&client, &server);
}

static void
a_flood_of_settings_ends_the_session(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct side client, server;
    static const uint8_t settings[9] = { 0, 0, 0, 4, 0, 0, 0, 0, 0 };
    pair_init(&client, &server);
    int rc = 0;
    for (int i = 0; i < 1000 && rc == 0; i++)
        rc = h2_session_receive(server.session, settings, sizeof(settings), &err);
    assert_int_equal(rc, -1);
    assert_int_equal(err.kind, ERROR_NETWORK);
    pair_clear(&client, &server);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_and_its_answer_cross),
        cmocka_unit_test(a_sender_stops_at_the_window_until_bytes_are_consumed),
        cmocka_unit_test(nothing_is_sent_into_a_full_sink),
        cmocka_unit_test(an_early_answer_stops_the_request),
        cmocka_unit_test(a_reset_reaches_the_other_side),
        cmocka_unit_test(streams_over_the_limit_wait),
        cmocka_unit_test(a_drained_session_ends_after_its_streams),
        cmocka_unit_test(a_goaway_carries_its_reason),
        cmocka_unit_test(headers_over_the_limit_are_refused),
        cmocka_unit_test(a_flood_of_settings_ends_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
