#ifndef LONGHAUL_COMMON_RPC_RPC_CALL_INTERNAL_H
#define LONGHAUL_COMMON_RPC_RPC_CALL_INTERNAL_H

/* What the channel, the server and the call's own files share.
 *
 * A call lives between threads: workers change what is under the lock and ask the loop to attend; the loop alone
 * touches the stream. It is freed with the last reference: the handle's (client) or the handler's (server), the
 * stream's, and one for each post under way. */

#include "common/base/error.h"
#include "common/net/h2_session.h"
#include "common/net/tls_context.h"
#include "common/rpc/rpc_call.h"
#include "common/rpc/rpc_frame.h"

#include <pthread.h>
#include <stdatomic.h>

struct event_timer;
struct h2_connection;
struct rpc_call_events;
struct rpc_method;

/* Whoever waits for room to send is woken when this much is left: once for many messages. */
#define RPC_CALL_OUT_LOW (RPC_MESSAGE_LIMIT / 2)

struct rpc_call {
    atomic_uint refs;
    struct event_loop *loop;
    bool server;
    struct tls_peer peer;
    struct h2_headers request; /* client: to be sent; server: as received, "-bin" values decoded */
    uint64_t deadline_ms;      /* monotonic; 0: none */
    uint64_t timeout_ms;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under lock */
    bool attending;                   /* a post is under way */
    bool opened;                      /* client: the stream exists, or over says why not */
    struct h2_block *out, **out_tail; /* not with the stream yet */
    size_t out_bytes;                 /* neither sent yet, here or there */
    bool out_closed;                  /* nothing follows */
    struct error end;                 /* server: the status */
    struct rpc_message *in, **in_tail;
    size_t in_queued;  /* bytes of `in` on the wire */
    size_t in_partial; /* bytes of a message that is half read */
    size_t in_held;    /* bytes whose window has not been given back */
    bool in_ended;
    bool reading;         /* a reader is there: window is given back */
    bool widen, cancel;   /* wanted from the loop */
    bool over, abandoned; /* result stands; abandoned: ended here, unread messages do not count */
    struct error result;

    /* the receiving worker's */
    struct rpc_message *current;

    /* the loop's */
    struct h2_connection *connection;
    struct h2_stream *stream;
    struct rpc_frame_reader frames;
    bool answered; /* server: response headers are sent; client: received */
    struct event_timer *deadline_timer;
    const struct rpc_call_events *events;
    void *state;
    struct rpc_call *next; /* channel: waits for a connection; server: waits for a worker */
    const struct rpc_method *method;
    void *method_ctx;
};

struct rpc_call *rpc_call_new(struct event_loop *loop, bool server, size_t message_limit);
struct rpc_call *rpc_call_retain(struct rpc_call *call);
void rpc_call_release(struct rpc_call *call);
void rpc_call_set_deadline(struct rpc_call *call, uint64_t timeout_ms);
/* Wait until *flag (under the call's lock), the call's deadline, or until_ms (0: never). Lock held. -1: until_ms. */
int rpc_call_wait(struct rpc_call *call, uint64_t until_ms);

/* rpc_call_loop.c: have the loop look at the call, soon. Lock held. */
void rpc_call_loop_attend(struct rpc_call *call);
/* Lock held: a worker has taken a message; give window back when it is worth a wake-up. */
void rpc_call_loop_message_taken(struct rpc_call *call);
/* Lock held: the call is over with this result, unless it was before. err NULL: OK. */
void rpc_call_loop_over(struct rpc_call *call, const struct error *err, bool abandoned);
/* Loop thread. Takes a reference for the stream. */
void rpc_call_loop_bind(struct rpc_call *call, struct h2_connection *connection, struct h2_stream *stream);
/* Any thread: end a server's call with a status (NULL or not set: OK). */
void rpc_call_loop_end(struct rpc_call *call, const struct error *err);
/* Any thread: a reader is there. */
void rpc_call_loop_start_reading(struct rpc_call *call);
/* The stream's events on both sides; on_request is the server's. */
extern const struct h2_events rpc_call_loop_events;
/* The fixed headers of a response. */
void rpc_call_loop_response(struct h2_headers *headers);

#endif
