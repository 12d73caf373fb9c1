#include "director/store/store_tenants.h"

#include "common/base/clock.h"
#include "director/store/store_internal.h"

static const struct store_column columns[] = {
    STORE_COLUMN(TEXT, store_tenant, id),           STORE_COLUMN(TEXT, store_tenant, name),
    STORE_COLUMN(I64, store_tenant, created_ms),    STORE_COLUMN(REF, store_tenant, microsoft_secret),
    STORE_COLUMN(I64, store_tenant, discovered_ms),
};
static const struct store_table table = STORE_TABLE("tenant", "tenant", columns, store_tenant);

STORE_EACH(each_tenant, store_tenant);

int
store_tenants_add(struct store *store, struct store_tenant *tenant, struct error *err)
{
    if (store_name_check("tenant", tenant->name, err) != 0 || store_id_fill(store, "tenant", tenant->id, err) != 0)
        return -1;
    tenant->created_ms = clock_wall_ms(store->clock);
    return store_table_insert(store, &table, tenant, err);
}

int
store_tenants_find(struct store *store, const char *id_or_name, struct store_tenant *tenant, struct error *err)
{
    return store_table_find(store, &table, id_or_name, tenant, err);
}

int
store_tenants_list(struct store *store, struct store_page page,
                   int (*each)(void *ctx, const struct store_tenant *tenant, struct error *err), void *ctx,
                   struct error *err)
{
    struct each_tenant to = { each, ctx };
    struct store_listing listing = { .order = STORE_BY_NAME, .page = page };

    return store_table_list(store, &table, &listing, each_tenant, &to, err);
}

int
store_tenants_set_secret(struct store *store, const char *id, const char *secret_id, struct error *err)
{
    struct store_tenant tenant;

    if (store_tenants_find(store, id, &tenant, err) != 0 ||
        store_text_set(tenant.microsoft_secret, sizeof(tenant.microsoft_secret), secret_id, err) != 0)
        return -1;
    return store_table_update(store, &table, "microsoft_secret", &tenant, err);
}

int
store_tenants_set_discovered(struct store *store, const char *id, int64_t when_ms, struct error *err)
{
    return store_statement_change(
        store, STORE_QUERY("UPDATE tenant SET discovered_ms = ?2 WHERE id = ?1", STORE_TEXT(id), STORE_INT(when_ms)),
        NULL, err);
}

int
store_tenants_delete(struct store *store, const char *id, struct error *err)
{
    int64_t unfinished = 0;

    if (store_statement_number(store,
                               STORE_QUERY("SELECT count(*) FROM run WHERE tenant = ?1 AND state < 2", STORE_TEXT(id)),
                               &unfinished, err) != 0)
        return -1;
    if (unfinished > 0)
        return FAIL(err, ERROR_CONFLICT, 0, "the tenant has runs that are not over: cancel them first");
    return store_table_delete(store, &table, id, err);
}
