#include "director/link/control_service.h"

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/net/revocation_set.h"
#include "common/rpc/rpc_server.h"
#include "director/link/control_send.h"
#include "director/link/link_internal.h"
#include "director/link/query_relay.h"
#include "director/store/store_repositories.h"
#include "director/store/store_secrets.h"
#include "director/store/store_vaults.h"

#include <stdlib.h>
#include <string.h>

#define SILENT_BEATS 4
/* A third of a grant's life, so that one lost renewal does no harm. */
#define GRANTS_EVERY_MS ((uint64_t)VAULT_ACCESS_LIFETIME_MS / 3)

#define ATTACH_EVERY_MS 10000

#define QUERY_TIMEOUT_MS      60000
#define QUERY_TIMEOUT_MOST_MS 600000

static const struct rpc_method methods[] = {
    { .path = "/longhaul.v1.Control/Connect", .events = &transporter_session_events },
};

struct control_service *
control_service_new(const struct control_service_options *options)
{
    struct control_service *service = MEMORY_NEW(struct control_service);

    service->options = *options;
    service->queries = query_relay_new(options->loop);
    service->arena = arena_new(LINK_MESSAGE_BUDGET);
    return service;
}

void
control_service_free(struct control_service *service)
{
    if (service == NULL)
        return;
    HASH_CLEAR(hh, service->welcomed);
    for (struct session *session = service->sessions; session != NULL; session = session->next)
        session->service = NULL;
    query_relay_free(service->queries);
    arena_free(service->arena);
    free(service);
}

void
control_service_use(struct control_service *service, struct scheduler *scheduler)
{
    service->scheduler = scheduler;
}

void
control_service_attach(struct control_service *service, struct rpc_server *server)
{
    rpc_server_add(server, methods, ARRAY_LEN(methods), service);
}

struct session *
control_service_find(const struct control_service *service, const char *node_id)
{
    struct session *session = NULL;

    HASH_FIND_STR(service->welcomed, node_id, session);
    return session;
}

static int
by_id(const void *a, const void *b)
{
    const struct scheduler_peer *left = a, *right = b;
    return strcmp(left->id, right->id);
}

static size_t
connected(void *ctx, struct scheduler_peer *out, size_t max)
{
    const struct control_service *service = ctx;
    const struct session *session, *next;
    size_t n = 0;

    HASH_ITER (hh, service->welcomed, session, next) {
        if (n == max)
            break;
        out[n].slots = session->slots;
        memcpy(out[n++].id, session->node_id, IDENTIFIER_LEN);
    }
    qsort(out, n, sizeof(*out), by_id);
    return n;
}

static int
start(void *ctx, const struct store_task *task, struct error *err)
{
    struct session *session = control_service_find(ctx, task->transporter);

    if (session == NULL)
        return FAIL(err, ERROR_UNAVAILABLE, 0, "transporter %s is not connected", task->transporter);
    return task_order_send(session, task, err);
}

static void
cancel(void *ctx, const char *transporter, const char *task_id, uint64_t fence)
{
    struct session *session = control_service_find(ctx, transporter);
    struct error err = ERROR_INIT;

    if (session != NULL)
        transporter_session_check(session, control_send_cancel(session, task_id, fence, &err), &err);
}

static void
raise_fence(void *ctx, const char *host, const char *vault, const char *scope, uint64_t fence)
{
    struct session *session = control_service_find(ctx, host);
    struct error err = ERROR_INIT;

    if (session != NULL)
        transporter_session_check(session, control_send_raise_fence(session, vault, scope, fence, &err), &err);
}

struct scheduler_links
control_service_links(struct control_service *service)
{
    return (struct scheduler_links){
        .ctx = service, .connected = connected, .start = start, .cancel = cancel, .raise_fence = raise_fence
    };
}

/* A session that ends stays in the list until its on_close, which never comes from inside here. */
void
control_service_tick(struct control_service *service)
{
    uint64_t now = clock_monotonic_ms(store_clock(service->options.store));

    for (struct session *session = service->sessions, *next; session != NULL; session = next) {
        struct error err = ERROR_INIT;

        next = session->next;
        if (session->state == SESSION_OVER)
            continue;
        if (now - session->heard_ms > (uint64_t)service->options.heartbeat_ms * SILENT_BEATS) {
            FAIL(&err, ERROR_TIMEOUT, 0, "no heartbeat");
            log_warn("link", "transporter is silent transporter=%s address=%s", session->node_id,
                     session->peer.address);
            transporter_session_end(session, &err);
        } else if (session->state == SESSION_WELCOMED && now - session->grants_ms >= GRANTS_EVERY_MS) {
            transporter_session_check(session, session_hello_renew_grants(session, &err), &err);
        } else if (session->state == SESSION_WELCOMED && now - session->attach_ms >= ATTACH_EVERY_MS) {
            transporter_session_check(session, session_hello_attach_again(session, &err), &err);
        }
    }
}

void
control_service_close_all(struct control_service *service)
{
    struct error err = ERROR_INIT;

    FAIL(&err, ERROR_UNAVAILABLE, 0, "the director is going down");
    for (struct session *session = service->sessions, *next; session != NULL; session = next) {
        next = session->next;
        transporter_session_end(session, &err);
    }
}

