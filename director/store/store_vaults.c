#include "director/store/store_vaults.h"

#include "common/base/clock.h"
#include "director/store/store_internal.h"

#include <stdio.h>
#include <string.h>

static const struct store_column columns[] = {
    STORE_COLUMN(TEXT, store_vault, id),
    STORE_COLUMN(TEXT, store_vault, name),
    STORE_COLUMN(REF, store_vault, tenant),
    STORE_COLUMN(I64, store_vault, created_ms),
    STORE_COLUMN(REF, store_vault, repository),
    STORE_COLUMN(REF, store_vault, password_secret),
    STORE_COLUMN(UINT, store_vault, state),
    STORE_COLUMN(TEXT, store_vault, stored_as),
    STORE_COLUMN(I64, store_vault, locked_until_ms),
    STORE_COLUMN(UINT, store_vault, lock_days),
    STORE_COLUMN(BOOL, store_vault, lock_told),
};
static const struct store_table table = STORE_TABLE("vault", "vault", columns, store_vault);

STORE_EACH(each_vault, store_vault);

const char *
store_vault_state_name(enum store_vault_state state)
{
    static const char *const names[] = {
        [STORE_VAULT_CREATING] = "creating",
        [STORE_VAULT_READY] = "ready",
        [STORE_VAULT_FAILED] = "failed",
    };
    return (unsigned)state < ARRAY_LEN(names) ? names[state] : "unknown";
}

int
store_vaults_add(struct store *store, struct store_vault *vault, struct error *err)
{
    if (store_name_check("vault", vault->name, err) != 0 || store_id_fill(store, "vault", vault->id, err) != 0)
        return -1;
    vault->created_ms = clock_wall_ms(store->clock);
    vault->state = STORE_VAULT_CREATING;
    return store_table_insert(store, &table, vault, err);
}

const char *
store_vaults_stored_id(const struct store_vault *vault)
{
    return vault->stored_as[0] != '\0' ? vault->stored_as : vault->id;
}

int
store_vaults_add_replica(struct store *store, struct store_vault *vault, const struct store_vault *source,
                         struct error *err)
{
    int64_t same = 0;

    memcpy(vault->tenant, source->tenant, sizeof(vault->tenant));
    memcpy(vault->password_secret, source->password_secret, sizeof(vault->password_secret));
    snprintf(vault->stored_as, sizeof(vault->stored_as), "%s", store_vaults_stored_id(source));
    if (store_name_check("vault", vault->name, err) != 0 ||
        store_statement_number(store,
                               STORE_QUERY("SELECT count(*) FROM vault WHERE repository = ?1 AND"
                                           " (id = ?2 OR stored_as = ?2)",
                                           STORE_TEXT(vault->repository), STORE_TEXT(vault->stored_as)),
                               &same, err) != 0)
        return -1;
    if (same > 0)
        return FAIL(err, ERROR_CONFLICT, 0, "the repository holds this vault already: a replica needs another one");
    if (store_id_fill(store, "vault", vault->id, err) != 0)
        return -1;
    vault->created_ms = clock_wall_ms(store->clock);
    vault->state = STORE_VAULT_READY;
    return store_table_insert(store, &table, vault, err);
}

int
store_vaults_find(struct store *store, const char *id_or_name, struct store_vault *vault, struct error *err)
{
    return store_table_find(store, &table, id_or_name, vault, err);
}

int
store_vaults_list(struct store *store, const char *tenant, struct store_page page,
                  int (*each)(void *ctx, const struct store_vault *vault, struct error *err), void *ctx,
                  struct error *err)
{
    struct each_vault to = { each, ctx };
    struct store_listing listing = { .order = STORE_BY_NAME, .page = page };

    listing.where = *STORE_QUERY("(?1 = '' OR tenant = ?1)", STORE_TEXT(tenant != NULL ? tenant : ""));
    return store_table_list(store, &table, &listing, each_vault, &to, err);
}

static int
change_one(struct store *store, const struct store_query *query, struct error *err)
{
    int changed = 0;

    if (store_statement_change(store, query, &changed, err) != 0)
        return -1;
    return changed > 0 ? 0 : FAIL(err, ERROR_NOT_FOUND, 0, "there is no such vault");
}

int
store_vaults_set_state(struct store *store, const char *id, enum store_vault_state state, struct error *err)
{
    return change_one(store, STORE_QUERY("UPDATE vault SET state = ?2 WHERE id = ?1", STORE_TEXT(id), STORE_INT(state)),
                      err);
}

int
store_vaults_set_secret(struct store *store, const char *id, const char *secret_id, struct error *err)
{
    return change_one(
        store, STORE_QUERY("UPDATE vault SET password_secret = ?2 WHERE id = ?1", STORE_TEXT(id), STORE_REF(secret_id)),
        err);
}

int
store_vaults_set_lock(struct store *store, const char *id, uint32_t days, int64_t until_ms, struct error *err)
{
    return change_one(store,
                      STORE_QUERY("UPDATE vault SET lock_days = ?2, locked_until_ms = ?3, lock_told = 0 WHERE id = ?1",
                                  STORE_TEXT(id), STORE_INT(days), STORE_INT(until_ms)),
                      err);
}

int
store_vaults_set_lock_told(struct store *store, const char *id, struct error *err)
{
    return change_one(store, STORE_QUERY("UPDATE vault SET lock_told = 1 WHERE id = ?1", STORE_TEXT(id)), err);
}

int
store_vaults_delete(struct store *store, const char *id, struct error *err)
{
    int64_t unfinished = 0;

    if (store_statement_number(store,
                               STORE_QUERY("SELECT count(*) FROM run WHERE vault = ?1 AND state < 2", STORE_TEXT(id)),
                               &unfinished, err) != 0)
        return -1;
    if (unfinished > 0)
        return FAIL(err, ERROR_CONFLICT, 0, "the vault has runs that are not over: cancel them first");
    return store_table_delete(store, &table, id, err);
}
