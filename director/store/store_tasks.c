#include "director/store/store_tasks.h"

#include "common/base/clock.h"
#include "director/store/store_internal.h"

#include <string.h>

static const struct store_column columns[] = {
    STORE_COLUMN(TEXT, store_task, id),
    STORE_COLUMN(TEXT, store_task, run),
    STORE_COLUMN(REF, store_task, tenant),
    STORE_COLUMN(UINT, store_task, kind),
    STORE_COLUMN(REF, store_task, object),
    STORE_COLUMN(REF, store_task, vault),
    STORE_COLUMN(TEXT, store_task, scope),
    STORE_COLUMN(TEXT, store_task, exclusive),
    STORE_COLUMN(TEXT, store_task, selector),
    STORE_COLUMN(REF, store_task, pinned),
    STORE_COLUMN(REF, store_task, selection_secret),
    STORE_COLUMN(TEXT, store_task, spec),
    STORE_COLUMN(I64, store_task, created_ms),
    STORE_COLUMN(UINT, store_task, state),
    STORE_COLUMN(BOOL, store_task, cancel_requested),
    STORE_COLUMN(REF, store_task, transporter),
    STORE_COLUMN(U64, store_task, fence),
    STORE_COLUMN(UINT, store_task, attempts),
    STORE_COLUMN(UINT, store_task, losses),
    STORE_COLUMN(I64, store_task, not_before_ms),
    STORE_COLUMN(I64, store_task, lease_until_ms),
    STORE_COLUMN(I64, store_task, started_ms),
    STORE_COLUMN(I64, store_task, finished_ms),
    STORE_COLUMN(TEXT, store_task, phase),
    STORE_COLUMN(TEXT, store_task, waiting),
    STORE_COLUMN_AS(U64, store_task, counts.items_done, "items_done"),
    STORE_COLUMN_AS(U64, store_task, counts.items_total, "items_total"),
    STORE_COLUMN_AS(U64, store_task, counts.bytes_read, "bytes_read"),
    STORE_COLUMN_AS(U64, store_task, counts.bytes_total, "bytes_total"),
    STORE_COLUMN_AS(U64, store_task, counts.bytes_stored, "bytes_stored"),
    STORE_COLUMN_AS(U64, store_task, counts.requests, "requests"),
    STORE_COLUMN_AS(U64, store_task, counts.throttled_ms, "throttled_ms"),
    STORE_COLUMN_AS(U64, store_task, counts.items_skipped, "items_skipped"),
    STORE_COLUMN_AS(U64, store_task, counts.items_failed, "items_failed"),
    STORE_COLUMN_AS(U64, store_task, counts.chunks_checked, "chunks_checked"),
    STORE_COLUMN_AS(U64, store_task, counts.damaged, "damaged"),
    STORE_COLUMN(TEXT, store_task, error_kind),
    STORE_COLUMN(TEXT, store_task, error_text),
    STORE_COLUMN(TEXT, store_task, summary),
    STORE_COLUMN(TEXT, store_task, figures),
};
static const struct store_table table = STORE_TABLE("task", "task", columns, store_task);

STORE_EACH(each_task, store_task);

const char *
store_task_state_name(enum store_task_state state)
{
    static const char *const names[] = {
        [STORE_TASK_QUEUED] = "queued", [STORE_TASK_LEASED] = "leased", [STORE_TASK_RUNNING] = "running",
        [STORE_TASK_DONE] = "done",     [STORE_TASK_FAILED] = "failed", [STORE_TASK_CANCELLED] = "cancelled",
    };
    return (unsigned)state < ARRAY_LEN(names) ? names[state] : "unknown";
}

bool
store_task_state_final(enum store_task_state state)
{
    return state >= STORE_TASK_DONE;
}

int
store_tasks_add(struct store *store, struct store_task *task, struct error *err)
{
    struct store_labels labels;

    if (store_id_fill(store, "task", task->id, err) != 0 || store_labels_parse(task->selector, &labels, err) != 0)
        return -1;
    task->created_ms = clock_wall_ms(store->clock);
    return store_table_insert(store, &table, task, err);
}