void
control_service_push_revocations(struct control_service *service)
{
    struct session *session, *next;

    HASH_ITER (hh, service->welcomed, session, next) {
        struct error err = ERROR_INIT;
        if (!revocation_set_contains(service->options.revoked, session->node_id)) {
            transporter_session_check(session, control_send_revocations(session, service->options.revoked, &err), &err);
            continue;
        }
        /* Its connection ends in a later turn of the loop; it is to be given nothing until then. */
        FAIL(&err, ERROR_DENIED, 0, "this transporter was revoked");
        transporter_session_end(session, &err);
    }
}

void
control_service_state(struct control_service *service, const char *node_id, struct director_transporter_state *state)
{
    const struct session *session = control_service_find(service, node_id);

    memset(state, 0, sizeof(*state));
    if (session == NULL)
        return;
    state->online = true;
    state->connected_ms = session->connected_ms;
    state->running = session->running;
    state->resident_bytes = session->resident_bytes;
    state->cpu_seconds = session->cpu_seconds;
    memcpy(state->address, session->peer.address, sizeof(state->address));
    memcpy(state->tls_version, session->peer.version, sizeof(state->tls_version));
    memcpy(state->tls_suite, session->peer.suite, sizeof(state->tls_suite));
    memcpy(state->tls_group, session->peer.group, sizeof(state->tls_group));
}

static int
find_host(struct control_service *service, const char *repository_id, struct store_repository *row,
          struct session **session, struct error *err)
{
    if (store_repositories_find(service->options.store, repository_id, row, err) != 0)
        return -1;
    *session = control_service_find(service, row->host);
    return 0;
}

int
control_service_attach_repository(struct control_service *service, const char *repository_id, struct error *err)
{
    struct store_repository row;
    struct session *session;

    if (find_host(service, repository_id, &row, &session, err) != 0)
        return -1;
    return session != NULL ? session_hello_attach(session, row.id, err) : 0;
}

int
control_service_detach_repository(struct control_service *service, const char *repository_id, struct error *err)
{
    struct store_repository row;
    struct session *session;

    if (find_host(service, repository_id, &row, &session, err) != 0)
        return -1;
    return session != NULL ? control_send_detach(session, row.id, err) : 0;
}

static int
send_query(struct control_service *service, struct session *session, const struct director_query *query,
           struct error *err)
{
    struct store_vault vault;
    struct vault_access access;
    CLEANUP(memory_free_p) uint8_t *password = NULL;
    size_t len = 0;

    if (store_vaults_find(service->options.store, query->vault_id, &vault, err) != 0 ||
        store_secrets_get_slot(service->options.store, vault.password_secret, session->node_id, &password, &len, err) !=
            0)
        return -1;
    struct vault_access_request request = {
        .vault_id = vault.id,
        .operations = GRANT_READ,
        .task_id = query->query_id,
        .scope = VAULT_ACCESS_QUERY_SCOPE,
        .fence = 1, /* readers do not fence each other */
        .holder_node_id = session->node_id,
        .holder_key_sha256 = session->peer.key_sha256,
    };
    if (vault_access_make(service->options.store, service->options.authority, &request, &access, err) != 0)
        return -1;
    if (control_service_find(service, access.host_node_id) == NULL)
        return FAIL(err, ERROR_UNAVAILABLE, 0, "the vault's host is not connected");
    struct control_query message = {
        .query_id = query->query_id,
        .tenant_id = vault.tenant,
        .access = &access,
        .password_secret = vault.password_secret,
        .password = password,
        .password_len = len,
        .request = query->request,
        .request_len = query->request_len,
        .reply_key = query->reply_key,
    };
    return control_send_query(session, &message, err);
}

int
control_service_query(struct control_service *service, const struct director_query *query, director_query_fn *done,
                      void *ctx, struct error *err)
{
    struct session *session = control_service_find(service, query->transporter);
    uint32_t timeout = query->timeout_ms == 0 ? QUERY_TIMEOUT_MS : query->timeout_ms;

    if (query->request_len == 0 || query->request_len > DIRECTOR_QUERY_SEALED_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "a query has 1 to %zu bytes", DIRECTOR_QUERY_SEALED_MAX);
    if (session == NULL)
        return FAIL(err, ERROR_UNAVAILABLE, 0, "transporter %.39s is not connected", query->transporter);
    if (timeout > QUERY_TIMEOUT_MOST_MS)
        timeout = QUERY_TIMEOUT_MOST_MS;
    if (query_relay_add(service->queries, query->query_id, session->node_id, timeout, done, ctx, err) != 0)
        return -1;
    if (send_query(service, session, query, err) == 0)
        return 0;
    query_relay_drop(service->queries, query->query_id);
    return -1;
}

void
control_service_query_cancel(struct control_service *service, const char *query_id)
{
    query_relay_drop(service->queries, query_id);
}

int
control_service_query_placement(struct control_service *service, const char *vault_id, char transporter[IDENTIFIER_LEN],
                                struct error *err)
{
    struct store_vault vault;
    const struct session *session, *next, *best = NULL;

    if (store_vaults_find(service->options.store, vault_id, &vault, err) != 0)
        return -1;
    HASH_ITER (hh, service->welcomed, session, next) {
        int has = store_secrets_has_slot(service->options.store, vault.password_secret, session->node_id, err);
        if (has < 0)
            return -1;
        if (has > 0 && (best == NULL || session->running < best->running))
            best = session;
    }
    if (best == NULL)
        return FAIL(err, ERROR_UNAVAILABLE, 0, "no transporter that holds the vault's password is connected");
    memcpy(transporter, best->node_id, IDENTIFIER_LEN);
    return 0;
}
