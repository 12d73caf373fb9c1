#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/crypto/sealing_key.h"
#include "director/api/api_fields.h"
#include "director/api/api_handlers.h"
#include "director/api/api_json.h"
#include "director/director.h"
#include "director/jobs/vault_locks.h"
#include "director/store/store_events.h"
#include "director/store/store_repositories.h"
#include "director/store/store_secrets.h"
#include "director/store/store_tenants.h"
#include "director/store/store_transporters.h"
#include "director/store/store_vaults.h"

#include <string.h>

static json_t *
vault_json(const struct api_call *call, const struct store_vault *vault)
{
    char warning[VAULT_LOCKS_WARNING_LEN];

    vault_locks_warning(vault, clock_wall_ms(store_clock(call->store)), warning);
    return json_pack("{s:s, s:s, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "id", vault->id, "name", vault->name,
                     "tenant", api_json_tenant(call, vault->tenant), "repository",
                     api_json_repository(call, vault->repository), "secret", vault->password_secret, "state",
                     store_vault_state_name(vault->state), "created", api_json_time(vault->created_ms), "replica_of",
                     api_json_text(vault->stored_as), "locked_until", api_json_time(vault->locked_until_ms),
                     "lock_warning", api_json_text(warning));
}

static int
on_vault(void *ctx, const struct store_vault *vault, struct error *err)
{
    struct api_page *page = ctx;

    (void)err;
    return api_json_page_add(page, vault->id, vault_json(page->call, vault));
}

static int
find_vault(const struct api_call *call, struct store_vault *vault, struct error *err)
{
    if (store_vaults_find(call->store, api_call_parameter(call, 0), vault, err) != 0)
        return -1;
    return api_json_tenant_check(call, vault->tenant, "vault", err);
}

int
api_vaults_list(struct api_call *call, struct error *err)
{
    char tenant[IDENTIFIER_LEN];
    const char *filter;
    struct api_page page;

    if (api_json_tenant_filter(call, tenant, &filter, err) != 0 || api_json_page_begin(call, &page, err) != 0)
        return -1;
    return api_json_page_end(&page, store_vaults_list(call->store, filter, page.page, on_vault, &page, err));
}

static int
check_password_secret(const struct api_call *call, const struct store_vault *vault, struct error *err)
{
    struct store_secret secret;

    if (store_secrets_find(call->store, vault->password_secret, &secret, err) != 0)
        return -1;
    if (secret.purpose != STORE_SECRET_VAULT_PASSWORD || strcmp(secret.tenant, vault->tenant) != 0)
        return FAIL(err, ERROR_USAGE, 0, "secret %s is not a vault-password of this tenant", vault->password_secret);
    return 0;
}

/* Nothing is to be made yet: the first copy does. */
static int
add_replica(struct api_call *call, struct error *err)
{
    static const char *const fields[] = { "name", "repository", "replica_of", NULL };
    struct store_vault vault = { .id = "" }, source;
    struct store_repository repository;
    const char *name, *repository_name, *source_name;

    if (api_fields_only(call->body, fields, err) != 0 ||
        api_fields_text(call->body, "name", sizeof(vault.name) - 1, &name, err) != 0 ||
        api_fields_text(call->body, "repository", STORE_NAME_LEN - 1, &repository_name, err) != 0 ||
        api_fields_text(call->body, "replica_of", STORE_NAME_LEN - 1, &source_name, err) != 0 ||
        store_repositories_find(call->store, repository_name, &repository, err) != 0 ||
        store_vaults_find(call->store, source_name, &source, err) != 0 ||
        api_json_tenant_check(call, source.tenant, "vault", err) != 0)
        return -1;
    snprintf(vault.name, sizeof(vault.name), "%s", name);
    snprintf(vault.repository, sizeof(vault.repository), "%s", repository.id);
    if (store_vaults_add_replica(call->store, &vault, &source, err) != 0 ||
        store_events_add(call->store, vault.tenant, call->token_name, "vault.added", vault.id, err,
                         "%s, a replica of %s", vault.name, source.name) != 0)
        return -1;
    return api_call_created(call, vault_json(call, &vault));
}

