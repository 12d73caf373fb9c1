#include "transporter/link/order_parse.h"

#include "common/base/arena.h"
#include "common/base/memory.h"
#include "common/rpc/rpc_call.h"
#include "proto/control.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Unpacked strings and their pointers lie beside the bytes: four times the limit is the most they need. */
#define PARSE_BUDGET (4 * CONTROL_MESSAGE_LIMIT)

static int
parse_id(const char *what, const char *text, bool may_be_empty, char out[IDENTIFIER_LEN], struct error *err)
{
    if (text[0] == '\0' ? !may_be_empty : !identifier_valid(text))
        return FAIL(err, ERROR_FORMAT, 0, "director's message carries a bad %s", what);
    snprintf(out, IDENTIFIER_LEN, "%s", text);
    return 0;
}

static int
parse_text(const char *what, const char *text, char *out, size_t size, struct error *err)
{
    size_t len = strlen(text);
    if (len >= size)
        return FAIL(err, ERROR_LIMIT, 0, "director's message carries a %s of %zu bytes", what, len);
    memcpy(out, text, len + 1);
    return 0;
}

static int
parse_bytes(const char *what, const ProtobufCBinaryData *from, size_t ceiling, uint8_t **out, size_t *len,
            struct error *err)
{
    *out = memory_array(from->len, 1, ceiling, err);
    if (*out == NULL)
        return error_wrap(err, "director's message, %s", what);
    if (from->len > 0)
        memcpy(*out, from->data, from->len);
    *len = from->len;
    return 0;
}

static int
parse_vault(const Longhaul__V1__VaultAccess *from, struct task_vault *to, struct error *err)
{
    if (from == NULL)
        return FAIL(err, ERROR_FORMAT, 0, "director's message names no vault");
    if (parse_id("vault id", from->vault_id, false, to->vault_id, err) != 0 ||
        parse_id("repository id", from->repository_id, false, to->repository_id, err) != 0 ||
        parse_id("host node id", from->host_node_id, false, to->host_node_id, err) != 0 ||
        parse_text("host address", from->host_address, to->host_address, sizeof(to->host_address), err) != 0)
        return -1;
    return parse_bytes("grant", &from->grant, 4096, &to->grant, &to->grant_len, err);
}

static int
parse_secret(const Longhaul__V1__SealedSecret *from, struct task_secret *to, struct error *err)
{
    if (from == NULL)
        return FAIL(err, ERROR_FORMAT, 0, "director's message lacks a sealed secret");
    if (parse_text("secret id", from->secret_id, to->secret_id, sizeof(to->secret_id), err) != 0 ||
        parse_text("secret purpose", from->purpose, to->purpose, sizeof(to->purpose), err) != 0)
        return -1;
    return parse_bytes("sealed secret", &from->sealed, CONTROL_MESSAGE_LIMIT, &to->sealed, &to->sealed_len, err);
}

static int
parse_secrets(Longhaul__V1__SealedSecret **from, size_t count, struct task_secret **to, size_t *to_count,
              struct error *err)
{
    *to = memory_array(count, sizeof(**to), TASK_ORDER_SECRETS_MAX * sizeof(**to), err);
    if (*to == NULL)
        return error_wrap(err, "director's message, sealed secrets");
    *to_count = count;
    for (size_t i = 0; i < count; i++)
        if (parse_secret(from[i], &(*to)[i], err) != 0)
            return -1;
    return 0;
}

static int
parse_object(const Longhaul__V1__ProtectedObject *from, struct task_object *to, struct error *err)
{
    if (from == NULL)
        return FAIL(err, ERROR_FORMAT, 0, "director's message names no object");
    if (from->kind == LONGHAUL__V1__OBJECT_KIND__OBJECT_KIND_MAILBOX)
        to->kind = TASK_OBJECT_MAILBOX;
    else if (from->kind == LONGHAUL__V1__OBJECT_KIND__OBJECT_KIND_DRIVE)
        to->kind = TASK_OBJECT_DRIVE;
    else
        return FAIL(err, ERROR_UNSUPPORTED, 0, "object kind %d is unknown to this version: update the transporter",
                    (int)from->kind);
    if (parse_id("object id", from->object_id, false, to->object_id, err) != 0 ||
        parse_text("external id", from->external_id, to->external_id, sizeof(to->external_id), err) != 0)
        return -1;
    return parse_text("object name", from->name, to->name, sizeof(to->name), err);
}

