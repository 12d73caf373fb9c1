#include "director/store/store_runs.h"

#include "common/base/clock.h"
#include "director/store/store_internal.h"

#include <string.h>

static const struct store_column columns[] = {
    STORE_COLUMN(TEXT, store_run, id),
    STORE_COLUMN(UINT, store_run, kind),
    STORE_COLUMN(REF, store_run, job),
    STORE_COLUMN(REF, store_run, tenant),
    STORE_COLUMN(REF, store_run, vault),
    STORE_COLUMN(TEXT, store_run, actor),
    STORE_COLUMN(I64, store_run, created_ms),
    STORE_COLUMN(UINT, store_run, state),
    STORE_COLUMN(BOOL, store_run, cancel_requested),
    STORE_COLUMN(I64, store_run, started_ms),
    STORE_COLUMN(I64, store_run, finished_ms),
    STORE_COLUMN(UINT, store_run, tasks),
    STORE_COLUMN(UINT, store_run, tasks_done),
    STORE_COLUMN(UINT, store_run, tasks_failed),
    STORE_COLUMN(UINT, store_run, tasks_cancelled),
    STORE_COLUMN_AS(U64, store_run, totals.items_done, "items_done"),
    STORE_COLUMN_AS(U64, store_run, totals.items_total, "items_total"),
    STORE_COLUMN_AS(U64, store_run, totals.bytes_read, "bytes_read"),
    STORE_COLUMN_AS(U64, store_run, totals.bytes_total, "bytes_total"),
    STORE_COLUMN_AS(U64, store_run, totals.bytes_stored, "bytes_stored"),
    STORE_COLUMN_AS(U64, store_run, totals.requests, "requests"),
    STORE_COLUMN_AS(U64, store_run, totals.throttled_ms, "throttled_ms"),
    STORE_COLUMN_AS(U64, store_run, totals.items_skipped, "items_skipped"),
    STORE_COLUMN_AS(U64, store_run, totals.items_failed, "items_failed"),
    STORE_COLUMN_AS(U64, store_run, totals.chunks_checked, "chunks_checked"),
    STORE_COLUMN_AS(U64, store_run, totals.damaged, "damaged"),
    STORE_COLUMN(TEXT, store_run, error_kind),
    STORE_COLUMN(TEXT, store_run, error_text),
};
static const struct store_table table = STORE_TABLE("run", "run", columns, store_run);

STORE_EACH(each_run, store_run);

static const char *const kinds[] = {
    [STORE_RUN_BACKUP] = "backup",
    [STORE_RUN_RESTORE] = "restore",
    [STORE_RUN_VERIFY] = "verify",
    [STORE_RUN_DISCOVER] = "discover",
    [STORE_RUN_CREATE_VAULT] = "create-vault",
    [STORE_RUN_COPY] = "copy",
    [STORE_RUN_SWEEP] = "sweep",
    [STORE_RUN_HEAL] = "heal",
};

static const char *const states[] = {
    [STORE_RUN_QUEUED] = "queued",   [STORE_RUN_RUNNING] = "running", [STORE_RUN_SUCCEEDED] = "succeeded",
    [STORE_RUN_WARNING] = "warning", [STORE_RUN_FAILED] = "failed",   [STORE_RUN_CANCELLED] = "cancelled",
};

const char *
store_run_kind_name(enum store_run_kind kind)
{
    return (unsigned)kind < ARRAY_LEN(kinds) ? kinds[kind] : "unknown";
}

int
store_run_kind_from_name(const char *name, enum store_run_kind *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i], name) == 0) {
            *kind = (enum store_run_kind)i;
            return 0;
        }
    return -1;
}

const char *
store_run_state_name(enum store_run_state state)
{
    return (unsigned)state < ARRAY_LEN(states) ? states[state] : "unknown";
}

int
store_run_state_from_name(const char *name, enum store_run_state *state)
{
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (strcmp(states[i], name) == 0) {
            *state = (enum store_run_state)i;
            return 0;
        }
    return -1;
}

bool
store_run_state_final(enum store_run_state state)
{
    return state >= STORE_RUN_SUCCEEDED;
}

int
store_runs_add(struct store *store, struct store_run *run, struct error *err)
{
    if (store_id_fill(store, "run", run->id, err) != 0)
        return -1;
    run->created_ms = clock_wall_ms(store->clock);
    return store_table_insert(store, &table, run, err);
}

int
store_runs_find(struct store *store, const char *id, struct store_run *run, struct error *err)
{
    return store_table_find_id(store, &table, id, run, err);
}

static const char *
or_any(const char *text)
{
    return text != NULL ? text : "";
}

int
store_runs_list(struct store *store, const struct store_run_filter *filter, struct store_page page,
                int (*each)(void *ctx, const struct store_run *run, struct error *err), void *ctx, struct error *err)
{
    struct each_run to = { each, ctx };
    struct store_listing listing = { .order = STORE_NEWEST_FIRST, .page = page };

    listing.where = *STORE_QUERY("(?1 = '' OR tenant = ?1) AND (?2 = '' OR job = ?2) AND (?3 = '' OR vault = ?3)"
                                 " AND (?4 = 0 OR state < 2)",
                                 STORE_TEXT(or_any(filter->tenant)), STORE_TEXT(or_any(filter->job)),
                                 STORE_TEXT(or_any(filter->vault)), STORE_INT(filter->unfinished));
    return store_table_list(store, &table, &listing, each_run, &to, err);
}

int
store_runs_update(struct store *store, const struct store_run *run, struct error *err)
{
    return store_table_update(store, &table, "state", run, err);
}