int
api_vaults_add(struct api_call *call, struct error *err)
{
    static const char *const fields[] = { "name", "tenant", "repository", "secret", NULL };
    struct store_vault vault = { .id = "" };
    struct store_tenant tenant;
    struct store_repository repository;
    const char *name, *tenant_name, *repository_name, *secret;
    char run[IDENTIFIER_LEN];

    if (json_object_get(call->body, "replica_of") != NULL)
        return add_replica(call, err);
    if (api_fields_only(call->body, fields, err) != 0 ||
        api_fields_text(call->body, "name", sizeof(vault.name) - 1, &name, err) != 0 ||
        api_fields_text(call->body, "tenant", STORE_NAME_LEN - 1, &tenant_name, err) != 0 ||
        api_fields_text(call->body, "repository", STORE_NAME_LEN - 1, &repository_name, err) != 0 ||
        api_fields_text(call->body, "secret", IDENTIFIER_LEN - 1, &secret, err) != 0 ||
        store_tenants_find(call->store, tenant_name, &tenant, err) != 0 ||
        store_repositories_find(call->store, repository_name, &repository, err) != 0)
        return -1;
    snprintf(vault.name, sizeof(vault.name), "%s", name);
    snprintf(vault.tenant, sizeof(vault.tenant), "%s", tenant.id);
    snprintf(vault.repository, sizeof(vault.repository), "%s", repository.id);
    snprintf(vault.password_secret, sizeof(vault.password_secret), "%s", secret);
    if (check_password_secret(call, &vault, err) != 0 ||
        director_vault_create(call->director, &vault, call->token_name, run, err) != 0)
        return -1;
    json_t *reply = vault_json(call, &vault);
    json_object_set_new(reply, "run", json_string(run));
    return api_call_created(call, reply);
}

int
api_vaults_show(struct api_call *call, struct error *err)
{
    struct store_vault vault;

    if (find_vault(call, &vault, err) != 0)
        return -1;
    return api_call_reply(call, vault_json(call, &vault));
}

int
api_vaults_delete(struct api_call *call, struct error *err)
{
    struct store_vault vault;

    if (find_vault(call, &vault, err) != 0 || store_vaults_delete(call->store, vault.id, err) != 0 ||
        store_events_add(call->store, vault.tenant, call->token_name, "vault.deleted", vault.id, err,
                         "%s; what is stored stays", vault.name) != 0)
        return -1;
    return api_call_reply(call, json_object());
}

int
api_vaults_verify(struct api_call *call, struct error *err)
{
    static const char *const fields[] = { "data", "sample_ppm", "rebuild_index", NULL };
    struct store_vault vault;
    struct director_verify verify = { .points = NULL };
    char run[IDENTIFIER_LEN];
    int64_t sample;

    if (find_vault(call, &vault, err) != 0 || api_fields_only(call->body, fields, err) != 0 ||
        api_fields_bool(call->body, "data", &verify.data, err) != 0 ||
        api_fields_bool(call->body, "rebuild_index", &verify.rebuild_index, err) != 0 ||
        api_fields_number(call->body, "sample_ppm", 0, 1000000, 0, &sample, err) != 0)
        return -1;
    verify.sample_ppm = (uint32_t)sample;
    verify.vault_id = vault.id;
    if (director_verify_start(call->director, &verify, call->token_name, run, err) != 0)
        return -1;
    return api_json_run_started(call, run);
}

int
api_vaults_heal(struct api_call *call, struct error *err)
{
    static const char *const fields[] = { "from", NULL };
    struct store_vault vault, source = { .id = "" };
    const char *from = NULL;
    char run[IDENTIFIER_LEN];

    if (find_vault(call, &vault, err) != 0 || api_fields_only(call->body, fields, err) != 0 ||
        (json_object_get(call->body, "from") != NULL &&
         (api_fields_text(call->body, "from", STORE_NAME_LEN - 1, &from, err) != 0 ||
          store_vaults_find(call->store, from, &source, err) != 0 ||
          api_json_tenant_check(call, source.tenant, "vault", err) != 0)))
        return -1;
    if (director_heal_start(call->director, vault.id, from != NULL ? source.id : NULL, call->token_name, run, err) != 0)
        return -1;
    return api_json_run_started(call, run);
}

/* To whom a query about this vault is sealed. */
int
api_vaults_placement(struct api_call *call, struct error *err)
{
    CLEANUP(memory_free_p) struct store_transporter *transporter = MEMORY_NEW(struct store_transporter);
    struct store_vault vault;
    char id[IDENTIFIER_LEN], fingerprint[SEALING_KEY_FINGERPRINT_LEN];

    if (find_vault(call, &vault, err) != 0 || director_query_placement(call->director, vault.id, id, err) != 0 ||
        store_transporters_find(call->store, id, transporter, err) != 0)
        return -1;
    sealing_key_fingerprint(transporter->sealing_key, fingerprint);
    return api_call_reply(call,
                          json_pack("{s:s, s:s, s:o, s:s}", "id", transporter->id, "name", transporter->name,
                                    "sealing_key", api_json_bytes(transporter->sealing_key, STORE_SEALING_KEY_LEN),
                                    "sealing_key_fingerprint", fingerprint));
}
