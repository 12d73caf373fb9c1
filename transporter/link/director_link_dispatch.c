#include "transporter/link/director_link_internal.h"

#include "common/base/buffer.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/net/revocation_set.h"
#include "common/rpc/rpc_server.h"
#include "transporter/host/vault_registry.h"
#include "transporter/link/control_build.h"
#include "transporter/link/order_parse.h"
#include "transporter/link/finished_journal.h"
#include "transporter/link/node_identity.h"
#include "transporter/query/query_service.h"
#include "transporter/task/graph_pool.h"
#include "transporter/task/task_runner.h"
#include "transporter/task/task_secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEARTBEAT_LEAST_MS 100
#define HEARTBEAT_MOST_MS  300000

static void
on_welcome(struct director_link *link, const struct control_order *order)
{
    uint32_t beat = order->welcome.heartbeat_ms;
    if (beat >= HEARTBEAT_LEAST_MS && beat <= HEARTBEAT_MOST_MS)
        link->heartbeat_ms = beat;
    if (order->welcome.lease_ms > link->heartbeat_ms)
        link->lease_ms = order->welcome.lease_ms;
    if (order->welcome.has_grant_key &&
        memcmp(order->welcome.grant_key, node_identity_grant_key(link->options.identity), CONTROL_KEY_LEN) != 0)
        log_warn("link", "the director signs grants with another key than at enrolment: vaults held here refuse them "
                         "until this transporter is enrolled again");
    for (size_t i = 0; i < order->welcome.cancelled_count; i++)
        task_runner_cancel(link->parts.runner, order->welcome.cancelled[i].task_id, order->welcome.cancelled[i].fence,
                           "the task has been given to another transporter");
    link->welcomed = true;
}

/* A task that cannot even be begun has failed. */
static void
refuse_task(struct director_link *link, const char *task_id, uint64_t fence, const struct error *why)
{
    struct task_result *result = MEMORY_NEW(struct task_result);
    snprintf(result->task_id, sizeof(result->task_id), "%s", task_id);
    result->fence = fence;
    result->error = *why;
    log_failure(LOG_WARN, "link", why, "task refused task=%s", task_id);
    director_link_finished(link, result);
    free(result);
}

static void
on_start_task(struct director_link *link, struct control_order *order)
{
    struct error err = ERROR_INIT;
    struct control_task_ref ref = { .fence = order->start_task->fence };
    memcpy(ref.task_id, order->start_task->task_id, sizeof(ref.task_id));
    if (task_runner_start(link->parts.runner, MOVE(order->start_task), &err) != 0)
        refuse_task(link, ref.task_id, ref.fence, &err);
}

static int
attach(struct director_link *link, const struct control_order *order, struct vault_registry_report *report,
       struct error *err)
{
    if (link->parts.server == NULL)
        return FAIL(err, ERROR_CONFIG, 0, "this transporter serves no vaults: set rpc.listen in its configuration");
    CLEANUP(secret_free_p)
    struct secret *location = task_secrets_unseal(link->options.identity, &order->repository.location, err);
    if (location == NULL)
        return -1;
    return vault_registry_attach(link->parts.registry, order->repository.repository_id, location, report, err);
}

static int
on_attach(struct director_link *link, const struct control_order *order, struct error *err)
{
    struct error failure = ERROR_INIT;
    struct control_repository_status status = { .repository_id = order->repository.repository_id };
    struct vault_registry_report report = { 0 };
    status.attached = attach(link, order, &report, &failure) == 0;
    status.free_bytes = report.free_bytes;
    status.locks = status.attached && report.probe.locks;
    status.probe = report.probe.words;
    if (!status.attached) {
        status.error = &failure;
        log_failure(LOG_ERROR, "host", &failure, "repository cannot be attached repository=%s", status.repository_id);
    }
    CLEANUP(buffer_clear) struct buffer message = BUFFER_INIT(CONTROL_MESSAGE_LIMIT);
    if (control_build_repository(&status, &message, err) != 0)
        return -1;
    return director_link_send(link, message.data, message.len, err);
}

