#include "common/base/clock.h"
#include "director/api/api_fields.h"
#include "director/api/api_handlers.h"
#include "director/api/api_json.h"
#include "director/director.h"
#include "director/store/store_points.h"
#include "director/store/store_vaults.h"

#include <string.h>

static json_t *
point_json(const struct api_call *call, const struct store_point *point)
{
    json_t *json = json_pack(
        "{s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "id", point->id, "tenant",
        api_json_tenant(call, point->tenant), "vault", api_json_vault(call, point->vault), "object",
        api_json_object(call, point->object), "run", point->run, "previous", api_json_text(point->previous), "created",
        api_json_time(point->created_ms), "items", (json_int_t)point->items, "bytes", (json_int_t)point->bytes,
        "stored_bytes", (json_int_t)point->stored_bytes, "items_new", (json_int_t)point->items_new, "items_changed",
        (json_int_t)point->items_changed, "items_deleted", (json_int_t)point->items_deleted, "items_skipped",
        (json_int_t)point->items_skipped, "items_failed", (json_int_t)point->items_failed);
    json_object_set_new(json, "stored_as", json_string(store_points_stored_id(point))); /* its id in the vault */
    json_object_set_new(json, "created_ms", json_integer(point->created_ms));           /* to compare and sort by */
    return json;
}

static int
on_point(void *ctx, const struct store_point *point, struct error *err)
{
    struct api_page *page = ctx;

    (void)err;
    return api_json_page_add(page, point->id, point_json(page->call, point));
}

static int
find_point(const struct api_call *call, struct store_point *point, struct error *err)
{
    if (store_points_find(call->store, api_call_parameter(call, 0), point, err) != 0)
        return -1;
    return api_json_tenant_check(call, point->tenant, "recovery point", err);
}

static int
read_filter(const struct api_call *call, struct store_point_filter *filter, char vault_id[IDENTIFIER_LEN],
            struct error *err)
{
    const char *vault_name = api_call_query(call, "vault"), *before = api_call_query(call, "before");
    struct store_vault vault;

    filter->object = api_call_query(call, "object");
    filter->run = api_call_query(call, "run");
    filter->retired = api_call_query(call, "retired") != NULL;
    if (before != NULL && clock_parse_ms(before, &filter->not_after_ms) != 0)
        return FAIL(err, ERROR_USAGE, 0, "?before= wants a time like 2026-09-14T07:58:10Z");
    if (vault_name == NULL)
        return 0;
    if (store_vaults_find(call->store, vault_name, &vault, err) != 0 ||
        api_json_tenant_check(call, vault.tenant, "vault", err) != 0)
        return -1;
    memcpy(vault_id, vault.id, IDENTIFIER_LEN);
    filter->vault = vault_id;
    return 0;
}

int
api_points_list(struct api_call *call, struct error *err)
{
    char tenant[IDENTIFIER_LEN], vault[IDENTIFIER_LEN];
    struct store_point_filter filter = { .vault = NULL };
    struct api_page page;

    if (api_json_tenant_filter(call, tenant, &filter.tenant, err) != 0 || read_filter(call, &filter, vault, err) != 0 ||
        api_json_page_begin(call, &page, err) != 0)
        return -1;
    return api_json_page_end(&page, store_points_list(call->store, &filter, page.page, on_point, &page, err));
}

int
api_points_show(struct api_call *call, struct error *err)
{
    struct store_point point;

    if (find_point(call, &point, err) != 0)
        return -1;
    return api_call_reply(call, point_json(call, &point));
}

int
api_points_verify(struct api_call *call, struct error *err)
{
    static const char *const fields[] = { "data", "sample_ppm", NULL };
    struct store_point point;
    struct director_verify verify = { .point_count = 1 };
    char run[IDENTIFIER_LEN];
    int64_t sample;

    if (find_point(call, &point, err) != 0 || api_fields_only(call->body, fields, err) != 0 ||
        api_fields_bool(call->body, "data", &verify.data, err) != 0 ||
        api_fields_number(call->body, "sample_ppm", 0, 1000000, 0, &sample, err) != 0)
        return -1;
    verify.sample_ppm = (uint32_t)sample;
    const char *points[] = { point.id };
    verify.vault_id = point.vault;
    verify.points = points;
    if (director_verify_start(call->director, &verify, call->token_name, run, err) != 0)
        return -1;
    return api_json_run_started(call, run);
}
