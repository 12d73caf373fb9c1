#include "common/base/clock.h"
#include "director/store/store_internal.h"
#include "director/store/store_points.h"

#include <stdio.h>
#include <string.h>

#define STORED(row) "(CASE WHEN " row ".stored_as = '' THEN " row ".id ELSE " row ".stored_as END)"

const char *
store_points_stored_id(const struct store_point *point)
{
    return point->stored_as[0] != '\0' ? point->stored_as : point->id;
}

struct names {
    int (*each)(void *ctx, const char *stored_id, struct error *err);
    void *ctx;
};

static int
on_name(void *ctx, sqlite3_stmt *at, struct error *err)
{
    const struct names *to = ctx;
    return to->each(to->ctx, (const char *)sqlite3_column_text(at, 0), err);
}

/* Whether ?2 holds the point of this row too; by an index in both of the ways in which it can. */
#define THERE(row)                                                                                                     \
    "(EXISTS (SELECT 1 FROM point c WHERE c.vault = ?2 AND c.stored_as = " STORED(                                     \
        row) " AND c.stored_as <> '')"                                                                                 \
             " OR EXISTS (SELECT 1 FROM point c WHERE c.id = " STORED(row) " AND c.vault = ?2 AND c.stored_as = ''))"

#define UNCOPIED(of_object)                                                                                            \
    "WITH wanted AS MATERIALIZED (SELECT p.object AS object, " STORED(                                                 \
        "p") " AS name, p.created_ms AS created,"                                                                      \
             " p.seq AS seq FROM point p WHERE p.vault = ?1 AND p.retired = 0" of_object                               \
             " AND p.created_ms >= ?4 AND NOT " THERE(                                                                 \
                 "p") " AND (?5 = 0 OR p.seq = (SELECT l.seq FROM point l WHERE l.vault = ?1 AND l.retired = 0 AND "   \
                      "l.object = p.object"                                                                            \
                      " ORDER BY l.created_ms DESC, l.seq DESC LIMIT 1)) ORDER BY p.created_ms, p.seq LIMIT ?6),"      \
                      " firsts AS (SELECT object, min(created) AS created FROM wanted GROUP BY object),"               \
                      " bases AS MATERIALIZED (SELECT (SELECT " STORED(                                                \
                          "b") " FROM point b WHERE b.object = f.object AND b.vault = ?1 AND b.retired = 0"            \
                               " AND b.created_ms <= f.created AND " THERE(                                            \
                                   "b") " ORDER BY b.created_ms DESC, b.seq DESC LIMIT 1) AS name,"                    \
                                        " f.created AS created, -1 AS seq FROM firsts f)"                              \
                                        " SELECT name FROM (SELECT name, created, seq FROM bases WHERE name IS NOT "   \
                                        "NULL"                                                                         \
                                        " UNION ALL SELECT name, created, seq FROM wanted) ORDER BY created, seq"

int
store_points_uncopied(struct store *store, const struct store_point_copy *copy, unsigned most,
                      int (*each)(void *ctx, const char *stored_id, struct error *err), void *ctx, struct error *err)
{
    static const char of_all[] = UNCOPIED(" AND ?3 = ''"), of_one[] = UNCOPIED(" AND p.object = ?3");
    struct names to = { each, ctx };

    return store_statement_each(store,
                                STORE_QUERY(copy->object[0] == '\0' ? of_all : of_one, STORE_TEXT(copy->source),
                                            STORE_TEXT(copy->vault), STORE_TEXT(copy->object),
                                            STORE_INT(copy->since_ms), STORE_INT(copy->latest), STORE_INT(most)),
                                on_name, &to, err);
}

struct found {
    char id[IDENTIFIER_LEN];
};

static int
on_found(void *ctx, sqlite3_stmt *at, struct error *err)
{
    struct found *found = ctx;
    return store_text_set(found->id, sizeof(found->id), (const char *)sqlite3_column_text(at, 0), err);
}

static int
find_in(struct store *store, const char *vault, const char *stored_id, struct found *found, struct error *err)
{
    found->id[0] = '\0';
    return store_statement_each(store,
                                STORE_QUERY("SELECT id FROM point WHERE id = ?2 AND vault = ?1 AND stored_as = ''"
                                            " UNION ALL SELECT id FROM point WHERE vault = ?1 AND stored_as = ?2"
                                            " AND stored_as <> '' LIMIT 1",
                                            STORE_TEXT(vault), STORE_TEXT(stored_id)),
                                on_found, found, err);
}

int
store_points_add_copy(struct store *store, const struct store_point_copy *copy, const char *stored_id, const char *run,
                      uint64_t stored_bytes, struct error *err)
{
    struct found there, original;
    struct store_point point;

    if (find_in(store, copy->vault, stored_id, &there, err) != 0 ||
        find_in(store, copy->source, stored_id, &original, err) != 0)
        return -1;
    if (there.id[0] != '\0' || original.id[0] == '\0')
        return 0;
    if (store_points_find(store, original.id, &point, err) != 0)
        return -1;
    identifier_new(store->clock, "copy", point.id);
    snprintf(point.stored_as, sizeof(point.stored_as), "%s", stored_id);
    snprintf(point.vault, sizeof(point.vault), "%s", copy->vault);
    snprintf(point.run, sizeof(point.run), "%s", run);
    point.stored_bytes = stored_bytes;
    return store_points_add(store, &point, err) != 0 ? -1 : 1;
}

int
store_points_set_retired(struct store *store, const char *vault, const char *stored_id, bool retired, struct error *err)
{
    return store_statement_change(store,
                                  STORE_QUERY("UPDATE point SET retired = ?3 WHERE vault = ?1 AND"
                                              " ((id = ?2 AND stored_as = '') OR stored_as = ?2)",
                                              STORE_TEXT(vault), STORE_TEXT(stored_id), STORE_INT(retired)),
                                  NULL, err);
}

int
store_points_forget(struct store *store, const char *vault, const char *stored_id, struct error *err)
{
    return store_statement_change(store,
                                  STORE_QUERY("DELETE FROM point WHERE vault = ?1 AND"
                                              " ((id = ?2 AND stored_as = '') OR stored_as = ?2)",
                                              STORE_TEXT(vault), STORE_TEXT(stored_id)),
                                  NULL, err);
}

int
store_points_expirable(struct store *store, const char *vault, int64_t before_ms, unsigned most,
                       int (*each)(void *ctx, const char *stored_id, struct error *err), void *ctx, struct error *err)
{
    static const char sql[] =
        "SELECT " STORED("p") " FROM point p WHERE p.vault = ?1 AND p.retired = 0 AND p.created_ms < ?2"
                              " AND EXISTS (SELECT 1 FROM point n WHERE n.vault = p.vault AND n.object = p.object"
                              " AND n.retired = 0 AND n.created_ms > p.created_ms)"
                              " ORDER BY p.created_ms LIMIT ?3";
    struct names to = { each, ctx };

    return store_statement_each(store, STORE_QUERY(sql, STORE_TEXT(vault), STORE_INT(before_ms), STORE_INT(most)),
                                on_name, &to, err);
}
