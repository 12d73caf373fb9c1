#include "tests/m365sim/directory.h"

#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "tests/m365sim/filter.h"
#include "tests/m365sim/page.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/select.h"
#include "tests/m365sim/sim.h"
#include "tests/m365sim/tenant.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define USER_PAGE     100u
#define USER_PAGE_MAX 999u
#define SITE_HOST     "sim.sharepoint.com"

static json_t *
user_json(const struct account *a, const struct select *select)
{
    json_t *o = json_pack("{s:[],s:s,s:n,s:n,s:s,s:n,s:n,s:n,s:n,s:s,s:s}", "businessPhones", "displayName", a->display,
                          "givenName", "jobTitle", "mail", a->name, "mobilePhone", "officeLocation",
                          "preferredLanguage", "surname", "userPrincipalName", a->name, "id", a->id);
    if (select->count > 0) {
        json_object_set_new(o, "accountEnabled", json_true());
        json_object_set_new(o, "userType", json_string("Member"));
        json_object_set_new(o, "onPremisesSyncEnabled", json_null());
        json_object_set_new(o, "proxyAddresses", json_pack("[o]", json_sprintf("SMTP:%s", a->name)));
        json_object_set_new(
            o, "assignedLicenses",
            json_pack("[{s:s,s:[]}]", "skuId", "05e9a617-0261-4cee-bb44-138d3ef5d965", "disabledPlans"));
        json_object_set_new(o, "assignedPlans",
                            json_pack("[{s:s,s:s,s:s,s:s}]", "assignedDateTime", "2025-01-02T08:00:00Z",
                                      "capabilityStatus", "Enabled", "service", "exchange", "servicePlanId",
                                      "efb87545-963c-4e0d-99df-69c6916d9eb0"));
    }
    select_apply(select, o);
    return o;
}

/* The position that a skip token of ours names. */
static size_t
token_position(const struct request *r)
{
    const char *token = request_parameter(r, "$skiptoken");
    unsigned long position = 0;
    if (token != NULL && sscanf(token, "RFNwdAIAAQ%lu", &position) != 1)
        position = 0;
    return position;
}

static void
users_next(json_t *page, const struct request *r, unsigned long top, size_t position)
{
    const char *names[] = { "$select", "$filter", "$count" };
    char *query = memory_printf("$top=%lu", top);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = request_parameter(r, names[i]);
        if (value == NULL)
            continue;
        CLEANUP(memory_free_p) char *encoded = memory_new(3 * strlen(value) + 1);
        request_encode(value, encoded);
        char *longer = memory_printf("%s&%s=%s", query, names[i], encoded);
        memory_free_p(&query);
        query = longer;
    }
    json_object_set_new(page, "@odata.nextLink",
                        json_sprintf("%s/v1.0/users?%s&$skiptoken=RFNwdAIAAQ%zu", r->base, query, position));
    memory_free_p(&query);
}

void
directory_users(struct request *r, struct reply *reply)
{
    struct select select, all = { 0 };
    struct filter filter;
    struct account *a;
    unsigned long top = request_number(r, "$top", USER_PAGE, 1, USER_PAGE_MAX);
    size_t position = token_position(r);
    json_t *values = json_array();
    if (!filter_init(&filter, request_parameter(r, "$filter"))) {
        json_decref(values);
        reply_error(reply, 400, "Request_UnsupportedQuery", "Unsupported Query.", NULL);
        return;
    }
    tenant_refresh(r->sim->tenant);
    select_init(&select, request_parameter(r, "$select"));
    for (; (a = tenant_at(r->sim->tenant, false, position)) != NULL && json_array_size(values) < top; position++) {
        json_t *full = user_json(a, &all);
        if (!a->gone && filter_matches(&filter, full))
            json_array_append_new(values, user_json(a, &select));
        json_decref(full);
    }
    json_t *page = page_new(r, values, "users");
    if (a != NULL)
        users_next(page, r, top, position);
    reply_json(reply, 200, page);
    select_clear(&select);
    filter_clear(&filter);
}

