#include "common/base/memory.h"
#include "common/loop/event_loop.h"
#include "common/net/h2_connection.h"
#include "common/rpc/rpc_call_internal.h"
#include "common/rpc/rpc_server.h"
#include "common/rpc/rpc_status.h"

#include <stdlib.h>
#include <string.h>

/* What the loop is to do for a call, taken under the lock. */
struct work {
    struct h2_block *blocks;
    size_t credit;
    bool widen, cancel, finish;
    struct error end;
};

/* Lock held. Window for what has been read; when the reader waits for more, also for the message that is half
 * there, since it may be larger than the window. */
static size_t
credit_due(const struct rpc_call *call)
{
    if (!call->reading)
        return 0;
    size_t keep = call->in == NULL ? 0 : call->in_queued + call->in_partial;
    return call->in_held > keep ? call->in_held - keep : 0;
}

static size_t
take_credit(struct rpc_call *call)
{
    size_t credit = credit_due(call);
    call->in_held -= credit;
    return credit;
}

static void
take_work(struct rpc_call *call, struct work *work)
{
    pthread_mutex_lock(&call->lock);
    call->attending = false;
    *work = (struct work){ .blocks = call->out,
                           .credit = take_credit(call),
                           .widen = call->widen,
                           .cancel = call->cancel,
                           .finish = call->out_closed,
                           .end = call->end };
    call->out = NULL;
    call->out_tail = &call->out;
    call->widen = false;
    pthread_mutex_unlock(&call->lock);
}

void
rpc_call_loop_response(struct h2_headers *headers)
{
    h2_headers_add_text(headers, ":status", "200", NULL);
    h2_headers_add_text(headers, "content-type", "application/grpc", NULL);
}

/* Server: headers before the first message, or headers and status in one when there is none. */
static void
answer(struct rpc_call *call, const struct work *work)
{
    if (call->answered || (work->blocks == NULL && !work->finish))
        return;
    call->answered = true;
    struct h2_headers headers;
    h2_headers_init(&headers);
    rpc_call_loop_response(&headers);
    if (work->blocks == NULL)
        rpc_status_write(&headers, &work->end);
    h2_stream_respond(call->stream, &headers, work->blocks != NULL);
    h2_headers_clear(&headers);
}

static void
finish(struct rpc_call *call, const struct work *work)
{
    if (!call->server) {
        h2_stream_finish(call->stream, NULL);
        return;
    }
    struct h2_headers trailers;
    h2_headers_init(&trailers);
    rpc_status_write(&trailers, &work->end);
    h2_stream_finish(call->stream, &trailers);
    h2_headers_clear(&trailers);
}

static void
on_call_attended(void *ctx)
{
    struct rpc_call *call = ctx;
    struct work work;

    take_work(call, &work);
    if (call->stream == NULL) {
        h2_block_free_list(work.blocks);
        rpc_call_release(call);
        return;
    }
    struct h2_connection *connection = call->connection;
    if (work.cancel) {
        h2_block_free_list(work.blocks);
        h2_stream_reset(call->stream, H2_CANCEL);
    } else {
        if (work.widen)
            h2_stream_widen(call->stream);
        if (work.credit > 0)
            h2_stream_consume(call->stream, work.credit);
        if (call->server)
            answer(call, &work);
        h2_stream_write(call->stream, work.blocks);
        if (work.finish)
            finish(call, &work);
    }
    h2_connection_flush(connection);
    rpc_call_release(call);
}

void
rpc_call_loop_attend(struct rpc_call *call)
{
    if (call->attending)
        return;
    call->attending = true;
    event_loop_post(call->loop, on_call_attended, rpc_call_retain(call));
}

void
rpc_call_loop_message_taken(struct rpc_call *call)
{
    /* Less can wait for the next data: the engine tells the peer at half the window, so no peer is held up by it. */
    if (!call->over && credit_due(call) >= H2_WINDOW_ACTIVE / 4)
        rpc_call_loop_attend(call);
}

void
rpc_call_loop_over(struct rpc_call *call, const struct error *err, bool abandoned)
{
    if (call->over)
        return;
    call->over = true;
    call->abandoned = abandoned;
    if (err != NULL)
        call->result = *err;
    pthread_cond_broadcast(&call->changed);
}