int
store_tasks_find(struct store *store, const char *id, struct store_task *task, struct error *err)
{
    return store_table_find_id(store, &table, id, task, err);
}

int
store_tasks_list(struct store *store, const char *run, struct store_page page,
                 int (*each)(void *ctx, const struct store_task *task, struct error *err), void *ctx, struct error *err)
{
    struct each_task to = { each, ctx };
    struct store_listing listing = { .order = STORE_OLDEST_FIRST, .page = page };

    listing.where = *STORE_QUERY("run = ?1", STORE_TEXT(run));
    return store_table_list(store, &table, &listing, each_task, &to, err);
}

int
store_tasks_update(struct store *store, const struct store_task *task, struct error *err)
{
    struct error why = ERROR_INIT;

    if (store_table_update(store, &table, "state", task, &why) == 0)
        return 0;
    if (why.kind == ERROR_EXISTS)
        return FAIL(err, ERROR_CONFLICT, why.native, "another task works on the same object");
    return FAIL(err, why.kind, why.native, "%s", why.text);
}

int
store_tasks_due(struct store *store, int64_t now_ms, struct store_page page,
                int (*each)(void *ctx, const struct store_task *task, struct error *err), void *ctx, struct error *err)
{
    struct each_task to = { each, ctx };
    struct store_listing listing = { .order = STORE_OLDEST_FIRST, .page = page };

    listing.where = *STORE_QUERY("state = 0 AND not_before_ms <= ?1", STORE_INT(now_ms));
    return store_table_list(store, &table, &listing, each_task, &to, err);
}

int
store_tasks_held(struct store *store, const char *transporter,
                 int (*each)(void *ctx, const struct store_task *task, struct error *err), void *ctx, struct error *err)
{
    struct each_task to = { each, ctx };

    return store_table_each(store, &table,
                            STORE_QUERY("WHERE state IN (1, 2) AND (?1 = '' OR transporter = ?1) ORDER BY seq",
                                        STORE_TEXT(transporter != NULL ? transporter : "")),
                            each_task, &to, err);
}

int
store_tasks_expired(struct store *store, int64_t now_ms,
                    int (*each)(void *ctx, const struct store_task *task, struct error *err), void *ctx,
                    struct error *err)
{
    struct each_task to = { each, ctx };

    return store_table_each(
        store, &table,
        STORE_QUERY("WHERE state IN (1, 2) AND lease_until_ms <= ?1 ORDER BY seq LIMIT 1000", STORE_INT(now_ms)),
        each_task, &to, err);
}

struct load {
    int (*each)(void *ctx, const char *transporter, unsigned tasks, struct error *err);
    void *ctx;
};

static int
on_load(void *ctx, sqlite3_stmt *at, struct error *err)
{
    const struct load *to = ctx;
    return to->each(to->ctx, (const char *)sqlite3_column_text(at, 0), (unsigned)sqlite3_column_int(at, 1), err);
}

int
store_tasks_load(struct store *store,
                 int (*each)(void *ctx, const char *transporter, unsigned tasks, struct error *err), void *ctx,
                 struct error *err)
{
    static const char sql[] = "SELECT transporter, count(*) FROM task"
                              " WHERE state IN (1, 2) AND transporter IS NOT NULL GROUP BY transporter";
    struct load to = { each, ctx };

    return store_statement_each(store, &(struct store_query){ sql, NULL, 0 }, on_load, &to, err);
}

struct fences {
    int (*each)(void *ctx, const char *vault, const char *scope, uint64_t fence, struct error *err);
    void *ctx;
};

static int
on_fence(void *ctx, sqlite3_stmt *at, struct error *err)
{
    const struct fences *to = ctx;
    return to->each(to->ctx, (const char *)sqlite3_column_text(at, 0), (const char *)sqlite3_column_text(at, 1),
                    (uint64_t)sqlite3_column_int64(at, 2), err);
}

