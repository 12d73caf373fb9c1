#include "director/store/store_tokens.h"

#include "common/base/clock.h"
#include "director/store/store_internal.h"

#include <string.h>

static const struct store_column columns[] = {
    STORE_COLUMN(TEXT, store_token, id),
    STORE_COLUMN(TEXT, store_token, name),
    STORE_COLUMN(BYTES, store_token, token_sha256),
    STORE_COLUMN(UINT, store_token, scope),
    STORE_COLUMN(REF, store_token, tenant),
    STORE_COLUMN(I64, store_token, created_ms),
    STORE_COLUMN(I64, store_token, expires_ms),
    STORE_COLUMN(I64, store_token, last_used_ms),
};
static const struct store_table table = STORE_TABLE("token", "API token", columns, store_token);

STORE_EACH(each_token, store_token);

static const char *const scopes[] = {
    [STORE_TOKEN_VIEWER] = "viewer",
    [STORE_TOKEN_OPERATOR] = "operator",
    [STORE_TOKEN_ADMIN] = "admin",
};

const char *
store_token_scope_name(enum store_token_scope scope)
{
    return (unsigned)scope < ARRAY_LEN(scopes) ? scopes[scope] : "unknown";
}

int
store_token_scope_from_name(const char *name, enum store_token_scope *scope)
{
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
        if (strcmp(scopes[i], name) == 0) {
            *scope = (enum store_token_scope)i;
            return 0;
        }
    return -1;
}

int
store_tokens_add(struct store *store, struct store_token *token, struct error *err)
{
    if (store_name_check("token", token->name, err) != 0 || store_id_fill(store, "token", token->id, err) != 0)
        return -1;
    token->created_ms = clock_wall_ms(store->clock);
    return store_table_insert(store, &table, token, err);
}

int
store_tokens_find_by_hash(struct store *store, const uint8_t token_sha256[32], struct store_token *token,
                          struct error *err)
{
    return store_table_one(store, &table, STORE_QUERY("WHERE token_sha256 = ?1", STORE_BLOB(token_sha256, 32)), NULL,
                           token, err);
}

int
store_tokens_list(struct store *store, struct store_page page,
                  int (*each)(void *ctx, const struct store_token *token, struct error *err), void *ctx,
                  struct error *err)
{
    struct each_token to = { each, ctx };
    struct store_listing listing = { .order = STORE_BY_NAME, .page = page };

    return store_table_list(store, &table, &listing, each_token, &to, err);
}

int
store_tokens_set_used(struct store *store, const char *id, struct error *err)
{
    return store_statement_change(store,
                                  STORE_QUERY("UPDATE token SET last_used_ms = ?2 WHERE id = ?1", STORE_TEXT(id),
                                              STORE_INT(clock_wall_ms(store->clock))),
                                  NULL, err);
}

int
store_tokens_delete(struct store *store, const char *id_or_name, struct error *err)
{
    struct store_token token;

    if (store_table_find(store, &table, id_or_name, &token, err) != 0)
        return -1;
    return store_table_delete(store, &table, token.id, err);
}
