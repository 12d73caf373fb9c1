#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/net/revocation_set.h"
#include "common/rpc/rpc_server.h"
#include "director/link/control_parse.h"
#include "director/link/control_send.h"
#include "director/link/query_relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From state (row) to state (column). */
static const bool moves[SESSION_OVER + 1][SESSION_OVER + 1] = {
    [SESSION_OPENED] = { [SESSION_WELCOMED] = true, [SESSION_OVER] = true },
    [SESSION_WELCOMED] = { [SESSION_OVER] = true },
    [SESSION_OVER] = { false },
};

static void
move(struct session *session, enum session_state to)
{
    if (!moves[session->state][to])
        abort();
    session->state = to;
}

static const struct clock *
clock_of(const struct session *session)
{
    return store_clock(session->service->options.store);
}

static int
on_open(void *ctx, struct rpc_call *call, void **state, struct error *err)
{
    struct control_service *service = ctx;
    const struct tls_peer *peer = rpc_call_peer(call);
    struct store_transporter row;

    if (peer->node_id[0] == '\0')
        return FAIL(err, ERROR_UNAUTHENTICATED, 0, "a transporter connects with its certificate");
    if (revocation_set_contains(service->options.revoked, peer->node_id))
        return FAIL(err, ERROR_DENIED, 0, "this transporter was revoked");
    if (store_transporters_find(service->options.store, peer->node_id, &row, err) != 0)
        return error_wrap(err, "the director does not know this node");
    if (memcmp(row.key_sha256, peer->key_sha256, sizeof(row.key_sha256)) != 0)
        return FAIL(err, ERROR_DENIED, 0, "the certificate's key is not the one that was enrolled");
    struct session *session = MEMORY_NEW(struct session);
    session->service = service;
    session->call = call;
    session->peer = *peer;
    snprintf(session->node_id, sizeof(session->node_id), "%s", row.id);
    session->connected_ms = clock_wall_ms(clock_of(session));
    session->heard_ms = session->grants_ms = session->attach_ms = clock_monotonic_ms(clock_of(session));
    session->link = &service->sessions;
    session->next = service->sessions;
    if (session->next != NULL)
        session->next->link = &session->next;
    service->sessions = session;
    *state = session;
    return 0;
}

/* Nothing is sent to it, and nobody finds it, from here on. */
static void
take_out(struct session *session)
{
    struct control_service *service = session->service;
    bool welcomed = session->state == SESSION_WELCOMED;

    if (session->state == SESSION_OVER)
        return;
    move(session, SESSION_OVER);
    session->call = NULL;
    if (!welcomed)
        return;
    HASH_DEL(service->welcomed, session);
    log_info("link", "transporter disconnected transporter=%s address=%s", session->node_id, session->peer.address);
    query_relay_lose(service->queries, session->node_id);
}

void
transporter_session_end(struct session *session, const struct error *err)
{
    struct rpc_call *call = session->call;

    take_out(session);
    if (call != NULL)
        rpc_call_end(call, err);
}

void
transporter_session_check(struct session *session, int sent, const struct error *err)
{
    if (sent == 0 || session->state == SESSION_OVER)
        return;
    log_failure(LOG_WARN, "link", err, "transporter does not read what it is sent transporter=%s", session->node_id);
    transporter_session_end(session, err);
}

static int
receive_hello(struct session *session, struct control_message *message, struct error *err)
{
    struct session_hello hello = {
        .protocol = message->hello.protocol,
        .software_version = message->hello.software_version,
        .advertise = message->hello.advertise,
        .task_slots = message->hello.task_slots,
        .clock_ms = message->hello.clock_ms,
        .running = message->running,
        .running_count = message->running_count,
    };
    struct session *old = control_service_find(session->service, session->node_id);
    struct error why = ERROR_INIT;

    if (session->state != SESSION_OPENED)
        return FAIL(err, ERROR_FORMAT, 0, "a second Hello");
    if (old != NULL) {
        FAIL(&why, ERROR_CONFLICT, 0, "the transporter has connected again");
        log_warn("link", "transporter connected again: the connection before is ended transporter=%s old=%s new=%s",
                 session->node_id, old->peer.address, session->peer.address);
        transporter_session_end(old, &why);
    }
    move(session, SESSION_WELCOMED);
    HASH_ADD_STR(session->service->welcomed, node_id, session);
    return session_hello_receive(session, &hello, err);
}

static int
receive_heartbeat(struct session *session, const struct control_message *message, struct error *err)
{
    session->running = (unsigned)message->running_count;
    session->resident_bytes = message->heartbeat.resident_bytes;
    session->cpu_seconds = message->heartbeat.cpu_seconds;
    if (store_transporters_set_seen(session->service->options.store, session->node_id, err) != 0)
        return -1;
    return scheduler_on_heartbeat(session->service->scheduler, session->node_id, message->running,
                                  message->running_count, err);
}

