#include "common/base/clock.h"
#include "common/base/secret.h"
#include "common/crypto/digest.h"
#include "director/api/api_fields.h"
#include "director/api/api_handlers.h"
#include "director/api/api_json.h"
#include "director/api/api_token.h"
#include "director/store/store_events.h"
#include "director/store/store_tenants.h"
#include "director/store/store_tokens.h"

#include <string.h>

static json_t *
token_json(const struct api_call *call, const struct store_token *token)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "id", token->id, "name", token->name, "scope",
                     store_token_scope_name(token->scope), "tenant", api_json_tenant(call, token->tenant), "created",
                     api_json_time(token->created_ms), "expires", api_json_time(token->expires_ms), "last_used",
                     api_json_time(token->last_used_ms));
}

static int
on_token(void *ctx, const struct store_token *token, struct error *err)
{
    struct api_page *page = ctx;

    (void)err;
    return api_json_page_add(page, token->id, token_json(page->call, token));
}

int
api_tokens_list(struct api_call *call, struct error *err)
{
    struct api_page page;

    if (api_json_page_begin(call, &page, err) != 0)
        return -1;
    return api_json_page_end(&page, store_tokens_list(call->store, page.page, on_token, &page, err));
}

static int
read_token(const struct api_call *call, struct store_token *token, struct error *err)
{
    static const char *const fields[] = { "name", "scope", "tenant", "lifetime_s", NULL };
    const char *name, *scope, *tenant_name;
    struct store_tenant tenant;
    int64_t lifetime_s;

    if (api_fields_only(call->body, fields, err) != 0 ||
        api_fields_text(call->body, "name", sizeof(token->name) - 1, &name, err) != 0 ||
        api_fields_text(call->body, "scope", 16, &scope, err) != 0 ||
        api_fields_optional_text(call->body, "tenant", STORE_NAME_LEN - 1, &tenant_name, err) != 0 ||
        api_fields_number(call->body, "lifetime_s", 0, INT64_C(10) * 366 * 86400, 0, &lifetime_s, err) != 0)
        return -1;
    if (store_token_scope_from_name(scope, &token->scope) != 0)
        return FAIL(err, ERROR_USAGE, 0, "field \"scope\" is viewer, operator or admin");
    if (tenant_name != NULL) {
        if (store_tenants_find(call->store, tenant_name, &tenant, err) != 0)
            return -1;
        memcpy(token->tenant, tenant.id, sizeof(token->tenant));
    }
    snprintf(token->name, sizeof(token->name), "%s", name);
    token->expires_ms = lifetime_s == 0 ? 0 : clock_wall_ms(call->clock) + lifetime_s * 1000;
    return 0;
}

/* The token is in this one reply and nowhere else. */
int
api_tokens_add(struct api_call *call, struct error *err)
{
    struct store_token token = { .id = "" };
    char text[API_TOKEN_LEN];

    if (read_token(call, &token, err) != 0)
        return -1;
    api_token_new(call->clock, text);
    digest_sha256(text, strlen(text), token.token_sha256);
    int result = store_tokens_add(call->store, &token, err);
    if (result == 0)
        result = store_events_add(call->store, token.tenant, call->token_name, "token.created", token.id, err,
                                  "%s, scope %s", token.name, store_token_scope_name(token.scope));
    if (result == 0) {
        json_t *reply = token_json(call, &token);
        json_object_set_new(reply, "token", json_string(text));
        result = api_call_created(call, reply);
    }
    secret_zero(text, sizeof(text));
    return result;
}

int
api_tokens_show_own(struct api_call *call, struct error *err)
{
    static const char *const scopes[] = {
        [API_PUBLIC] = "none", [API_VIEWER] = "viewer", [API_OPERATOR] = "operator", [API_ADMIN] = "admin"
    };

    (void)err;
    return api_call_reply(call, json_pack("{s:s, s:s, s:o}", "name", call->token_name, "scope", scopes[call->access],
                                          "tenant", api_json_tenant(call, call->tenant)));
}

int
api_tokens_delete(struct api_call *call, struct error *err)
{
    const char *name = api_call_parameter(call, 0);

    if (strcmp(name, call->token_name) == 0)
        return FAIL(err, ERROR_USAGE, 0, "a token does not delete itself; use another one");
    if (store_tokens_delete(call->store, name, err) != 0 ||
        store_events_add(call->store, NULL, call->token_name, "token.deleted", NULL, err, "%s", name) != 0)
        return -1;
    return api_call_reply(call, json_object());
}
