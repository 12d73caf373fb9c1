#include "director/jobs/run_start_internal.h"

#include <stdio.h>
#include <string.h>

static int
check_source(struct store *store, const struct store_vault *vault, const char *source_id, struct store_vault *source,
             struct error *err)
{
    char advice[STORE_TEXT_LEN];
    struct run_start_holder holder = {
        .only = "",
        .secrets = { vault->password_secret, source->password_secret },
        .count = 2,
        .lacks = "the passwords of both vaults",
        .advice = advice,
    };

    if (run_start_find_vault(store, source_id, source, err) != 0)
        return -1;
    if (strcmp(source->id, vault->id) == 0)
        return FAIL(err, ERROR_USAGE, 0, "vault %s cannot be a copy of itself", vault->name);
    if (strcmp(source->tenant, vault->tenant) != 0)
        return FAIL(err, ERROR_DENIED, 0, "vault %s is another tenant's", source->name);
    snprintf(advice, sizeof(advice), "longhaul vault seal %s --transporter NAME, with one that opens %s", source->name,
             vault->name);
    return run_start_require_holder(store, &holder, err);
}

int
run_start_heal(struct store *store, const char *vault_id, const char *source_id, const char *actor,
               char run_id[IDENTIFIER_LEN], struct error *err)
{
    struct store_vault vault, source = { .id = "" };
    struct store_run run = { 0 };
    struct store_task task = { 0 };
    struct task_spec spec = { .kind = STORE_RUN_HEAL };

    if (run_start_find_vault(store, vault_id, &vault, err) != 0 ||
        (source_id != NULL && check_source(store, &vault, source_id, &source, err) != 0) ||
        run_start_refuse_second(store, STORE_RUN_HEAL, vault.tenant, vault.id, err) != 0)
        return -1;
    memcpy(spec.heal.source, source.id, sizeof(spec.heal.source));
    memcpy(run.tenant, vault.tenant, sizeof(run.tenant));
    memcpy(run.vault, vault.id, sizeof(run.vault));
    snprintf(run.actor, sizeof(run.actor), "%s", actor);
    /* The points that it replaces are of any object and any fence, so it owns the whole vault, like a replica's copy.
     */
    snprintf(task.exclusive, sizeof(task.exclusive), "vault/%s", vault.id);
    if (run_start_single(store, &run, &task, &spec, err) != 0)
        return -1;
    memcpy(run_id, run.id, IDENTIFIER_LEN);
    return 0;
}