static int
receive_finished(struct session *session, const struct control_message *message, struct error *err)
{
    const struct scheduler_result *result = message->finished;

    if (scheduler_on_finished(session->service->scheduler, session->node_id, result, err) != 0 ||
        control_send_finished_ack(session, result->task.task, result->task.fence, err) != 0)
        return -1;
    session->service->options.on_change(session->service->options.on_change_ctx);
    return 0;
}

static int
receive_discovered(struct session *session, const struct control_message *message, struct error *err)
{
    struct store_task task;
    unsigned refused = 0;
    int held = scheduler_holds(session->service->scheduler, session->node_id, &message->discovered.task, &task, err);

    if (held < 0)
        return -1;
    if (held == 0 || task.kind != STORE_RUN_DISCOVER)
        return 0;
    if (discovered_put(session->service->options.store, task.tenant, message->discovered.objects,
                       message->discovered.count, &refused, err) != 0)
        return -1;
    if (refused > 0)
        log_warn("link", "objects with names that cannot be kept were left out task=%s count=%u", task.id, refused);
    return 0;
}

static int
receive_repository(struct session *session, const struct control_message *message, struct error *err)
{
    struct store *store = session->service->options.store;
    struct store_repository row, status = message->repository;
    struct error missing = ERROR_INIT;

    if (store_repositories_find(store, status.id, &row, &missing) != 0)
        return missing.kind == ERROR_NOT_FOUND ? 0 : FAIL(err, missing.kind, missing.native, "%s", missing.text);
    if (strcmp(row.host, session->node_id) != 0) {
        log_warn("link", "a report on a repository that is not this transporter's transporter=%s repository=%s",
                 session->node_id, row.id);
        return 0;
    }
    if (status.state == STORE_REPOSITORY_FAILED)
        log_error("link", "repository is not attached: %s kind=%s repository=%s transporter=%s", status.error_text,
                  status.error_kind, row.id, session->node_id);
    if (store_repositories_set_state(store, &status, err) != 0)
        return -1;
    session->service->options.on_change(session->service->options.on_change_ctx);
    return 0;
}

static int
dispatch(struct session *session, struct control_message *message, struct error *err)
{
    struct control_service *service = session->service;

    if (session->state == SESSION_OPENED && message->kind != CONTROL_HELLO)
        return FAIL(err, ERROR_FORMAT, 0, "the first message must be Hello");
    switch (message->kind) {
    case CONTROL_HELLO:
        return receive_hello(session, message, err);
    case CONTROL_HEARTBEAT:
        return receive_heartbeat(session, message, err);
    case CONTROL_PROGRESS:
        return scheduler_on_progress(service->scheduler, session->node_id, &message->progress.task,
                                     &message->progress.told, err);
    case CONTROL_FINISHED:
        return receive_finished(session, message, err);
    case CONTROL_DISCOVERED:
        return receive_discovered(session, message, err);
    case CONTROL_REPOSITORY:
        return receive_repository(session, message, err);
    case CONTROL_QUERY_REPLY:
        query_relay_reply(service->queries, session->node_id, message->query_reply.query_id,
                          message->query_reply.sealed, message->query_reply.len,
                          message->query_reply.failed ? &message->query_reply.why : NULL);
        return 0;
    case CONTROL_UNKNOWN:
        return 0;
    }
    return 0;
}

static int
on_message(void *state, struct rpc_call *call, const uint8_t *data, size_t len, struct error *err)
{
    struct session *session = state;
    struct control_message message;

    (void)call;
    if (session->service == NULL || session->state == SESSION_OVER)
        return 0;
    session->heard_ms = clock_monotonic_ms(clock_of(session));
    arena_reset(session->service->arena);
    int result = control_parse(data, len, session->service->arena, &message, err);
    if (result == 0)
        result = dispatch(session, &message, err);
    if (result == 0)
        return 0;
    log_failure(LOG_WARN, "link", err, "session ended transporter=%s", session->node_id);
    take_out(session);
    return -1;
}

static void
on_end(void *state, struct rpc_call *call)
{
    struct session *session = state;

    (void)call;
    if (session->service != NULL)
        transporter_session_end(session, NULL);
}

static void
on_close(void *state)
{
    struct session *session = state;

    if (session->service != NULL) {
        take_out(session);
        *session->link = session->next;
        if (session->next != NULL)
            session->next->link = session->link;
    }
    free(session);
}

const struct rpc_call_events transporter_session_events = {
    .on_open = on_open,
    .on_message = on_message,
    .on_end = on_end,
    .on_close = on_close,
};