void
rpc_call_loop_bind(struct rpc_call *call, struct h2_connection *connection, struct h2_stream *stream)
{
    call->connection = connection;
    call->stream = stream;
    call->peer = *h2_connection_peer(connection);
    h2_stream_set_data(stream, rpc_call_retain(call));
}

void
rpc_call_loop_end(struct rpc_call *call, const struct error *err)
{
    pthread_mutex_lock(&call->lock);
    if (!call->out_closed) {
        call->out_closed = true;
        if (err != NULL)
            call->end = *err;
        rpc_call_loop_attend(call);
    }
    pthread_mutex_unlock(&call->lock);
}

void
rpc_call_end(struct rpc_call *call, const struct error *err)
{
    rpc_call_loop_end(call, err);
}

void
rpc_call_loop_start_reading(struct rpc_call *call)
{
    pthread_mutex_lock(&call->lock);
    call->reading = call->widen = true;
    rpc_call_loop_attend(call);
    pthread_mutex_unlock(&call->lock);
}

/* The peer has sent something that ends the call: tell it, and whoever waits. */
static void
refuse(struct rpc_call *call, const struct error *err)
{
    if (call->server)
        rpc_call_loop_end(call, err);
    pthread_mutex_lock(&call->lock);
    if (!call->over) {
        rpc_call_loop_over(call, err, true);
        call->cancel = !call->server;
        rpc_call_loop_attend(call);
    }
    pthread_mutex_unlock(&call->lock);
}

static bool
is_ended(struct rpc_call *call)
{
    pthread_mutex_lock(&call->lock);
    bool ended = call->abandoned || (call->server && call->out_closed);
    pthread_mutex_unlock(&call->lock);
    return ended;
}

/* What the peer has sent, for the call's events. */
static int
deliver_messages(struct rpc_call *call, const uint8_t *bytes, size_t len, struct error *err)
{
    struct rpc_message *message;
    int rc = 0;

    while (!is_ended(call) && (rc = rpc_frame_read(&call->frames, &bytes, &len, &message, err)) == 1) {
        struct error refused = ERROR_INIT;
        if (call->events->on_message(call->state, call, message->data, message->len, &refused) != 0) {
            FAIL(&refused, ERROR_INTERNAL, 0, "the call was refused without a reason");
            rpc_call_loop_end(call, &refused);
        }
        rpc_frame_message_free(message);
    }
    return rc;
}

struct message_list {
    struct rpc_message *first, **tail;
    size_t bytes; /* on the wire */
};

/* The same, for a worker. */
static int
collect_messages(struct rpc_call *call, const uint8_t *bytes, size_t len, struct message_list *list, struct error *err)
{
    struct rpc_message *message;
    int rc = 0;

    if (is_ended(call))
        return 0;
    while ((rc = rpc_frame_read(&call->frames, &bytes, &len, &message, err)) == 1) {
        *list->tail = message;
        list->tail = &message->next;
        list->bytes += RPC_FRAME_HEAD + message->len;
    }
    return rc;
}

static void
on_stream_data(void *data, const uint8_t *bytes, size_t len)
{
    struct rpc_call *call = data;
    struct error err = ERROR_INIT;
    struct message_list list = { .tail = &list.first };

    int rc = call->events != NULL ? deliver_messages(call, bytes, len, &err)
                                  : collect_messages(call, bytes, len, &list, &err);
    pthread_mutex_lock(&call->lock);
    if (list.first != NULL) {
        *call->in_tail = list.first;
        call->in_tail = list.tail;
        call->in_queued += list.bytes;
    }
    call->in_held += len;
    call->in_partial = call->frames.head_len + (call->frames.partial != NULL ? call->frames.partial->len : 0);
    size_t credit = take_credit(call);
    pthread_mutex_unlock(&call->lock);
    /* After the lock, on which the woken would wait at once. */
    if (list.first != NULL)
        pthread_cond_broadcast(&call->changed);
    if (credit > 0)
        h2_stream_consume(call->stream, credit);
    if (rc < 0)
        refuse(call, &err);
}

