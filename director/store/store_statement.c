#include "director/store/store_internal.h"

#include <string.h>
#include <uthash.h>

struct store_statement {
    char *sql;
    sqlite3_stmt *handle;
    UT_hash_handle hh;
};

int
store_statement_fail(struct store *store, int code, struct error *err)
{
    const char *text = sqlite3_errmsg(store->db);

    switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
        switch (code) {
        case SQLITE_CONSTRAINT_UNIQUE:
        case SQLITE_CONSTRAINT_PRIMARYKEY:
            return FAIL(err, ERROR_EXISTS, code, "that name or id is taken");
        case SQLITE_CONSTRAINT_FOREIGNKEY:
            return FAIL(err, ERROR_CONFLICT, code,
                        "it is still in use (by jobs, runs, points or the like), or what it names is gone");
        default:
            return FAIL(err, ERROR_USAGE, code, "the database refuses the value (%s)", text);
        }
    case SQLITE_FULL:
        return FAIL(err, ERROR_NO_SPACE, code, "the director's database cannot grow: free space on its disk");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return FAIL(err, ERROR_UNAVAILABLE, code, "the director's database is in use by another process");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return FAIL(err, ERROR_CORRUPT, code, "the director's database is damaged (%s): restore its backup", text);
    case SQLITE_TOOBIG:
        return FAIL(err, ERROR_LIMIT, code, "value too large for the database");
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return FAIL(err, ERROR_IO, code, "database: %s", text);
    default:
        return FAIL(err, ERROR_INTERNAL, code, "database: %s", text);
    }
}

/* From the cache; one that is running already (a callback asks the same again) gets a twin, which *extra owns. */
static sqlite3_stmt *
prepare(struct store *store, const char *sql, sqlite3_stmt **extra, struct error *err)
{
    struct store_statement *cached = NULL;
    sqlite3_stmt *handle = NULL;

    *extra = NULL;
    HASH_FIND_STR(store->statements, sql, cached);
    if (cached != NULL && !sqlite3_stmt_busy(cached->handle))
        return cached->handle;
    int code = sqlite3_prepare_v3(store->db, sql, -1, cached == NULL ? SQLITE_PREPARE_PERSISTENT : 0, &handle, NULL);
    if (code != SQLITE_OK) {
        store_statement_fail(store, code, err);
        return NULL;
    }
    if (cached != NULL) {
        *extra = handle;
        return handle;
    }
    cached = MEMORY_NEW(struct store_statement);
    cached->sql = memory_strdup(sql);
    cached->handle = handle;
    HASH_ADD_KEYPTR(hh, store->statements, cached->sql, strlen(cached->sql), cached);
    return handle;
}

static int
bind(struct store *store, sqlite3_stmt *handle, const struct store_query *query, struct error *err)
{
    for (size_t i = 0; i < query->count; i++) {
        const struct store_value *v = &query->values[i];
        int at = (int)i + 1, code = SQLITE_OK;

        switch (v->kind) {
        case STORE_VALUE_INT:
            code = sqlite3_bind_int64(handle, at, v->number);
            break;
        case STORE_VALUE_TEXT:
            code = sqlite3_bind_text(handle, at, v->text, -1, SQLITE_STATIC);
            break;
        case STORE_VALUE_BLOB:
            code = sqlite3_bind_blob64(handle, at, v->len > 0 ? v->blob : "", v->len, SQLITE_STATIC);
            break;
        case STORE_VALUE_NULL:
            code = sqlite3_bind_null(handle, at);
            break;
        }
        if (code != SQLITE_OK)
            return store_statement_fail(store, code, err);
    }
    return 0;
}

static void
release(sqlite3_stmt *handle, sqlite3_stmt *extra)
{
    sqlite3_reset(handle);
    sqlite3_clear_bindings(handle);
    sqlite3_finalize(extra);
}

int
store_statement_each(struct store *store, const struct store_query *query,
                     int (*row)(void *ctx, sqlite3_stmt *at, struct error *err), void *ctx, struct error *err)
{
    sqlite3_stmt *extra, *handle = prepare(store, query->sql, &extra, err);
    int code, result = 0;

    if (handle == NULL)
        return -1;
    if (bind(store, handle, query, err) != 0) {
        release(handle, extra);
        return -1;
    }
    while ((code = sqlite3_step(handle)) == SQLITE_ROW)
        if (row(ctx, handle, err) != 0) {
            result = -1;
            break;
        }
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        result = store_statement_fail(store, code, err);
    release(handle, extra);
    return result;
}

static int
on_no_row(void *ctx, sqlite3_stmt *at, struct error *err)
{
    (void)ctx;
    (void)at;
    (void)err;
    return 0;
}

int
store_statement_change(struct store *store, const struct store_query *query, int *changed, struct error *err)
{
    if (store_statement_each(store, query, on_no_row, NULL, err) != 0)
        return -1;
    if (changed != NULL)
        *changed = sqlite3_changes(store->db);
    return 0;
}

struct number {
    int64_t value;
    bool found;
};

static int
on_number(void *ctx, sqlite3_stmt *at, struct error *err)
{
    struct number *number = ctx;

    (void)err;
    if (!number->found)
        number->value = sqlite3_column_int64(at, 0);
    number->found = true;
    return 0;
}

int
store_statement_number(struct store *store, const struct store_query *query, int64_t *number, struct error *err)
{
    struct number result = { 0 };

    if (store_statement_each(store, query, on_number, &result, err) != 0)
        return -1;
    if (!result.found)
        return FAIL(err, ERROR_NOT_FOUND, 0, "not there");
    *number = result.value;
    return 0;
}

void
store_statement_free_all(struct store *store)
{
    struct store_statement *cached, *next;

    HASH_ITER (hh, store->statements, cached, next) {
        HASH_DEL(store->statements, cached);
        sqlite3_finalize(cached->handle);
        free(cached->sql);
        free(cached);
    }
}
