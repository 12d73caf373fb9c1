#include "director/api/api_fields.h"
#include "director/api/api_handlers.h"
#include "director/api/api_json.h"
#include "director/director.h"
#include "director/store/store_events.h"
#include "director/store/store_secrets.h"
#include "director/store/store_tenants.h"

#include <string.h>

static json_t *
tenant_json(const struct store_tenant *tenant)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "id", tenant->id, "name", tenant->name, "secret",
                     api_json_text(tenant->microsoft_secret), "created", api_json_time(tenant->created_ms),
                     "discovered", api_json_time(tenant->discovered_ms));
}

static int
on_tenant(void *ctx, const struct store_tenant *tenant, struct error *err)
{
    struct api_page *page = ctx;

    (void)err;
    if (page->call->tenant[0] != '\0' && strcmp(page->call->tenant, tenant->id) != 0)
        return 0;
    return api_json_page_add(page, tenant->id, tenant_json(tenant));
}

static int
find_tenant(const struct api_call *call, struct store_tenant *tenant, struct error *err)
{
    if (store_tenants_find(call->store, api_call_parameter(call, 0), tenant, err) != 0)
        return -1;
    return api_json_tenant_check(call, tenant->id, "tenant", err);
}

int
api_tenants_list(struct api_call *call, struct error *err)
{
    struct store_tenant own;
    struct api_page page;

    if (api_json_page_begin(call, &page, err) != 0)
        return -1;
    if (call->tenant[0] == '\0')
        return api_json_page_end(&page, store_tenants_list(call->store, page.page, on_tenant, &page, err));
    int result = store_tenants_find(call->store, call->tenant, &own, err);
    return api_json_page_end(&page, result != 0 ? result : on_tenant(&page, &own, err));
}

int
api_tenants_add(struct api_call *call, struct error *err)
{
    static const char *const fields[] = { "name", NULL };
    struct store_tenant tenant = { .id = "" };
    const char *name;

    if (api_fields_only(call->body, fields, err) != 0 ||
        api_fields_text(call->body, "name", sizeof(tenant.name) - 1, &name, err) != 0)
        return -1;
    snprintf(tenant.name, sizeof(tenant.name), "%s", name);
    if (store_tenants_add(call->store, &tenant, err) != 0 ||
        store_events_add(call->store, tenant.id, call->token_name, "tenant.added", tenant.id, err, "%s", name) != 0)
        return -1;
    return api_call_created(call, tenant_json(&tenant));
}

int
api_tenants_show(struct api_call *call, struct error *err)
{
    struct store_tenant tenant;

    if (find_tenant(call, &tenant, err) != 0)
        return -1;
    return api_call_reply(call, tenant_json(&tenant));
}

int
api_tenants_delete(struct api_call *call, struct error *err)
{
    struct store_tenant tenant;

    if (find_tenant(call, &tenant, err) != 0 || store_tenants_delete(call->store, tenant.id, err) != 0 ||
        store_events_add(call->store, NULL, call->token_name, "tenant.deleted", tenant.id, err, "%s", tenant.name) != 0)
        return -1;
    return api_call_reply(call, json_object());
}

int
api_tenants_set_secret(struct api_call *call, struct error *err)
{
    static const char *const fields[] = { "secret", NULL };
    struct store_tenant tenant;
    struct store_secret secret;
    const char *id;

    if (find_tenant(call, &tenant, err) != 0 || api_fields_only(call->body, fields, err) != 0 ||
        api_fields_text(call->body, "secret", IDENTIFIER_LEN - 1, &id, err) != 0 ||
        store_secrets_find(call->store, id, &secret, err) != 0)
        return -1;
    if (secret.purpose != STORE_SECRET_MICROSOFT365 || strcmp(secret.tenant, tenant.id) != 0)
        return FAIL(err, ERROR_USAGE, 0, "secret %s is not a microsoft365 secret of this tenant", id);
    if (store_tenants_set_secret(call->store, tenant.id, id, err) != 0 ||
        store_events_add(call->store, tenant.id, call->token_name, "tenant.secret", tenant.id, err, "secret %s", id) !=
            0 ||
        store_tenants_find(call->store, tenant.id, &tenant, err) != 0)
        return -1;
    director_secrets_changed(call->director);
    return api_call_reply(call, tenant_json(&tenant));
}

int
api_tenants_discover(struct api_call *call, struct error *err)
{
    static const char *const fields[] = { NULL };
    struct store_tenant tenant;
    char run[IDENTIFIER_LEN];

    if (find_tenant(call, &tenant, err) != 0 || api_fields_only(call->body, fields, err) != 0 ||
        director_discover_start(call->director, tenant.id, call->token_name, run, err) != 0)
        return -1;
    return api_json_run_started(call, run);
}