int
store_tasks_fences(struct store *store, const char *host,
                   int (*each)(void *ctx, const char *vault, const char *scope, uint64_t fence, struct error *err),
                   void *ctx, struct error *err)
{
    static const char sql[] =
        "SELECT iif (v.stored_as = '', v.id, v.stored_as), t.scope, max (t.fence + (t.state = 0)) FROM task t"
        " JOIN vault v ON v.id = t.vault JOIN repository r ON r.id = v.repository"
        " WHERE r.host = ?1 AND t.state < 3 AND t.fence > 0 GROUP BY 1, t.scope";
    struct fences to = { each, ctx };

    return store_statement_each(store, STORE_QUERY(sql, STORE_TEXT(host)), on_fence, &to, err);
}

static int
on_sum(void *ctx, sqlite3_stmt *at, struct error *err)
{
    struct store_run *run = ctx;
    uint64_t *const totals[] = {
        &run->totals.items_done,   &run->totals.items_total,    &run->totals.bytes_read,   &run->totals.bytes_total,
        &run->totals.bytes_stored, &run->totals.requests,       &run->totals.throttled_ms, &run->totals.items_skipped,
        &run->totals.items_failed, &run->totals.chunks_checked, &run->totals.damaged,
    };
    unsigned *const counts[] = { &run->tasks, &run->tasks_done, &run->tasks_failed, &run->tasks_cancelled };

    (void)err;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        *counts[i] = (unsigned)sqlite3_column_int64(at, (int)i);
    for (size_t i = 0; i < ARRAY_LEN(totals); i++)
        *totals[i] = (uint64_t)sqlite3_column_int64(at, (int)(ARRAY_LEN(counts) + i));
    return 0;
}

static int
on_failed(void *ctx, sqlite3_stmt *at, struct error *err)
{
    struct store_run *run = ctx;

    if (store_text_set(run->error_kind, sizeof(run->error_kind), (const char *)sqlite3_column_text(at, 0), err) != 0)
        return -1;
    return store_text_set(run->error_text, sizeof(run->error_text), (const char *)sqlite3_column_text(at, 1), err);
}

int
store_tasks_sum(struct store *store, struct store_run *run, struct error *err)
{
    /* total() is a float that cannot overflow; sums of what peers report could. */
#define SUM(column) "CAST (min (total (" column "), 9.2e18) AS INTEGER)"
    static const char
        sql[] = "SELECT count(*), " SUM("state = 3") ", " SUM("state = 4") ", " SUM("state = 5") ", " SUM("items_done") ", " SUM("items_total") ", " SUM("bytes_read") ", " SUM(
            "bytes_total") ", " SUM("bytes_stored") ", " SUM("requests") ", " SUM("throttled_ms") ", " SUM("items_"
                                                                                                           "skippe"
                                                                                                           "d") ","
                                                                                                                " " SUM("items_failed") ", " SUM(
                                                                                                                    "ch"
                                                                                                                    "un"
                                                                                                                    "ks"
                                                                                                                    "_c"
                                                                                                                    "he"
                                                                                                                    "ck"
                                                                                                                    "e"
                                                                                                                    "d") ", " SUM("damaged") " FROM task WHERE run = ?1";
#undef SUM

    if (store_statement_each(store, STORE_QUERY(sql, STORE_TEXT(run->id)), on_sum, run, err) != 0)
        return -1;
    return store_statement_each(
        store,
        STORE_QUERY("SELECT error_kind, error_text FROM task WHERE run = ?1 AND state = 4 ORDER BY finished_ms, seq"
                    " LIMIT 1",
                    STORE_TEXT(run->id)),
        on_failed, run, err);
}

static int
on_remark(void *ctx, sqlite3_stmt *at, struct error *err)
{
    return store_text_set(ctx, STORE_TEXT_LEN, (const char *)sqlite3_column_text(at, 0), err);
}

int
store_tasks_remark(struct store *store, const char *run, char out[STORE_TEXT_LEN], struct error *err)
{
    static const char sql[] =
        "SELECT CASE WHEN error_text <> '' THEN error_text ELSE waiting END FROM task WHERE run = ?1 AND state = 0"
        " AND (error_text <> '' OR (waiting <> ''"
        " AND NOT EXISTS (SELECT 1 FROM task WHERE run = ?1 AND state IN (1, 2))))"
        " ORDER BY error_text = '', seq LIMIT 1";

    out[0] = '\0';
    return store_statement_each(store, STORE_QUERY(sql, STORE_TEXT(run)), on_remark, out, err);
}