static int
parse_backup(const Longhaul__V1__BackupTask *from, struct task_order *to, struct error *err)
{
    to->kind = TASK_BACKUP;
    to->bytes_per_second = from->bytes_per_second;
    to->force_full = from->force_full;
    if (parse_id("point id", from->previous_point, true, to->point_id, err) != 0)
        return -1;
    return parse_object(from->object, &to->object, err);
}

static int
parse_target(const Longhaul__V1__TenantTarget *from, struct task_order *to, struct error *err)
{
    switch (from->conflict) {
    case LONGHAUL__V1__CONFLICT_RULE__CONFLICT_RULE_SKIP:
        to->conflict = TASK_CONFLICT_SKIP;
        break;
    case LONGHAUL__V1__CONFLICT_RULE__CONFLICT_RULE_RENAME:
        to->conflict = TASK_CONFLICT_RENAME;
        break;
    case LONGHAUL__V1__CONFLICT_RULE__CONFLICT_RULE_OVERWRITE:
        to->conflict = TASK_CONFLICT_OVERWRITE;
        break;
    case _LONGHAUL__V1__CONFLICT_RULE_IS_INT_SIZE:
        return FAIL(err, ERROR_FORMAT, 0, "director's message carries an unknown conflict rule");
    }
    to->to_tenant = true;
    to->target_folder = memory_strdup(from->folder);
    return parse_object(from->object, &to->target, err);
}

static int
parse_restore(const Longhaul__V1__RestoreTask *from, struct task_order *to, struct error *err)
{
    to->kind = TASK_RESTORE;
    if (parse_id("point id", from->point_id, false, to->point_id, err) != 0 ||
        parse_object(from->object, &to->object, err) != 0)
        return -1;
    switch (from->target_case) {
    case LONGHAUL__V1__RESTORE_TASK__TARGET_FOLDER:
        to->folder_path = memory_strdup(from->folder->path);
        return 0;
    case LONGHAUL__V1__RESTORE_TASK__TARGET_TENANT:
        return parse_target(from->tenant, to, err);
    case LONGHAUL__V1__RESTORE_TASK__TARGET__NOT_SET:
    case _LONGHAUL__V1__RESTORE_TASK__TARGET__CASE_IS_INT_SIZE:
        break;
    }
    return FAIL(err, ERROR_FORMAT, 0, "director's restore task has no target");
}

static int
parse_points(char **from, size_t count, size_t most, struct task_order *to, struct error *err)
{
    to->points = memory_array(count, sizeof(*to->points), most * sizeof(*to->points), err);
    if (to->points == NULL)
        return error_wrap(err, "director's task, recovery points");
    to->point_count = count;
    for (size_t i = 0; i < count; i++)
        if (parse_id("point id", from[i], false, to->points[i], err) != 0)
            return -1;
    return 0;
}

static int
parse_verify(const Longhaul__V1__VerifyTask *from, struct task_order *to, struct error *err)
{
    to->kind = TASK_VERIFY;
    if (from->sample_ppm > 1000000)
        return FAIL(err, ERROR_FORMAT, 0, "director's verify task: a sample of more than everything");
    to->verify_data = from->data;
    to->verify_sample_ppm = from->sample_ppm;
    to->rebuild_index = from->rebuild_index;
    return parse_points(from->points, from->n_points, TASK_ORDER_POINTS_MAX, to, err);
}

