#include "common/rpc/rpc_call.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/loop/event_loop.h"
#include "common/rpc/rpc_call_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SEND_LIMIT ((size_t)64 << 20) /* a message larger than this is a mistake, whatever the peer takes */

static uint64_t
now_ms(void)
{
    return clock_monotonic_ms(clock_system());
}

struct rpc_call *
rpc_call_new(struct event_loop *loop, bool server, size_t message_limit)
{
    struct rpc_call *call = MEMORY_NEW(struct rpc_call);
    pthread_condattr_t monotonic;
    atomic_init(&call->refs, 1);
    call->loop = loop;
    call->server = server;
    call->out_tail = &call->out;
    call->in_tail = &call->in;
    call->reading = !server;
    h2_headers_init(&call->request);
    rpc_frame_reader_init(&call->frames, message_limit != 0 ? message_limit : RPC_MESSAGE_LIMIT);
    pthread_mutex_init(&call->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&call->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return call;
}

struct rpc_call *
rpc_call_retain(struct rpc_call *call)
{
    atomic_fetch_add(&call->refs, 1);
    return call;
}

void
rpc_call_release(struct rpc_call *call)
{
    if (atomic_fetch_sub(&call->refs, 1) != 1)
        return;
    while (call->in != NULL) {
        struct rpc_message *next = call->in->next;
        rpc_frame_message_free(call->in);
        call->in = next;
    }
    rpc_frame_message_free(call->current);
    h2_block_free_list(call->out);
    rpc_frame_reader_clear(&call->frames);
    h2_headers_clear(&call->request);
    pthread_mutex_destroy(&call->lock);
    pthread_cond_destroy(&call->changed);
    free(call);
}

void
rpc_call_set_deadline(struct rpc_call *call, uint64_t timeout_ms)
{
    call->timeout_ms = timeout_ms;
    call->deadline_ms = now_ms() + timeout_ms;
}

int
rpc_call_wait(struct rpc_call *call, uint64_t until_ms)
{
    uint64_t now = now_ms(), deadline = call->deadline_ms;
    if (deadline != 0 && now >= deadline && !call->over) {
        struct error err = ERROR_INIT;
        FAIL(&err, ERROR_TIMEOUT, 0, "no end of the call within its deadline of %" PRIu64 " ms", call->timeout_ms);
        rpc_call_loop_over(call, &err, true);
        call->cancel = !call->server;
        rpc_call_loop_attend(call);
        return 0;
    }
    if (until_ms != 0 && now >= until_ms)
        return -1;
    if (until_ms == 0 || (deadline != 0 && deadline < until_ms))
        until_ms = deadline;
    if (until_ms == 0) {
        pthread_cond_wait(&call->changed, &call->lock);
        return 0;
    }
    struct timespec at = { .tv_sec = (time_t)(until_ms / 1000), .tv_nsec = (long)(until_ms % 1000) * 1000000 };
    pthread_cond_timedwait(&call->changed, &call->lock, &at);
    return 0;
}

static int
fail_over(const struct rpc_call *call, struct error *err)
{
    if (!error_is_set(&call->result))
        return FAIL(err, ERROR_CANCELLED, 0, "the call has ended already");
    if (err != NULL && !error_is_set(err))
        *err = call->result;
    return -1;
}

/* Lock held. */
static int
wait_for_room(struct rpc_call *call, struct error *err)
{
    if (event_loop_on_thread(call->loop)) {
        if (call->out_bytes > 4 * RPC_MESSAGE_LIMIT)
            return FAIL(err, ERROR_LIMIT, 0, "the peer does not read: %zu bytes are queued for it", call->out_bytes);
        return 0;
    }
    while (!call->over && !call->out_closed && call->out_bytes > RPC_MESSAGE_LIMIT)
        rpc_call_wait(call, 0);
    return 0;
}

static int
queue_block(struct rpc_call *call, struct h2_block *block, struct error *err)
{
    pthread_mutex_lock(&call->lock);
    int rc = wait_for_room(call, err);
    if (rc == 0 && call->over)
        rc = fail_over(call, err);
    else if (rc == 0 && call->out_closed)
        rc = FAIL(err, ERROR_CANCELLED, 0, "our side of the call has ended already");
    if (rc == 0) {
        *call->out_tail = block;
        call->out_tail = &block->next;
        call->out_bytes += block->len;
        rpc_call_loop_attend(call);
    }
    pthread_mutex_unlock(&call->lock);
    if (rc != 0)
        h2_block_free_list(block);
    return rc;
}

static struct h2_block *
message_block(size_t len, struct error *err)
{
    if (len > SEND_LIMIT) {
        FAIL(err, ERROR_LIMIT, 0, "a message of %zu bytes is over the limit of %zu bytes", len, SEND_LIMIT);
        return NULL;
    }
    struct h2_block *block = h2_block_new(RPC_FRAME_HEAD + len, err);
    if (block != NULL)
        rpc_frame_write_head(block->bytes, (uint32_t)len);
    return block;
}

int
rpc_call_send(struct rpc_call *call, const ProtobufCMessage *message, struct error *err)
{
    struct h2_block *block = message_block(protobuf_c_message_get_packed_size(message), err);
    if (block == NULL)
        return -1;
    protobuf_c_message_pack(message, block->bytes + RPC_FRAME_HEAD);
    return queue_block(call, block, err);
}

int
rpc_call_send_bytes(struct rpc_call *call, const void *data, size_t len, struct error *err)
{
    struct h2_block *block = message_block(len, err);
    if (block == NULL)
        return -1;
    if (len > 0)
        memcpy(block->bytes + RPC_FRAME_HEAD, data, len);
    return queue_block(call, block, err);
}

/* Lock held. */
static struct rpc_message *
take_message(struct rpc_call *call)
{
    struct rpc_message *message = call->in;
    call->in = message->next;
    if (call->in == NULL)
        call->in_tail = &call->in;
    call->in_queued -= RPC_FRAME_HEAD + message->len;
    rpc_call_loop_message_taken(call);
    return message;
}

/* 1: call->current; 0: the peer's side has ended; -1. */
static int
next_message(struct rpc_call *call, int timeout_ms, struct error *err)
{
    if (event_loop_on_thread(call->loop))
        return FAIL(err, ERROR_USAGE, 0, "the loop thread must not wait for a message");
    uint64_t until = timeout_ms >= 0 ? now_ms() + (uint64_t)timeout_ms : 0;
    rpc_frame_message_free(call->current);
    call->current = NULL;
    pthread_mutex_lock(&call->lock);
    int waited = 0;
    while (waited == 0 && call->in == NULL && !call->in_ended && !call->over)
        waited = rpc_call_wait(call, until);
    int rc = 0;
    if (call->abandoned)
        rc = fail_over(call, err);
    else if (call->in != NULL)
        rc = 1;
    else if (call->over && error_is_set(&call->result))
        rc = fail_over(call, err);
    else if (waited != 0)
        rc = FAIL(err, ERROR_TIMEOUT, 0, "no message within %d ms", timeout_ms);
    if (rc == 1)
        call->current = take_message(call);
    pthread_mutex_unlock(&call->lock);
    return rc;
}

int
rpc_call_receive_bytes(struct rpc_call *call, int timeout_ms, const uint8_t **data, size_t *len, struct error *err)
{
    int rc = next_message(call, timeout_ms, err);
    if (rc == 1) {
        *data = call->current->data;
        *len = call->current->len;
    }
    return rc;
}

int
rpc_call_receive(struct rpc_call *call, const ProtobufCMessageDescriptor *type, int timeout_ms, struct arena *arena,
                 ProtobufCMessage **message, struct error *err)
{
    int rc = next_message(call, timeout_ms, err);
    if (rc != 1)
        return rc;
    *message = rpc_unpack(type, call->current->data, call->current->len, arena, err);
    rpc_frame_message_free(call->current);
    call->current = NULL;
    return *message != NULL ? 1 : -1;
}

int
rpc_call_close_send(struct rpc_call *call, struct error *err)
{
    if (call->server)
        return FAIL(err, ERROR_USAGE, 0, "a server ends its side with the call");
    pthread_mutex_lock(&call->lock);
    if (!call->out_closed && !call->over) {
        call->out_closed = true;
        rpc_call_loop_attend(call);
    }
    pthread_mutex_unlock(&call->lock);
    return 0;
}

int
rpc_call_finish(struct rpc_call *call, struct error *err)
{
    if (event_loop_on_thread(call->loop))
        return FAIL(err, ERROR_USAGE, 0, "the loop thread must not wait for the end of a call");
    if (rpc_call_close_send(call, err) != 0)
        return -1;
    pthread_mutex_lock(&call->lock);
    while (!call->over || (call->in != NULL && !call->abandoned)) {
        if (call->in != NULL)
            rpc_frame_message_free(take_message(call));
        else
            rpc_call_wait(call, 0);
    }
    int rc = error_is_set(&call->result) ? fail_over(call, err) : 0;
    pthread_mutex_unlock(&call->lock);
    return rc;
}

void
rpc_call_cancel(struct rpc_call *call)
{
    struct error err = ERROR_INIT;
    FAIL(&err, ERROR_CANCELLED, 0, "the call was cancelled");
    pthread_mutex_lock(&call->lock);
    if (!call->over) {
        rpc_call_loop_over(call, &err, true);
        call->cancel = true;
        rpc_call_loop_attend(call);
    }
    pthread_mutex_unlock(&call->lock);
}

void
rpc_call_free(struct rpc_call *call)
{
    if (call == NULL)
        return;
    rpc_call_cancel(call);
    rpc_call_release(call);
}

void
rpc_call_free_p(struct rpc_call **call)
{
    rpc_call_free(*call);
    *call = NULL;
}

const struct tls_peer *
rpc_call_peer(const struct rpc_call *call)
{
    return &call->peer;
}

const uint8_t *
rpc_call_metadata(const struct rpc_call *call, const char *key, size_t *len)
{
    return (const uint8_t *)h2_headers_get(&call->request, key, len);
}

int
rpc_call_time_left(const struct rpc_call *call)
{
    if (call->deadline_ms == 0)
        return RPC_NO_TIMEOUT;
    uint64_t now = now_ms();
    if (now >= call->deadline_ms)
        return 0;
    uint64_t left = call->deadline_ms - now;
    return left < INT32_MAX ? (int)left : INT32_MAX;
}
