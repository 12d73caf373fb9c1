#ifndef LONGHAUL_TESTS_UNIT_DIRECTOR_PEER_H
#define LONGHAUL_TESTS_UNIT_DIRECTOR_PEER_H

/* Plays a transporter towards a director: a connection, and the messages of Control, one at a time. */

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/net/tls_context.h"
#include "common/rpc/rpc_channel.h"
#include "proto/control.pb-c.h"
#include "tests/unit/director/store_fixture.h"

#define PEER_TIMEOUT_MS 10000

struct peer {
    char id[IDENTIFIER_LEN];
    struct tls_context *tls;
    struct rpc_channel *channel;
    struct rpc_call *call;
    struct arena *arena; /* of the message received last */
};

static inline void
peer_disconnect(struct peer *peer)
{
    rpc_call_free(peer->call);
    rpc_channel_free(peer->channel);
    peer->call = NULL;
    peer->channel = NULL;
}

static inline void
peer_dial(struct event_loop *loop, uint16_t port, struct peer *peer)
{
    struct error err = ERROR_INIT;
    struct rpc_channel_options options = { .host = "127.0.0.1", .port = port, .tls = peer->tls };

    peer_disconnect(peer);
    peer->channel = rpc_channel_new(loop, &options, &err);
    assert_non_null(peer->channel);
    peer->call = rpc_channel_open(peer->channel, "/longhaul.v1.Control/Connect", NULL, &err);
    if (peer->call == NULL)
        fail_msg("%s", err.text);
}

static inline void
peer_send(struct peer *peer, Longhaul__V1__TransporterMessage *message)
{
    struct error err = ERROR_INIT;
    assert_ok(rpc_call_send(peer->call, &message->base, &err));
}

/* NULL when the call has ended; *err then says how. */
static inline Longhaul__V1__DirectorMessage *
peer_try(struct peer *peer, struct error *err)
{
    ProtobufCMessage *message = NULL;

    arena_reset(peer->arena);
    int got = rpc_call_receive(peer->call, &longhaul__v1__director_message__descriptor, PEER_TIMEOUT_MS, peer->arena,
                               &message, err);
    return got == 1 ? (Longhaul__V1__DirectorMessage *)(void *)message : NULL;
}

static inline Longhaul__V1__DirectorMessage *
peer_receive(struct peer *peer)
{
    struct error err = ERROR_INIT;
    Longhaul__V1__DirectorMessage *message = peer_try(peer, &err);

    if (message == NULL)
        fail_msg("no message: %s", err.text);
    return message;
}

/* Skips messages of other kinds. */
static inline Longhaul__V1__DirectorMessage *
peer_expect(struct peer *peer, Longhaul__V1__DirectorMessage__KindCase kind)
{
    for (;;) {
        Longhaul__V1__DirectorMessage *message = peer_receive(peer);
        if (message->kind_case == kind)
            return message;
    }
}

/* Returns after Welcome, which stays valid until the next message. task NULL: nothing runs. */
static inline Longhaul__V1__Welcome *
peer_hello(struct peer *peer, const char *advertise, const char *task, uint64_t fence)
{
    Longhaul__V1__TransporterMessage message = LONGHAUL__V1__TRANSPORTER_MESSAGE__INIT;
    Longhaul__V1__Hello hello = LONGHAUL__V1__HELLO__INIT;
    Longhaul__V1__RunningTask running = LONGHAUL__V1__RUNNING_TASK__INIT, *list[] = { &running };
    char address[64], version[] = "test", id[IDENTIFIER_LEN];

    snprintf(address, sizeof(address), "%s", advertise);
    hello.protocol = 1;
    hello.software_version = version;
    hello.advertise = address;
    hello.task_slots = 1;
    hello.clock_ms = clock_wall_ms(clock_system());
    if (task != NULL) {
        snprintf(id, sizeof(id), "%s", task);
        running.task_id = id;
        running.fence = fence;
        hello.running = list;
        hello.n_running = 1;
    }
    message.kind_case = LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_HELLO;
    message.hello = &hello;
    peer_send(peer, &message);
    return peer_expect(peer, LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_WELCOME)->welcome;
}

static inline void
peer_finish(struct peer *peer, const char *task, uint64_t fence, const char *point)
{
    Longhaul__V1__TransporterMessage message = LONGHAUL__V1__TRANSPORTER_MESSAGE__INIT;
    Longhaul__V1__TaskFinished finished = LONGHAUL__V1__TASK_FINISHED__INIT;
    Longhaul__V1__RecoveryPoint recovery = LONGHAUL__V1__RECOVERY_POINT__INIT;
    Longhaul__V1__TaskProgress totals = LONGHAUL__V1__TASK_PROGRESS__INIT;
    char id[IDENTIFIER_LEN], point_id[IDENTIFIER_LEN];

    snprintf(id, sizeof(id), "%s", task);
    snprintf(point_id, sizeof(point_id), "%s", point);
    totals.items_done = 5;
    recovery.point_id = point_id;
    recovery.items = 5;
    finished.task_id = id;
    finished.fence = fence;
    finished.succeeded = true;
    finished.totals = &totals;
    finished.point = &recovery;
    message.kind_case = LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_FINISHED;
    message.finished = &finished;
    peer_send(peer, &message);
    Longhaul__V1__FinishedAck *ack = peer_expect(peer, LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_FINISHED_ACK)->finished_ack;
    assert_string_equal(ack->task_id, task);
    assert_int_equal(ack->fence, fence);
}

#endif