static int
parse_copy(const Longhaul__V1__CopyTask *from, struct task_order *to, struct error *err)
{
    to->kind = TASK_COPY;
    if (parse_id("object id", from->object_id, true, to->object.object_id, err) != 0 ||
        parse_vault(from->source, &to->source, err) != 0 ||
        parse_secret(from->source_password, &to->source_password, err) != 0)
        return -1;
    return parse_points(from->points, from->n_points, TASK_ORDER_COPY_MAX, to, err);
}

static int
parse_heal(const Longhaul__V1__HealTask *from, struct task_order *to, struct error *err)
{
    to->kind = TASK_HEAL;
    if (from->source == NULL && from->source_password == NULL)
        return 0;
    return parse_vault(from->source, &to->source, err) != 0
               ? -1
               : parse_secret(from->source_password, &to->source_password, err);
}

static int
parse_sweep(const Longhaul__V1__SweepTask *from, struct task_order *to, struct error *err)
{
    to->kind = TASK_SWEEP;
    to->undo_ms = from->undo_ms;
    to->undo_record = from->undo_record;
    to->dry_run = from->dry_run;
    if (from->undo_ms > TASK_ORDER_UNDO_MS_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "director's sweep is to be undone for longer than can be told");
    return parse_points(from->expire, from->n_expire, TASK_ORDER_EXPIRE_MAX, to, err);
}

static int
parse_work(const Longhaul__V1__StartTask *from, struct task_order *to, struct error *err)
{
    switch (from->work_case) {
    case LONGHAUL__V1__START_TASK__WORK_CREATE_VAULT:
        to->kind = TASK_CREATE_VAULT;
        to->compression_level = from->create_vault->compression_level;
        return 0;
    case LONGHAUL__V1__START_TASK__WORK_BACKUP:
        return parse_backup(from->backup, to, err);
    case LONGHAUL__V1__START_TASK__WORK_RESTORE:
        return parse_restore(from->restore, to, err);
    case LONGHAUL__V1__START_TASK__WORK_VERIFY:
        return parse_verify(from->verify, to, err);
    case LONGHAUL__V1__START_TASK__WORK_DISCOVER:
        to->kind = TASK_DISCOVER;
        return 0;
    case LONGHAUL__V1__START_TASK__WORK_SWEEP:
        return parse_sweep(from->sweep, to, err);
    case LONGHAUL__V1__START_TASK__WORK_COPY:
        return parse_copy(from->copy, to, err);
    case LONGHAUL__V1__START_TASK__WORK_HEAL:
        return parse_heal(from->heal, to, err);
    case LONGHAUL__V1__START_TASK__WORK__NOT_SET:
    case _LONGHAUL__V1__START_TASK__WORK__CASE_IS_INT_SIZE:
        break;
    }
    return FAIL(err, ERROR_UNSUPPORTED, 0, "the task is of a kind this version does not know: update the transporter");
}

static int
parse_start_task(const Longhaul__V1__StartTask *from, struct control_order *order, struct error *err)
{
    struct task_order *to = order->start_task = task_order_new();
    to->fence = from->fence;
    if (parse_id("task id", from->task_id, false, to->task_id, err) != 0 ||
        parse_id("run id", from->run_id, true, to->run_id, err) != 0 ||
        parse_id("tenant id", from->tenant_id, true, to->tenant_id, err) != 0 || parse_work(from, to, err) != 0 ||
        parse_secrets(from->secrets, from->n_secrets, &to->secrets, &to->secret_count, err) != 0)
        return -1;
    return to->kind == TASK_DISCOVER ? 0 : parse_vault(from->vault, &to->vault, err);
}

static int
parse_refs(Longhaul__V1__RunningTask **from, size_t count, struct control_task_ref **to, size_t *to_count,
           struct error *err)
{
    *to = memory_array(count, sizeof(**to), CONTROL_RUNNING_MAX * sizeof(**to), err);
    if (*to == NULL)
        return -1;
    *to_count = count;
    for (size_t i = 0; i < count; i++) {
        (*to)[i].fence = from[i]->fence;
        if (parse_id("task id", from[i]->task_id, false, (*to)[i].task_id, err) != 0)
            return -1;
    }
    return 0;
}