static void
on_newly_revoked(void *ctx, const char *node_id)
{
    struct director_link *link = ctx;
    log_warn("host", "certificate revoked node=%s", node_id);
    if (link->parts.server != NULL)
        rpc_server_drop_node(link->parts.server, node_id);
}

static int
on_revocations(struct director_link *link, const struct control_order *order, struct error *err)
{
    size_t count = order->revocations.count;
    CLEANUP(memory_free_p)
    const char **ids = memory_array(count, sizeof(*ids), CONTROL_REVOKED_MAX * sizeof(*ids), err);
    if (ids == NULL)
        return -1;
    for (size_t i = 0; i < count; i++)
        ids[i] = order->revocations.node_ids[i];
    return revocation_set_replace(link->parts.revoked, ids, count, on_newly_revoked, link, err);
}

/* A disk that fails is no reason to leave the conversation: the vault refuses more calls by itself. */
static void
on_raise_fence(struct director_link *link, const struct control_order *order)
{
    struct error err = ERROR_INIT;
    if (vault_registry_raise_fence(link->parts.registry, order->raise_fence.vault_id, order->raise_fence.scope,
                                   order->raise_fence.fence, &err) != 0)
        log_failure(LOG_ERROR, "host", &err, "fence is not raised vault=%s", order->raise_fence.vault_id);
}

static void
on_query(struct director_link *link, struct control_order *order)
{
    query_service_submit(link->parts.queries, MOVE(order->query));
}

static int
carry_out(struct director_link *link, struct control_order *order, struct error *err)
{
    switch (order->kind) {
    case CONTROL_WELCOME:
        on_welcome(link, order);
        return 0;
    case CONTROL_START_TASK:
        on_start_task(link, order);
        return 0;
    case CONTROL_CANCEL_TASK:
        task_runner_cancel(link->parts.runner, order->ref.task_id, order->ref.fence, "cancelled by the director");
        return 0;
    case CONTROL_FINISHED_ACK:
        finished_journal_remove(link->options.journal, order->ref.task_id, order->ref.fence);
        return 0;
    case CONTROL_ATTACH_REPOSITORY:
        return on_attach(link, order, err);
    case CONTROL_DETACH_REPOSITORY:
        vault_registry_detach(link->parts.registry, order->repository.repository_id);
        return 0;
    case CONTROL_REVOCATIONS:
        return on_revocations(link, order, err);
    case CONTROL_RAISE_FENCE:
        on_raise_fence(link, order);
        return 0;
    case CONTROL_QUERY:
        on_query(link, order);
        return 0;
    case CONTROL_GRANT_UPDATE:
        task_runner_grant(link->parts.runner, order->ref.task_id, order->grant, order->grant_len);
        return 0;
    case CONTROL_PAUSE_SOURCE:
        graph_pool_pause(link->parts.graphs, order->pause_source.tenant_id, order->pause_source.pause_ms);
        return 0;
    case CONTROL_UNKNOWN:
        break;
    }
    return 0;
}

/* An order that does not parse: the asker is told when it can be found out who asked. */
static int
refuse_order(struct director_link *link, const struct control_order *order, const struct error *why, struct error *err)
{
    log_failure(LOG_WARN, "link", why, "an order of the director was not understood");
    if (order->start_task != NULL && order->start_task->task_id[0] != '\0')
        refuse_task(link, order->start_task->task_id, order->start_task->fence, why);
    if (order->query == NULL || order->query->query_id[0] == '\0')
        return 0;
    CLEANUP(buffer_clear) struct buffer message = BUFFER_INIT(CONTROL_MESSAGE_LIMIT);
    if (control_build_query_reply(order->query->query_id, NULL, 0, why, &message, err) != 0)
        return -1;
    return director_link_send(link, message.data, message.len, err);
}

int
director_link_dispatch(struct director_link *link, const uint8_t *data, size_t len, struct error *err)
{
    struct control_order order;
    struct error why = ERROR_INIT;
    int result;
    if (order_parse(data, len, &order, &why) == 0)
        result = carry_out(link, &order, err);
    else
        result = refuse_order(link, &order, &why, err);
    order_parse_clear(&order);
    return result;
}