static void
on_stream_sent(void *data, size_t len)
{
    struct rpc_call *call = data;

    pthread_mutex_lock(&call->lock);
    bool full = call->out_bytes > RPC_CALL_OUT_LOW;
    call->out_bytes -= len;
    bool room = full && call->out_bytes <= RPC_CALL_OUT_LOW;
    pthread_mutex_unlock(&call->lock);
    if (room)
        pthread_cond_broadcast(&call->changed);
}

static void
on_stream_end(void *data)
{
    struct rpc_call *call = data;
    struct error err = ERROR_INIT;

    if (is_ended(call))
        return;
    if (!rpc_frame_at_boundary(&call->frames)) {
        FAIL(&err, ERROR_FORMAT, 0, "the peer ended its side inside a message");
        refuse(call, &err);
        return;
    }
    pthread_mutex_lock(&call->lock);
    call->in_ended = call->server;
    pthread_cond_broadcast(&call->changed);
    pthread_mutex_unlock(&call->lock);
    if (call->events != NULL)
        call->events->on_end(call->state, call);
}

/* Client: 0 when these are the headers of an answer that goes on. */
static int
check_answer(const struct h2_headers *headers, struct error *err)
{
    const char *status = h2_headers_get(headers, ":status", NULL);
    const char *type = h2_headers_get(headers, "content-type", NULL);
    const char *encoding = h2_headers_get(headers, "grpc-encoding", NULL);
    if (status == NULL || strcmp(status, "200") != 0)
        return rpc_status_from_http(status != NULL ? (int)strtol(status, NULL, 10) : 0, err);
    if (type == NULL || strncmp(type, "application/grpc", strlen("application/grpc")) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "the peer does not speak gRPC on this port");
    if (encoding != NULL && strcmp(encoding, "identity") != 0)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "the peer compresses messages");
    return 0;
}

static void
on_stream_headers(void *data, const struct h2_headers *headers)
{
    struct rpc_call *call = data;
    struct error err = ERROR_INIT;

    int rc = rpc_status_read(headers, &err);
    if (rc == 0 && !call->answered && check_answer(headers, &err) != 0) {
        refuse(call, &err);
        return;
    }
    if (rc == 0 && call->answered) {
        FAIL(&err, ERROR_FORMAT, 0, "the peer ended the call without a status");
        rc = -1;
    }
    if (rc > 0 && !rpc_frame_at_boundary(&call->frames)) {
        FAIL(&err, ERROR_FORMAT, 0, "the peer ended its side inside a message");
        rc = -1;
    }
    call->answered = true;
    if (rc == 0)
        return;
    pthread_mutex_lock(&call->lock);
    bool sending = !call->out_closed || call->out_bytes > 0;
    rpc_call_loop_over(call, &err, false);
    if (sending)
        call->cancel = true;
    if (sending)
        rpc_call_loop_attend(call);
    pthread_mutex_unlock(&call->lock);
}

static void
result_of_close(struct rpc_call *call, uint32_t code, struct error *err)
{
    const struct error *reason = h2_connection_reason(call->connection);
    if (code != H2_CONNECTION_LOST) {
        if (code != H2_NO_ERROR || !call->server)
            rpc_status_from_reset(code, err);
        return;
    }
    if (error_is_set(reason))
        *err = *reason;
    else
        FAIL(err, ERROR_NETWORK, 0, "the connection was closed");
}

static void
on_stream_close(void *data, uint32_t code)
{
    struct rpc_call *call = data;
    struct error err = ERROR_INIT;

    result_of_close(call, code, &err);
    call->stream = NULL;
    call->connection = NULL;
    event_timer_free(call->deadline_timer);
    call->deadline_timer = NULL;
    pthread_mutex_lock(&call->lock);
    rpc_call_loop_over(call, &err, call->server);
    pthread_mutex_unlock(&call->lock);
    if (call->events != NULL)
        call->events->on_close(call->state);
    rpc_call_release(call);
}

const struct h2_events rpc_call_loop_events = {
    .on_headers = on_stream_headers,
    .on_data = on_stream_data,
    .on_end = on_stream_end,
    .on_sent = on_stream_sent,
    .on_close = on_stream_close,
};