static int
parse_welcome(const Longhaul__V1__Welcome *from, struct control_order *order, struct error *err)
{
    order->welcome.heartbeat_ms = from->heartbeat_ms;
    order->welcome.lease_ms = from->lease_ms;
    if (from->grant_key.len == CONTROL_KEY_LEN) {
        memcpy(order->welcome.grant_key, from->grant_key.data, CONTROL_KEY_LEN);
        order->welcome.has_grant_key = true;
    } else if (from->grant_key.len != 0) {
        return FAIL(err, ERROR_FORMAT, 0, "director's grant key has %zu bytes", from->grant_key.len);
    }
    return parse_refs(from->cancelled, from->n_cancelled, &order->welcome.cancelled, &order->welcome.cancelled_count,
                      err);
}

static int
parse_revocations(const Longhaul__V1__Revocations *from, struct control_order *order, struct error *err)
{
    size_t each = sizeof(*order->revocations.node_ids);
    order->revocations.node_ids = memory_array(from->n_node_ids, each, CONTROL_REVOKED_MAX * each, err);
    if (order->revocations.node_ids == NULL)
        return -1;
    order->revocations.count = from->n_node_ids;
    for (size_t i = 0; i < from->n_node_ids; i++)
        if (parse_id("node id", from->node_ids[i], false, order->revocations.node_ids[i], err) != 0)
            return -1;
    return 0;
}

static int
parse_query(const Longhaul__V1__Query *from, struct control_order *order, struct error *err)
{
    struct control_query *to = order->query = MEMORY_NEW(struct control_query);
    if (parse_id("query id", from->query_id, false, to->query_id, err) != 0)
        return -1;
    if (from->reply_key.len != CONTROL_KEY_LEN)
        return FAIL(err, ERROR_FORMAT, 0, "query's reply key has %zu bytes", from->reply_key.len);
    memcpy(to->reply_key, from->reply_key.data, CONTROL_KEY_LEN);
    if (parse_id("tenant id", from->tenant_id, true, to->tenant_id, err) != 0 ||
        parse_secrets(from->secrets, from->n_secrets, &to->secrets, &to->secret_count, err) != 0 ||
        parse_secret(from->request, &to->request, err) != 0)
        return -1;
    return from->vault == NULL ? 0 : parse_vault(from->vault, &to->vault, err);
}

static int
parse_small(const Longhaul__V1__DirectorMessage *m, struct control_order *order, struct error *err)
{
    switch (order->kind) {
    case CONTROL_CANCEL_TASK:
        order->ref.fence = m->cancel_task->fence;
        return parse_id("task id", m->cancel_task->task_id, false, order->ref.task_id, err);
    case CONTROL_FINISHED_ACK:
        order->ref.fence = m->finished_ack->fence;
        return parse_id("task id", m->finished_ack->task_id, false, order->ref.task_id, err);
    case CONTROL_ATTACH_REPOSITORY:
        if (parse_id("repository id", m->attach_repository->repository_id, false, order->repository.repository_id,
                     err) != 0)
            return -1;
        return parse_secret(m->attach_repository->location, &order->repository.location, err);
    case CONTROL_DETACH_REPOSITORY:
        return parse_id("repository id", m->detach_repository->repository_id, false, order->repository.repository_id,
                        err);
    case CONTROL_RAISE_FENCE:
        order->raise_fence.fence = m->raise_fence->fence;
        if (parse_id("vault id", m->raise_fence->vault_id, false, order->raise_fence.vault_id, err) != 0)
            return -1;
        return parse_id("scope", m->raise_fence->scope, true, order->raise_fence.scope, err);
    case CONTROL_GRANT_UPDATE:
        if (parse_id("task id", m->grant_update->task_id, false, order->ref.task_id, err) != 0)
            return -1;
        return parse_bytes("grant", &m->grant_update->grant, 4096, &order->grant, &order->grant_len, err);
    case CONTROL_PAUSE_SOURCE:
        order->pause_source.pause_ms = m->pause_source->pause_ms;
        return parse_id("tenant id", m->pause_source->tenant_id, false, order->pause_source.tenant_id, err);
    case CONTROL_WELCOME:
    case CONTROL_START_TASK:
    case CONTROL_REVOCATIONS:
    case CONTROL_QUERY:
    case CONTROL_UNKNOWN:
        break;
    }
    return 0;
}

