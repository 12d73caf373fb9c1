#include "director/link/control_send.h"

#include "common/base/memory.h"
#include "common/crypto/key_pair.h"
#include "common/net/revocation_set.h"
#include "common/rpc/rpc_call.h"
#include "proto/control.pb-c.h"

#include <stdlib.h>
#include <string.h>

/* Messages only borrow: protobuf-c wants pointers that are not const, and does not write through them. */
static char *
text(const char *value)
{
    union {
        const char *in;
        char *out;
    } borrowed = { .in = value };
    return borrowed.out;
}

static ProtobufCBinaryData
bytes(const uint8_t *data, size_t len)
{
    union {
        const uint8_t *in;
        uint8_t *out;
    } borrowed = { .in = data };
    return (ProtobufCBinaryData){ .len = len, .data = borrowed.out };
}

static int
send(struct session *session, const Longhaul__V1__DirectorMessage *message, struct error *err)
{
    if (session->call == NULL)
        return FAIL(err, ERROR_UNAVAILABLE, 0, "transporter %s is not connected", session->node_id);
    return rpc_call_send(session->call, &message->base, err);
}

#define MESSAGE(name, kind)                                                                                            \
    Longhaul__V1__DirectorMessage name = LONGHAUL__V1__DIRECTOR_MESSAGE__INIT;                                         \
    (name).kind_case = LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_##kind

int
control_send_welcome(struct session *session, const struct control_welcome *welcome, struct error *err)
{
    MESSAGE(message, WELCOME);
    Longhaul__V1__Welcome body = LONGHAUL__V1__WELCOME__INIT;
    size_t count = welcome->running_count, stops = 0;
    char version[] = LONGHAUL_VERSION;

    CLEANUP(memory_free_p)
    Longhaul__V1__RunningTask *tasks = memory_array(count, sizeof(*tasks), LINK_RUNNING_MAX * sizeof(*tasks), err);
    CLEANUP(memory_free_p)
    Longhaul__V1__RunningTask **list = memory_array(count, sizeof(*list), LINK_RUNNING_MAX * sizeof(*list), err);
    if (tasks == NULL || list == NULL)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (!welcome->running[i].stop)
            continue;
        longhaul__v1__running_task__init(&tasks[stops]);
        tasks[stops].task_id = text(welcome->running[i].task);
        tasks[stops].fence = welcome->running[i].fence;
        list[stops] = &tasks[stops];
        stops++;
    }
    body.director_version = version;
    body.heartbeat_ms = welcome->heartbeat_ms;
    body.lease_ms = welcome->lease_ms;
    body.grant_key = bytes(welcome->grant_key, KEY_POINT_LEN);
    body.n_cancelled = stops;
    body.cancelled = list;
    message.welcome = &body;
    return send(session, &message, err);
}

int
control_send_cancel(struct session *session, const char *task_id, uint64_t fence, struct error *err)
{
    MESSAGE(message, CANCEL_TASK);
    Longhaul__V1__CancelTask body = LONGHAUL__V1__CANCEL_TASK__INIT;

    body.task_id = text(task_id);
    body.fence = fence;
    message.cancel_task = &body;
    return send(session, &message, err);
}

int
control_send_finished_ack(struct session *session, const char *task_id, uint64_t fence, struct error *err)
{
    MESSAGE(message, FINISHED_ACK);
    Longhaul__V1__FinishedAck body = LONGHAUL__V1__FINISHED_ACK__INIT;

    body.task_id = text(task_id);
    body.fence = fence;
    message.finished_ack = &body;
    return send(session, &message, err);
}

static void
fill_secret(Longhaul__V1__SealedSecret *secret, const char *id, const char *purpose, const uint8_t *sealed, size_t len)
{
    longhaul__v1__sealed_secret__init(secret);
    secret->secret_id = text(id);
    secret->purpose = text(purpose);
    secret->sealed = bytes(sealed, len);
}

int
control_send_attach(struct session *session, const char *repository_id, const char *secret_id, const uint8_t *sealed,
                    size_t len, struct error *err)
{
    MESSAGE(message, ATTACH_REPOSITORY);
    Longhaul__V1__AttachRepository body = LONGHAUL__V1__ATTACH_REPOSITORY__INIT;
    Longhaul__V1__SealedSecret location;

    fill_secret(&location, secret_id, "storage", sealed, len);
    body.repository_id = text(repository_id);
    body.location = &location;
    message.attach_repository = &body;
    return send(session, &message, err);
}

int
control_send_detach(struct session *session, const char *repository_id, struct error *err)
{
    MESSAGE(message, DETACH_REPOSITORY);
    Longhaul__V1__DetachRepository body = LONGHAUL__V1__DETACH_REPOSITORY__INIT;

    body.repository_id = text(repository_id);
    message.detach_repository = &body;
    return send(session, &message, err);
}

int
control_send_revocations(struct session *session, struct revocation_set *revoked, struct error *err)
{
    MESSAGE(message, REVOCATIONS);
    Longhaul__V1__Revocations body = LONGHAUL__V1__REVOCATIONS__INIT;
    size_t count = 0;

    char **ids = revocation_set_list(revoked, &count);
    body.n_node_ids = count;
    body.node_ids = ids;
    message.revocations = &body;
    int result = send(session, &message, err);
    revocation_set_list_free(ids, count);
    return result;
}

int
control_send_raise_fence(struct session *session, const char *vault_id, const char *scope, uint64_t fence,
                         struct error *err)
{
    MESSAGE(message, RAISE_FENCE);
    Longhaul__V1__RaiseFence body = LONGHAUL__V1__RAISE_FENCE__INIT;

    body.vault_id = text(vault_id);
    body.scope = text(scope);
    body.fence = fence;
    message.raise_fence = &body;
    return send(session, &message, err);
}

int
control_send_grant(struct session *session, const char *task_id, const struct vault_access *access, struct error *err)
{
    MESSAGE(message, GRANT_UPDATE);
    Longhaul__V1__GrantUpdate body = LONGHAUL__V1__GRANT_UPDATE__INIT;

    body.task_id = text(task_id);
    body.grant = bytes(access->grant, access->grant_len);
    message.grant_update = &body;
    return send(session, &message, err);
}

static void
fill_access(Longhaul__V1__VaultAccess *to, const struct vault_access *access)
{
    longhaul__v1__vault_access__init(to);
    to->vault_id = text(access->vault_id);
    to->repository_id = text(access->repository_id);
    to->host_node_id = text(access->host_node_id);
    to->host_address = text(access->host_address);
    to->grant = bytes(access->grant, access->grant_len);
}

int
control_send_query(struct session *session, const struct control_query *query, struct error *err)
{
    MESSAGE(message, QUERY);
    Longhaul__V1__Query body = LONGHAUL__V1__QUERY__INIT;
    Longhaul__V1__VaultAccess access;
    Longhaul__V1__SealedSecret password, request, *secrets[] = { &password };

    fill_access(&access, query->access);
    fill_secret(&password, query->password_secret, "vault-password", query->password, query->password_len);
    fill_secret(&request, query->query_id, "query", query->request, query->request_len);
    body.query_id = text(query->query_id);
    body.tenant_id = text(query->tenant_id);
    body.vault = &access;
    body.n_secrets = 1;
    body.secrets = secrets;
    body.request = &request;
    body.reply_key = bytes(query->reply_key, KEY_POINT_LEN);
    message.query = &body;
    return send(session, &message, err);
}