/* Token: "<change at the start>.<position>", both in hexadecimal, encoded. */
void
directory_users_delta(struct request *r, struct reply *reply)
{
    struct select select;
    struct account *a;
    uint64_t base = 0, start = tenant_last_change(r->sim->tenant);
    size_t position = 0, have = 60;
    char text[61] = "", token[ENCODING_BASE64_LEN(60)];
    json_t *values = json_array();
    const char *given = request_parameter(r, "$deltatoken");
    tenant_refresh(r->sim->tenant);
    if (given == NULL)
        given = request_parameter(r, "$skiptoken");
    if (given != NULL && strcasecmp(given, "latest") != 0 &&
        (encoding_unbase64(given, strlen(given), (uint8_t *)text, &have, NULL) != 0 ||
         sscanf(text, "%" SCNx64 ".%" SCNx64 ".%zx", &base, &start, &position) != 3)) {
        json_decref(values);
        reply_error(reply, 410, "syncStateNotFound", "The delta token is no longer valid.", NULL);
        reply_header(reply, "Location", "%s/v1.0/users/delta?$deltatoken=", r->base);
        return;
    }
    if (given != NULL && strcasecmp(given, "latest") == 0)
        base = tenant_last_change(r->sim->tenant);
    if (position == 0)
        start = tenant_last_change(r->sim->tenant);
    select_init(&select, request_parameter(r, "$select"));
    for (; (a = tenant_at(r->sim->tenant, false, position)) != NULL && json_array_size(values) < USER_PAGE;
         position++) {
        if (a->change <= base || (a->gone && base == 0))
            continue;
        json_array_append_new(values, a->gone ? json_pack("{s:s,s:{s:s}}", "id", a->id, "@removed", "reason", "changed")
                                              : user_json(a, &select));
    }
    select_clear(&select);
    snprintf(text, sizeof(text), "%" PRIx64 ".%" PRIx64 ".%zx", a == NULL ? start : base, start,
             a == NULL ? 0 : position);
    encoding_base64url(text, strlen(text), token);
    json_t *page = page_new(r, values, "users");
    page_token(page, r, "/v1.0/users/delta", a == NULL, "$deltatoken", "$skiptoken", token);
    reply_json(reply, 200, page);
}

void
directory_user(struct request *r, struct reply *reply)
{
    struct account *a = tenant_find(r->sim->tenant, false, r->arguments[0]);
    struct select select;
    if (a == NULL) {
        reply_error(reply, 404, "Request_ResourceNotFound",
                    "Resource does not exist or one of its queried reference-property objects are not present.", NULL);
        return;
    }
    select_init(&select, request_parameter(r, "$select"));
    json_t *o = user_json(a, &select);
    page_context(o, r, "users/$entity");
    reply_json(reply, 200, o);
    select_clear(&select);
}

static json_t *
site_json(const struct account *a)
{
    CLEANUP(memory_free_p) char *encoded = memory_new(3 * strlen(a->name) + 1);
    request_encode(a->name, encoded);
    return json_pack("{s:o,s:s,s:s,s:o,s:s,s:s,s:b,s:{},s:{s:s}}", "id",
                     json_sprintf("%s,%s,%s", SITE_HOST, a->id, a->web_id), "name", a->name, "displayName", a->display,
                     "webUrl", json_sprintf("https://%s/sites/%s", SITE_HOST, encoded), "createdDateTime",
                     "2024-02-02T12:00:00Z", "lastModifiedDateTime", "2026-09-14T06:00:00Z", "isPersonalSite", 0,
                     "root", "siteCollection", "hostname", SITE_HOST);
}

void
directory_sites(struct request *r, struct reply *reply)
{
    struct account *a;
    json_t *values = json_array();
    tenant_refresh(r->sim->tenant);
    for (size_t i = 0; (a = tenant_at(r->sim->tenant, true, i)) != NULL; i++)
        if (!a->gone)
            json_array_append_new(values, site_json(a));
    reply_json(reply, 200, page_new(r, values, "sites"));
}

void
directory_site(struct request *r, struct reply *reply)
{
    struct account *a = tenant_find(r->sim->tenant, true, r->arguments[0]);
    if (a == NULL)
        reply_error(reply, 404, "itemNotFound", "Requested site could not be found", NULL);
    else
        reply_json(reply, 200, site_json(a));
}

void
directory_organization(struct request *r, struct reply *reply)
{
    json_t *one = json_pack("{s:s,s:s,s:s,s:s,s:[{s:s,s:b,s:b,s:s,s:s}]}", "id", r->sim->options.tenant_id,
                            "displayName", "Simulated", "tenantType", "AAD", "countryLetterCode", "DE",
                            "verifiedDomains", "name", "contoso.example", "isDefault", 1, "isInitial", 0, "type",
                            "Managed", "capabilities", "Email, OfficeCommunicationsOnline");
    reply_json(reply, 200, page_new(r, json_pack("[o]", one), "organization"));
}
