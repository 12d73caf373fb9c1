#include "director/store/store_points.h"

#include "common/base/clock.h"
#include "director/store/store_internal.h"

static const struct store_column columns[] = {
    STORE_COLUMN(TEXT, store_point, id),           STORE_COLUMN(REF, store_point, tenant),
    STORE_COLUMN(REF, store_point, vault),         STORE_COLUMN(REF, store_point, object),
    STORE_COLUMN(REF, store_point, run),           STORE_COLUMN(REF, store_point, previous),
    STORE_COLUMN(I64, store_point, created_ms),    STORE_COLUMN(I64, store_point, recorded_ms),
    STORE_COLUMN(U64, store_point, items),         STORE_COLUMN(U64, store_point, bytes),
    STORE_COLUMN(U64, store_point, stored_bytes),  STORE_COLUMN(U64, store_point, items_new),
    STORE_COLUMN(U64, store_point, items_changed), STORE_COLUMN(U64, store_point, items_deleted),
    STORE_COLUMN(U64, store_point, items_skipped), STORE_COLUMN(U64, store_point, items_failed),
    STORE_COLUMN(TEXT, store_point, stored_as),    STORE_COLUMN(BOOL, store_point, retired),
};
static const struct store_table table = STORE_TABLE("point", "recovery point", columns, store_point);

STORE_EACH(each_point, store_point);

int
store_points_add(struct store *store, struct store_point *point, struct error *err)
{
    struct store_point known;
    struct error missing = ERROR_INIT;

    if (!identifier_valid(point->id))
        return FAIL(err, ERROR_USAGE, 0, "a recovery point needs its id");
    if (store_points_find(store, point->id, &known, &missing) == 0) {
        *point = known;
        return 0;
    }
    if (missing.kind != ERROR_NOT_FOUND)
        return FAIL(err, missing.kind, missing.native, "%s", missing.text);
    point->recorded_ms = clock_wall_ms(store->clock);
    return store_table_insert(store, &table, point, err);
}

int
store_points_find(struct store *store, const char *id, struct store_point *point, struct error *err)
{
    return store_table_find_id(store, &table, id, point, err);
}

static const char *
or_any(const char *text)
{
    return text != NULL ? text : "";
}

int
store_points_list(struct store *store, const struct store_point_filter *filter, struct store_page page,
                  int (*each)(void *ctx, const struct store_point *point, struct error *err), void *ctx,
                  struct error *err)
{
    struct each_point to = { each, ctx };
    struct store_listing listing = { .order = STORE_NEWEST_FIRST, .page = page };

    listing.where = *STORE_QUERY("(?1 = '' OR tenant = ?1) AND (?2 = '' OR vault = ?2) AND (?3 = '' OR object = ?3)"
                                 " AND (?4 = '' OR run = ?4) AND (?5 = 0 OR created_ms <= ?5) AND retired = ?6",
                                 STORE_TEXT(or_any(filter->tenant)), STORE_TEXT(or_any(filter->vault)),
                                 STORE_TEXT(or_any(filter->object)), STORE_TEXT(or_any(filter->run)),
                                 STORE_INT(filter->not_after_ms), STORE_INT(filter->retired));
    return store_table_list(store, &table, &listing, each_point, &to, err);
}

int
store_points_latest(struct store *store, const char *vault, const char *object, struct store_point *point,
                    struct error *err)
{
    return store_table_one(store, &table,
                           STORE_QUERY("WHERE vault = ?1 AND object = ?2 AND retired = 0 ORDER BY stored_as = '' DESC,"
                                       " CASE WHEN stored_as = '' THEN seq ELSE created_ms END DESC LIMIT 1",
                                       STORE_TEXT(vault), STORE_TEXT(object)),
                           NULL, point, err);
}
