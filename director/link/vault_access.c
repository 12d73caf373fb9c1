#include "director/link/vault_access.h"

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "director/enrolment/authority.h"
#include "director/jobs/task_spec.h"
#include "director/store/store_repositories.h"
#include "director/store/store_tasks.h"
#include "director/store/store_vaults.h"

#include <stdio.h>
#include <string.h>

static uint32_t
operations_of(enum store_run_kind kind)
{
    switch (kind) {
    case STORE_RUN_BACKUP:
        return GRANT_READ | GRANT_APPEND;
    case STORE_RUN_RESTORE:
        return GRANT_READ;
    case STORE_RUN_VERIFY: /* notes what is damaged */
        return GRANT_READ | GRANT_APPEND;
    case STORE_RUN_COPY:
    case STORE_RUN_HEAL:
        return GRANT_READ | GRANT_APPEND;
    case STORE_RUN_SWEEP:
        return GRANT_READ | GRANT_RETIRE;
    case STORE_RUN_CREATE_VAULT:
        return GRANT_READ | GRANT_APPEND | GRANT_CREATE;
    case STORE_RUN_DISCOVER:
        return 0;
    }
    return 0;
}

static int
sign(struct authority *authority, const struct vault_access_request *request, int64_t now_ms,
     struct vault_access *access, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer bytes = BUFFER_INIT(GRANT_MAX);
    struct grant grant = {
        .operations = request->operations,
        .fence = request->fence,
        .lock_days = request->lock_days,
        .not_before_ms = now_ms - VAULT_ACCESS_EARLY_MS,
        .expires_ms = now_ms + VAULT_ACCESS_LIFETIME_MS,
    };

    memcpy(grant.vault_id, access->vault_id, sizeof(grant.vault_id));
    memcpy(grant.repository_id, access->repository_id, sizeof(grant.repository_id));
    memcpy(grant.host_node_id, access->host_node_id, sizeof(grant.host_node_id));
    snprintf(grant.task_id, sizeof(grant.task_id), "%s", request->task_id);
    snprintf(grant.scope, sizeof(grant.scope), "%s", request->scope);
    snprintf(grant.holder_node_id, sizeof(grant.holder_node_id), "%s", request->holder_node_id);
    memcpy(grant.holder_key_sha256, request->holder_key_sha256, sizeof(grant.holder_key_sha256));
    if (authority_sign_grant(authority, &grant, &bytes, err) != 0)
        return -1;
    memcpy(access->grant, bytes.data, bytes.len);
    access->grant_len = bytes.len;
    return 0;
}

int
vault_access_make(struct store *store, struct authority *authority, const struct vault_access_request *request,
                  struct vault_access *access, struct error *err)
{
    struct store_vault vault;
    struct store_repository repository;
    struct store_transporter host;

    if (store_vaults_find(store, request->vault_id, &vault, err) != 0 ||
        store_repositories_find(store, vault.repository, &repository, err) != 0 ||
        store_transporters_find(store, repository.host, &host, err) != 0)
        return -1;
    if (host.advertise[0] == '\0')
        return FAIL(err, ERROR_UNAVAILABLE, 0, "host %s has told no address yet: set its rpc.listen and rpc.advertise",
                    host.name);
    snprintf(access->vault_id, sizeof(access->vault_id), "%s", store_vaults_stored_id(&vault));
    memcpy(access->repository_id, repository.id, sizeof(access->repository_id));
    memcpy(access->host_node_id, host.id, sizeof(access->host_node_id));
    memcpy(access->host_address, host.advertise, sizeof(access->host_address));
    return sign(authority, request, clock_wall_ms(store_clock(store)), access, err);
}

int
vault_access_for_task(struct store *store, struct authority *authority, const struct store_task *task,
                      const uint8_t holder_key_sha256[32], struct vault_access *access, struct error *err)
{
    struct vault_access_request request = {
        .vault_id = task->vault,
        .operations = operations_of(task->kind),
        .task_id = task->id,
        .scope = task->scope,
        .fence = task->fence,
        .holder_node_id = task->transporter,
        .holder_key_sha256 = holder_key_sha256,
    };

    struct store_vault vault;
    struct task_spec spec = { .kind = task->kind };

    if (task_spec_decode(task->spec, &spec, err) != 0)
        return -1;
    request.lock_days = task_spec_lock_days(&spec);
    /* The first copy makes a replica, and later ones bring new key slots. */
    if (task->kind == STORE_RUN_COPY) {
        if (store_vaults_find(store, task->vault, &vault, err) != 0)
            return -1;
        request.operations |= vault.stored_as[0] != '\0' ? GRANT_CREATE : 0;
    }
    return vault_access_make(store, authority, &request, access, err);
}

int
vault_access_for_source(struct store *store, struct authority *authority, const struct store_task *task,
                        const uint8_t holder_key_sha256[32], struct vault_access *access, struct error *err)
{
    struct task_spec spec = { .kind = task->kind };

    if (task_spec_decode(task->spec, &spec, err) != 0)
        return -1;
    /* A scope of its own, as for all that only reads. */
    struct vault_access_request request = {
        .vault_id = task_spec_source(&spec),
        .operations = GRANT_READ,
        .task_id = task->id,
        .scope = task->id,
        .fence = task->fence,
        .holder_node_id = task->transporter,
        .holder_key_sha256 = holder_key_sha256,
    };
    return vault_access_make(store, authority, &request, access, err);
}