static enum control_kind
kind_of(const Longhaul__V1__DirectorMessage *m)
{
    switch (m->kind_case) {
    case LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_WELCOME:
        return CONTROL_WELCOME;
    case LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_START_TASK:
        return CONTROL_START_TASK;
    case LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_CANCEL_TASK:
        return CONTROL_CANCEL_TASK;
    case LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_FINISHED_ACK:
        return CONTROL_FINISHED_ACK;
    case LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_ATTACH_REPOSITORY:
        return CONTROL_ATTACH_REPOSITORY;
    case LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_DETACH_REPOSITORY:
        return CONTROL_DETACH_REPOSITORY;
    case LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_REVOCATIONS:
        return CONTROL_REVOCATIONS;
    case LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_RAISE_FENCE:
        return CONTROL_RAISE_FENCE;
    case LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_QUERY:
        return CONTROL_QUERY;
    case LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_GRANT_UPDATE:
        return CONTROL_GRANT_UPDATE;
    case LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_PAUSE_SOURCE:
        return CONTROL_PAUSE_SOURCE;
    case LONGHAUL__V1__DIRECTOR_MESSAGE__KIND__NOT_SET:
    case _LONGHAUL__V1__DIRECTOR_MESSAGE__KIND__CASE_IS_INT_SIZE:
        break;
    }
    return CONTROL_UNKNOWN;
}

static int
parse_message(const Longhaul__V1__DirectorMessage *m, struct control_order *order, struct error *err)
{
    order->kind = kind_of(m);
    if (order->kind == CONTROL_WELCOME)
        return parse_welcome(m->welcome, order, err);
    if (order->kind == CONTROL_START_TASK)
        return parse_start_task(m->start_task, order, err);
    if (order->kind == CONTROL_REVOCATIONS)
        return parse_revocations(m->revocations, order, err);
    if (order->kind == CONTROL_QUERY)
        return parse_query(m->query, order, err);
    return parse_small(m, order, err);
}

int
order_parse(const uint8_t *data, size_t len, struct control_order *order, struct error *err)
{
    *order = (struct control_order){ .kind = CONTROL_UNKNOWN };
    if (len > CONTROL_MESSAGE_LIMIT)
        return FAIL(err, ERROR_LIMIT, 0, "director's message has %zu bytes", len);
    CLEANUP(arena_free_p) struct arena *arena = arena_new(PARSE_BUDGET);
    ProtobufCMessage *m = rpc_unpack(&longhaul__v1__director_message__descriptor, data, len, arena, err);
    if (m == NULL)
        return -1;
    return parse_message((const Longhaul__V1__DirectorMessage *)m, order, err);
}

void
order_parse_clear(struct control_order *order)
{
    free(order->welcome.cancelled);
    task_order_free(order->start_task);
    task_order_secret_clear(&order->repository.location);
    free(order->revocations.node_ids);
    order_parse_query_free(order->query);
    free(order->grant);
    *order = (struct control_order){ .kind = CONTROL_UNKNOWN };
}

void
order_parse_query_free(struct control_query *query)
{
    if (query == NULL)
        return;
    task_order_vault_clear(&query->vault);
    for (size_t i = 0; i < query->secret_count; i++)
        task_order_secret_clear(&query->secrets[i]);
    free(query->secrets);
    task_order_secret_clear(&query->request);
    free(query);
}
