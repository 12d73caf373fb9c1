#include "director/store/store_secrets.h"

#include "common/base/clock.h"
#include "director/store/store_internal.h"

#include <string.h>

static const struct store_column columns[] = {
    STORE_COLUMN(TEXT, store_secret, id),
    STORE_COLUMN(UINT, store_secret, purpose),
    STORE_COLUMN(REF, store_secret, tenant),
    STORE_COLUMN(I64, store_secret, created_ms),
};
static const struct store_table table = STORE_TABLE("secret", "secret", columns, store_secret);

STORE_EACH(each_secret, store_secret);

static const char *const purposes[] = {
    [STORE_SECRET_MICROSOFT365] = "microsoft365",
    [STORE_SECRET_VAULT_PASSWORD] = "vault-password",
    [STORE_SECRET_STORAGE] = "storage",
    [STORE_SECRET_SELECTION] = "selection",
};

const char *
store_secret_purpose_name(enum store_secret_purpose purpose)
{
    return purposes[purpose];
}

int
store_secret_purpose_from_name(const char *name, enum store_secret_purpose *purpose)
{
    for (size_t i = 0; i < ARRAY_LEN(purposes); i++)
        if (strcmp(purposes[i], name) == 0) {
            *purpose = (enum store_secret_purpose)i;
            return 0;
        }
    return -1;
}

int
store_secrets_add(struct store *store, struct store_secret *secret, struct error *err)
{
    if ((unsigned)secret->purpose >= ARRAY_LEN(purposes))
        return FAIL(err, ERROR_USAGE, 0, "a secret needs a purpose");
    if (secret->tenant[0] == '\0' && secret->purpose != STORE_SECRET_STORAGE)
        return FAIL(err, ERROR_USAGE, 0, "a %s secret belongs to a tenant", purposes[secret->purpose]);
    if (store_id_fill(store, "secret", secret->id, err) != 0)
        return -1;
    secret->created_ms = clock_wall_ms(store->clock);
    return store_table_insert(store, &table, secret, err);
}

int
store_secrets_find(struct store *store, const char *id, struct store_secret *secret, struct error *err)
{
    return store_table_find_id(store, &table, id, secret, err);
}

int
store_secrets_list(struct store *store, const char *tenant, struct store_page page,
                   int (*each)(void *ctx, const struct store_secret *secret, struct error *err), void *ctx,
                   struct error *err)
{
    struct each_secret to = { each, ctx };
    struct store_listing listing = { .order = STORE_OLDEST_FIRST, .page = page };

    listing.where = *STORE_QUERY("(?1 = '' OR tenant = ?1)", STORE_TEXT(tenant != NULL ? tenant : ""));
    return store_table_list(store, &table, &listing, each_secret, &to, err);
}

int
store_secrets_delete(struct store *store, const char *id, struct error *err)
{
    int64_t used = 0;

    if (store_statement_number(
            store, STORE_QUERY("SELECT count(*) FROM task WHERE selection_secret = ?1 AND state < 3", STORE_TEXT(id)),
            &used, err) != 0)
        return -1;
    if (used > 0)
        return FAIL(err, ERROR_CONFLICT, 0, "a task that is not over needs the secret");
    return store_table_delete(store, &table, id, err);
}

int
store_secrets_put_slot(struct store *store, const char *id, const char *transporter, const uint8_t *sealed, size_t len,
                       struct error *err)
{
    struct error why = ERROR_INIT;

    if (len == 0 || len > STORE_SEALED_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "a sealed secret has 1 to %zu bytes", STORE_SEALED_MAX);
    if (store_statement_change(store,
                               STORE_QUERY("INSERT INTO secret_slot (secret, transporter, sealed, sealed_ms)"
                                           " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (secret, transporter)"
                                           " DO UPDATE SET sealed = excluded.sealed, sealed_ms = excluded.sealed_ms",
                                           STORE_TEXT(id), STORE_TEXT(transporter), STORE_BLOB(sealed, len),
                                           STORE_INT(clock_wall_ms(store->clock))),
                               NULL, &why) == 0)
        return 0;
    if (why.kind == ERROR_CONFLICT)
        return FAIL(err, ERROR_NOT_FOUND, why.native, "there is no such secret or transporter");
    return FAIL(err, why.kind, why.native, "%s", why.text);
}

struct slot {
    uint8_t *bytes;
    size_t len;
};

static int
on_slot(void *ctx, sqlite3_stmt *at, struct error *err)
{
    struct slot *slot = ctx;

    slot->len = (size_t)sqlite3_column_bytes(at, 0);
    slot->bytes = memory_array(slot->len, 1, STORE_SEALED_MAX, err);
    if (slot->bytes == NULL)
        return -1;
    memcpy(slot->bytes, sqlite3_column_blob(at, 0), slot->len);
    return 0;
}

int
store_secrets_get_slot(struct store *store, const char *id, const char *transporter, uint8_t **sealed, size_t *len,
                       struct error *err)
{
    struct slot slot = { 0 };

    if (store_statement_each(store,
                             STORE_QUERY("SELECT sealed FROM secret_slot WHERE secret = ?1 AND transporter = ?2",
                                         STORE_TEXT(id), STORE_TEXT(transporter)),
                             on_slot, &slot, err) != 0)
        return -1;
    if (slot.bytes == NULL)
        return FAIL(err, ERROR_NOT_FOUND, 0, "secret %.39s is not sealed to transporter %.39s", id, transporter);
    *sealed = slot.bytes;
    *len = slot.len;
    return 0;
}

int
store_secrets_has_slot(struct store *store, const char *id, const char *transporter, struct error *err)
{
    int64_t count = 0;

    if (id[0] == '\0')
        return 1;
    if (store_statement_number(store,
                               STORE_QUERY("SELECT count(*) FROM secret_slot WHERE secret = ?1 AND transporter = ?2",
                                           STORE_TEXT(id), STORE_TEXT(transporter)),
                               &count, err) != 0)
        return -1;
    return count > 0 ? 1 : 0;
}

struct slots {
    int (*each)(void *ctx, const char *transporter, int64_t sealed_ms, struct error *err);
    void *ctx;
};

static int
on_slot_of(void *ctx, sqlite3_stmt *at, struct error *err)
{
    const struct slots *to = ctx;
    return to->each(to->ctx, (const char *)sqlite3_column_text(at, 0), sqlite3_column_int64(at, 1), err);
}

int
store_secrets_list_slots(struct store *store, const char *id,
                         int (*each)(void *ctx, const char *transporter, int64_t sealed_ms, struct error *err),
                         void *ctx, struct error *err)
{
    struct slots to = { each, ctx };

    return store_statement_each(
        store,
        STORE_QUERY("SELECT transporter, sealed_ms FROM secret_slot WHERE secret = ?1 ORDER BY transporter",
                    STORE_TEXT(id)),
        on_slot_of, &to, err);
}
