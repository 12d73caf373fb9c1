#include "transporter/task/vault_access.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/grant.h"
#include "common/vault/vault.h"
#include "transporter/link/node_identity.h"
#include "transporter/pipeline/remote_vault.h"
#include "transporter/task/task.h"
#include "transporter/task/task_secrets.h"
#include "transporter/transporter_config.h"
#include "transporter/task/vault_keys.h"

#include <stdlib.h>

struct vault_access {
    struct vault_keys *keys; /* borrowed */
    struct remote_vault *remote;
    struct vault *vault;
};

static void
on_locking(void *ctx, uint64_t done, uint64_t total)
{
    struct task *task = ctx;
    task_locking(task, done, total);
    log_info("task", "locks are made to last longer task=%s done=%llu total=%llu", task->order->task_id,
             (unsigned long long)done, (unsigned long long)total);
}

/* What the host checks; a grant that cannot be read is refused there. */
static bool
grants_locks(const struct vault_access_options *options)
{
    CLEANUP(buffer_clear) struct buffer bytes = BUFFER_INIT(GRANT_MAX);
    struct grant grant;
    return options->grant(options->grant_ctx, &bytes, NULL) == 0 &&
           grant_decode(bytes.data, bytes.len, &grant, NULL) == 0 && grant.lock_days > 0;
}

struct vault_access *
vault_access_open_new(const struct vault_access_options *options, struct secret **password, struct error *err)
{
    struct node_identity *identity = options->services->identity;
    const struct remote_vault_options remote_options = {
        .clock = options->services->clock,
        .loop = options->services->loop,
        .tls = node_identity_tls_client(identity),
        .host_node_id = options->where->host_node_id,
        .address = options->where->host_address,
        .cancel = options->cancel,
        .revoked = options->services->revoked,
        .grant = options->grant,
        .grant_ctx = options->grant_ctx,
        .patience_ms = options->patience_ms,
        .locks = grants_locks(options),
        .locking = options->task != NULL ? on_locking : NULL,
        .locking_ctx = options->task,
    };
    *password = task_secrets_vault_password(identity, options->secrets, options->secret_count, err);
    if (*password == NULL)
        return NULL;
    struct remote_vault *remote = remote_vault_open(&remote_options, err);
    if (remote == NULL) {
        secret_free_p(password);
        return NULL;
    }
    struct vault_access *access = MEMORY_NEW(struct vault_access);
    access->keys = options->services->keys;
    access->remote = remote;
    return access;
}

struct vault_access *
vault_access_open(const struct vault_access_options *options, struct error *err)
{
    CLEANUP(secret_free_p) struct secret *password = NULL;
    CLEANUP(vault_access_close_p)
    struct vault_access *access = vault_access_open_new(options, &password, err);
    if (access == NULL)
        return NULL;
    access->vault = vault_keys_open(options->services->keys, remote_vault_backend(access->remote),
                                    options->where->vault_id, password, options->cancel, err);
    if (access->vault == NULL) {
        error_wrap(err, "vault %s", options->where->vault_id);
        return NULL;
    }
    return MOVE(access);
}

static struct vault_access_options
options_of(struct task *task)
{
    return (struct vault_access_options){
        .services = task->services,
        .cancel = &task->cancel,
        .where = &task->order->vault,
        .secrets = task->order->secrets,
        .secret_count = task->order->secret_count,
        .patience_ms = (uint32_t)task->services->config->vault_patience_ms,
        .grant = task_grant,
        .grant_ctx = task,
        .task = task,
    };
}

struct vault_access *
vault_access_of_task(struct task *task, struct error *err)
{
    const struct vault_access_options options = options_of(task);
    return vault_access_open(&options, err);
}

struct vault_access *
vault_access_of_source(struct task *task, struct error *err)
{
    struct vault_access_options options = options_of(task);
    options.where = &task->order->source;
    options.secrets = &task->order->source_password;
    options.secret_count = 1;
    options.grant = task_source_grant;
    return vault_access_open(&options, err);
}

struct vault_access *
vault_access_of_replica(struct task *task, struct error *err)
{
    const struct vault_access_options options = options_of(task);
    CLEANUP(secret_free_p) struct secret *password = NULL;
    return vault_access_open_new(&options, &password, err);
}

void
vault_access_close(struct vault_access *access)
{
    if (access == NULL)
        return;
    vault_keys_close(access->keys, access->vault);
    remote_vault_close(access->remote);
    free(access);
}

void
vault_access_close_p(struct vault_access **access)
{
    vault_access_close(*access);
    *access = NULL;
}

struct vault *
vault_access_vault(const struct vault_access *access)
{
    return access->vault;
}

int64_t
vault_access_locked_until(const struct vault_access *access)
{
    return remote_vault_locked_until(access->remote);
}

struct remote_vault *
vault_access_remote(const struct vault_access *access)
{
    return access->remote;
}

struct vault_backend
vault_access_backend(const struct vault_access *access)
{
    return remote_vault_backend(access->remote);
}
