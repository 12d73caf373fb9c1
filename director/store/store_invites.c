#include "director/store/store_invites.h"

#include "common/base/clock.h"
#include "director/store/store_internal.h"

static const struct store_column columns[] = {
    STORE_COLUMN(TEXT, store_invite, id),        STORE_COLUMN(BYTES, store_invite, token_sha256),
    STORE_COLUMN(TEXT, store_invite, name),      STORE_COLUMN(LABELS, store_invite, labels),
    STORE_COLUMN(I64, store_invite, created_ms), STORE_COLUMN(I64, store_invite, expires_ms),
    STORE_COLUMN(I64, store_invite, used_ms),    STORE_COLUMN(REF, store_invite, used_by),
};
static const struct store_table table = STORE_TABLE("invite", "invite", columns, store_invite);

STORE_EACH(each_invite, store_invite);

int
store_invites_add(struct store *store, struct store_invite *invite, struct error *err)
{
    if (store_name_check("transporter", invite->name, err) != 0 || store_id_fill(store, "invite", invite->id, err) != 0)
        return -1;
    invite->created_ms = clock_wall_ms(store->clock);
    return store_table_insert(store, &table, invite, err);
}

int
store_invites_find_by_hash(struct store *store, const uint8_t token_sha256[32], struct store_invite *invite,
                           struct error *err)
{
    return store_table_one(store, &table, STORE_QUERY("WHERE token_sha256 = ?1", STORE_BLOB(token_sha256, 32)), NULL,
                           invite, err);
}

int
store_invites_list(struct store *store, struct store_page page,
                   int (*each)(void *ctx, const struct store_invite *invite, struct error *err), void *ctx,
                   struct error *err)
{
    struct each_invite to = { each, ctx };
    struct store_listing listing = { .order = STORE_NEWEST_FIRST, .page = page };

    return store_table_list(store, &table, &listing, each_invite, &to, err);
}

int
store_invites_use(struct store *store, const char *id, const char *node_id, struct error *err)
{
    int64_t now = clock_wall_ms(store->clock);
    struct store_invite invite;
    int changed = 0;

    if (store_statement_change(store,
                               STORE_QUERY("UPDATE invite SET used_ms = ?2, used_by = ?3"
                                           " WHERE id = ?1 AND used_ms = 0 AND expires_ms > ?2",
                                           STORE_TEXT(id), STORE_INT(now), STORE_TEXT(node_id)),
                               &changed, err) != 0)
        return -1;
    if (changed > 0)
        return 0;
    if (store_table_find_id(store, &table, id, &invite, err) != 0)
        return -1;
    if (invite.used_ms != 0)
        return FAIL(err, ERROR_CONFLICT, 0, "the invite was used already: make a new one");
    return FAIL(err, ERROR_DENIED, 0, "the invite is over: make a new one");
}

int
store_invites_delete(struct store *store, const char *id, struct error *err)
{
    return store_table_delete(store, &table, id, err);
}
