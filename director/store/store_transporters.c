#include "director/store/store_transporters.h"

#include "common/base/clock.h"
#include "director/store/store_internal.h"

#include <string.h>

static const struct store_column columns[] = {
    STORE_COLUMN(TEXT, store_transporter, id),
    STORE_COLUMN(TEXT, store_transporter, name),
    STORE_COLUMN(BYTES, store_transporter, sealing_key),
    STORE_COLUMN(BYTES, store_transporter, key_sha256),
    STORE_COLUMN(I64, store_transporter, enrolled_ms),
    STORE_COLUMN(I64, store_transporter, revoked_ms),
    STORE_COLUMN(I64, store_transporter, certificate_expires_ms),
    STORE_COLUMN(LABELS, store_transporter, labels),
    STORE_COLUMN(TEXT, store_transporter, advertise),
    STORE_COLUMN(TEXT, store_transporter, software_version),
    STORE_COLUMN(UINT, store_transporter, task_slots),
    STORE_COLUMN(I64, store_transporter, last_seen_ms),
};
static const struct store_table table = STORE_TABLE("transporter", "transporter", columns, store_transporter);

STORE_EACH(each_transporter, store_transporter);

int
store_transporters_add(struct store *store, struct store_transporter *transporter, struct error *err)
{
    if (store_name_check("transporter", transporter->name, err) != 0)
        return -1;
    if (!identifier_valid(transporter->id))
        return FAIL(err, ERROR_USAGE, 0, "a transporter needs its node id");
    transporter->enrolled_ms = clock_wall_ms(store->clock);
    return store_table_insert(store, &table, transporter, err);
}

int
store_transporters_find(struct store *store, const char *id_or_name, struct store_transporter *transporter,
                        struct error *err)
{
    return store_table_find(store, &table, id_or_name, transporter, err);
}

int
store_transporters_list(struct store *store, struct store_page page,
                        int (*each)(void *ctx, const struct store_transporter *transporter, struct error *err),
                        void *ctx, struct error *err)
{
    struct each_transporter to = { each, ctx };
    struct store_listing listing = { .order = STORE_BY_NAME, .page = page };

    return store_table_list(store, &table, &listing, each_transporter, &to, err);
}

static int
change_one(struct store *store, const struct store_query *query, struct error *err)
{
    int changed = 0;

    if (store_statement_change(store, query, &changed, err) != 0)
        return -1;
    return changed > 0 ? 0 : FAIL(err, ERROR_NOT_FOUND, 0, "there is no such transporter");
}

int
store_transporters_set_labels(struct store *store, const char *id, const struct store_labels *labels, struct error *err)
{
    char text[STORE_LABELS_TEXT_LEN];
    struct store_labels parsed;

    if (labels->count > STORE_LABELS_MAX)
        return FAIL(err, ERROR_USAGE, 0, "more than %d labels", STORE_LABELS_MAX);
    store_labels_format(labels, text);
    if (store_labels_parse(text, &parsed, err) != 0)
        return -1;
    return change_one(
        store, STORE_QUERY("UPDATE transporter SET labels = ?2 WHERE id = ?1", STORE_TEXT(id), STORE_TEXT(text)), err);
}

int
store_transporters_set_certificate(struct store *store, const char *id, int64_t expires_ms, struct error *err)
{
    return change_one(store,
                      STORE_QUERY("UPDATE transporter SET certificate_expires_ms = ?2 WHERE id = ?1", STORE_TEXT(id),
                                  STORE_INT(expires_ms)),
                      err);
}

int
store_transporters_set_hello(struct store *store, const char *id, const char *advertise, const char *software_version,
                             unsigned task_slots, struct error *err)
{
    struct store_transporter at;

    if (store_table_find_id(store, &table, id, &at, err) != 0 ||
        store_text_set(at.advertise, sizeof(at.advertise), advertise, err) != 0 ||
        store_text_set(at.software_version, sizeof(at.software_version), software_version, err) != 0)
        return -1;
    at.task_slots = task_slots;
    at.last_seen_ms = clock_wall_ms(store->clock);
    return store_table_update(store, &table, "advertise", &at, err);
}

int
store_transporters_set_seen(struct store *store, const char *id, struct error *err)
{
    return change_one(store,
                      STORE_QUERY("UPDATE transporter SET last_seen_ms = ?2 WHERE id = ?1", STORE_TEXT(id),
                                  STORE_INT(clock_wall_ms(store->clock))),
                      err);
}

int
store_transporters_revoke(struct store *store, const char *id, struct error *err)
{
    return change_one(
        store,
        STORE_QUERY("UPDATE transporter SET revoked_ms = iif (revoked_ms = 0, ?2, revoked_ms) WHERE id = ?1",
                    STORE_TEXT(id), STORE_INT(clock_wall_ms(store->clock))),
        err);
}

struct revoked {
    int (*each)(void *ctx, const char *id, struct error *err);
    void *ctx;
};

static int
on_revoked(void *ctx, sqlite3_stmt *at, struct error *err)
{
    const struct revoked *to = ctx;
    return to->each(to->ctx, (const char *)sqlite3_column_text(at, 0), err);
}

int
store_transporters_revoked(struct store *store, int (*each)(void *ctx, const char *id, struct error *err), void *ctx,
                           struct error *err)
{
    struct revoked to = { each, ctx };

    return store_statement_each(
        store, &(struct store_query){ "SELECT id FROM transporter WHERE revoked_ms > 0 ORDER BY seq", NULL, 0 },
        on_revoked, &to, err);
}
