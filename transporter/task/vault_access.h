#ifndef LONGHAUL_TRANSPORTER_TASK_VAULT_ACCESS_H
#define LONGHAUL_TRANSPORTER_TASK_VAULT_ACCESS_H

/* The way to a vault for a task or a query: the connection to its host, and the vault opened with its password. */

#include "common/vault/vault_backend.h"

struct buffer;
struct cancel;
struct secret;
struct task;
struct task_secret;
struct task_services;
struct task_vault;
struct vault;
struct vault_access;

struct vault_access_options {
    const struct task_services *services; /* services and cancel are borrowed for life */
    struct cancel *cancel;
    const struct task_vault *where;
    const struct task_secret *secrets;
    size_t secret_count;
    int (*grant)(void *ctx, struct buffer *out, struct error *err); /* as remote_vault_options.grant */
    void *grant_ctx;
    struct task *task;    /* shows it when locks are made to last longer; NULL: none */
    uint32_t patience_ms; /* as remote_vault_options.patience_ms */
};

/* Asks the host for the key slots and opens one. */
struct vault_access *vault_access_open(const struct vault_access_options *options, struct error *err);
/* Same for a vault that is yet to be created: vault_access_vault() gives NULL, *password is the caller's. */
struct vault_access *vault_access_open_new(const struct vault_access_options *options, struct secret **password,
                                           struct error *err);
/* For the order of a task. */
struct vault_access *vault_access_of_task(struct task *task, struct error *err);
/* The vault that a copy is made from. */
struct vault_access *vault_access_of_source(struct task *task, struct error *err);
/* The vault of a copy, which need not be there yet. */
struct vault_access *vault_access_of_replica(struct task *task, struct error *err);
void vault_access_close(struct vault_access *access);
void vault_access_close_p(struct vault_access **access);

struct vault *vault_access_vault(const struct vault_access *access);
/* Until when its host holds what was committed last; 0: it is not locked. */
int64_t vault_access_locked_until(const struct vault_access *access);
struct remote_vault *vault_access_remote(const struct vault_access *access);
struct vault_backend vault_access_backend(const struct vault_access *access);

#endif