struct outcome {
    char *summary, *figures;
};

static int
on_outcome(void *ctx, sqlite3_stmt *at, struct error *err)
{
    const struct outcome *to = ctx;

    if (store_text_set(to->summary, STORE_TEXT_LEN, (const char *)sqlite3_column_text(at, 0), err) != 0)
        return -1;
    return store_text_set(to->figures, STORE_FIGURES_LEN, (const char *)sqlite3_column_text(at, 1), err);
}

int
store_tasks_outcome(struct store *store, const char *run, char summary[STORE_TEXT_LEN], char figures[STORE_FIGURES_LEN],
                    struct error *err)
{
    static const char sql[] = "SELECT summary, figures FROM task WHERE run = ?1 AND summary <> '' ORDER BY seq LIMIT 1";
    struct outcome to = { summary, figures };

    summary[0] = figures[0] = '\0';
    return store_statement_each(store, STORE_QUERY(sql, STORE_TEXT(run)), on_outcome, &to, err);
}

int
store_tasks_is_busy(struct store *store, const char *exclusive, struct error *err)
{
    int64_t count = 0;

    if (exclusive[0] == '\0')
        return 0;
    if (store_statement_number(
            store,
            STORE_QUERY("SELECT count(*) FROM task WHERE state IN (1, 2) AND exclusive <> '' AND exclusive = ?1",
                        STORE_TEXT(exclusive)),
            &count, err) != 0)
        return -1;
    return count > 0 ? 1 : 0;
}

int
store_tasks_next_fence(struct store *store, const char *vault, const char *scope, uint64_t *fence, struct error *err)
{
    int64_t number = 0;

    if (store_statement_number(store,
                               STORE_QUERY("INSERT INTO fence (vault, scope, fence) VALUES (?1, ?2, 1)"
                                           " ON CONFLICT (vault, scope) DO UPDATE SET fence = fence + 1"
                                           " RETURNING fence",
                                           STORE_TEXT(vault), STORE_TEXT(scope)),
                               &number, err) != 0)
        return -1;
    *fence = (uint64_t)number;
    return 0;
}

int
store_tasks_set_gaps(struct store *store, const char *id, const struct store_gap *gaps, size_t count, struct error *err)
{
    if (store_statement_change(store, STORE_QUERY("DELETE FROM gap WHERE task = ?1", STORE_TEXT(id)), NULL, err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        uint64_t n = gaps[i].count > INT64_MAX ? INT64_MAX : gaps[i].count;
        if (store_statement_change(store,
                                   STORE_QUERY("INSERT INTO gap (task, reason, count) VALUES (?1, ?2, ?3)"
                                               " ON CONFLICT (task, reason) DO UPDATE SET count = excluded.count",
                                               STORE_TEXT(id), STORE_TEXT(gaps[i].reason), STORE_INT(n)),
                                   NULL, err) != 0)
            return -1;
    }
    return 0;
}

struct gaps {
    int (*each)(void *ctx, const struct store_gap *gap, struct error *err);
    void *ctx;
};

static int
on_gap(void *ctx, sqlite3_stmt *at, struct error *err)
{
    const struct gaps *to = ctx;
    struct store_gap gap = { .count = (uint64_t)sqlite3_column_int64(at, 1) };

    if (store_text_set(gap.reason, sizeof(gap.reason), (const char *)sqlite3_column_text(at, 0), err) != 0)
        return -1;
    return to->each(to->ctx, &gap, err);
}

int
store_tasks_list_gaps(struct store *store, const char *id,
                      int (*each)(void *ctx, const struct store_gap *gap, struct error *err), void *ctx,
                      struct error *err)
{
    struct gaps to = { each, ctx };

    return store_statement_each(
        store, STORE_QUERY("SELECT reason, count FROM gap WHERE task = ?1 ORDER BY reason", STORE_TEXT(id)), on_gap,
        &to, err);
}
