#include "director/jobs/run_start_internal.h"
#include "director/store/store_repositories.h"
#include "director/store/store_secrets.h"
#include "director/store/store_tenants.h"

#include <stdio.h>
#include <string.h>

static int
on_slot(void *ctx, const char *transporter, int64_t sealed_ms, struct error *err)
{
    (void)transporter;
    (void)sealed_ms;
    (void)err;
    *(bool *)ctx = true;
    return 0;
}

static int
check(struct store *store, const struct store_vault *vault, struct error *err)
{
    struct store_tenant tenant;
    struct store_repository repository;
    struct store_secret secret;
    bool sealed = false;

    if (store_tenants_find(store, vault->tenant, &tenant, err) != 0 ||
        store_repositories_find(store, vault->repository, &repository, err) != 0 ||
        store_secrets_find(store, vault->password_secret, &secret, err) != 0)
        return -1;
    if (secret.purpose != STORE_SECRET_VAULT_PASSWORD || strcmp(secret.tenant, tenant.id) != 0)
        return FAIL(err, ERROR_USAGE, 0, "secret %s is not a vault password of this tenant", secret.id);
    if (strcmp(vault->tenant, tenant.id) != 0 || strcmp(vault->repository, repository.id) != 0)
        return FAIL(err, ERROR_USAGE, 0, "a vault is made with ids of tenant and repository");
    if (store_secrets_list_slots(store, secret.id, on_slot, &sealed, err) != 0)
        return -1;
    return sealed ? 0 : FAIL(err, ERROR_CONFLICT, 0, "the vault's password is not sealed to any transporter");
}

/* A failed one of the same name, tenant and repository is used again: its id may be on the storage already. */
static int
add_or_adopt(struct store *store, struct store_vault *vault, struct error *err)
{
    struct store_vault known;
    struct error missing = ERROR_INIT;

    if (store_vaults_find(store, vault->name, &known, &missing) != 0)
        return missing.kind == ERROR_NOT_FOUND ? store_vaults_add(store, vault, err)
                                               : FAIL(err, missing.kind, missing.native, "%s", missing.text);
    if (known.state != STORE_VAULT_FAILED || strcmp(known.tenant, vault->tenant) != 0 ||
        strcmp(known.repository, vault->repository) != 0)
        return FAIL(err, ERROR_EXISTS, 0, "there is a vault %s already", known.name);
    if (store_vaults_set_secret(store, known.id, vault->password_secret, err) != 0 ||
        store_vaults_set_state(store, known.id, STORE_VAULT_CREATING, err) != 0)
        return -1;
    return store_vaults_find(store, known.id, vault, err);
}

int
run_start_create_vault(struct store *store, struct store_vault *vault, const char *actor, char run_id[IDENTIFIER_LEN],
                       struct error *err)
{
    struct store_run run = { 0 };
    struct store_task task = { 0 };
    struct task_spec spec = { .kind = STORE_RUN_CREATE_VAULT };

    if (check(store, vault, err) != 0 || store_begin(store, err) != 0)
        return -1;
    if (add_or_adopt(store, vault, err) != 0) {
        store_rollback(store);
        return -1;
    }
    memcpy(run.tenant, vault->tenant, sizeof(run.tenant));
    memcpy(run.vault, vault->id, sizeof(run.vault));
    snprintf(run.actor, sizeof(run.actor), "%s", actor);
    snprintf(task.exclusive, sizeof(task.exclusive), "vault/%s", vault->id);
    if (run_start_single(store, &run, &task, &spec, err) != 0) {
        store_rollback(store);
        return -1;
    }
    if (store_commit(store, err) != 0)
        return -1;
    memcpy(run_id, run.id, IDENTIFIER_LEN);
    return 0;
}
