#include "common/base/buffer.h"
#include "director/store/store_internal.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 64
#define SQL_MAX     ((size_t)16 << 10)

static void
value_of(const struct store_column *column, const void *row, struct store_value *value, char *scratch)
{
    const uint8_t *field = (const uint8_t *)row + column->offset;
    const char *text = (const char *)field;
    uint64_t u64;
    unsigned u;

    *value = (struct store_value)STORE_INT(0);
    switch (column->type) {
    case STORE_COLUMN_TEXT:
        *value = (struct store_value)STORE_TEXT(text);
        break;
    case STORE_COLUMN_REF:
        *value = (struct store_value)STORE_REF(text);
        break;
    case STORE_COLUMN_I64:
        memcpy(&value->number, field, sizeof(value->number));
        break;
    case STORE_COLUMN_U64:
        memcpy(&u64, field, sizeof(u64));
        value->number = u64 > INT64_MAX ? INT64_MAX : (int64_t)u64;
        break;
    case STORE_COLUMN_UINT:
        memcpy(&u, field, sizeof(u));
        value->number = u;
        break;
    case STORE_COLUMN_BOOL:
        value->number = *(const bool *)field;
        break;
    case STORE_COLUMN_BYTES:
        *value = (struct store_value)STORE_BLOB(field, column->size);
        break;
    case STORE_COLUMN_LABELS:
        store_labels_format((const struct store_labels *)(const void *)field, scratch);
        *value = (struct store_value)STORE_TEXT(scratch);
        break;
    }
}

static int
read_text(const struct store_column *column, sqlite3_stmt *at, int i, char *field, struct error *err)
{
    const char *text = (const char *)sqlite3_column_text(at, i);

    if (text == NULL)
        text = "";
    if (store_text_set(field, column->size, text, err) != 0)
        return error_wrap(err, "database column %s", column->name);
    return 0;
}

static int
read_column(const struct store_column *column, sqlite3_stmt *at, int i, void *row, struct error *err)
{
    uint8_t *field = (uint8_t *)row + column->offset;
    int64_t number = sqlite3_column_type(at, i) == SQLITE_INTEGER ? sqlite3_column_int64(at, i) : 0;
    uint64_t u64 = number < 0 ? 0 : (uint64_t)number;
    unsigned u = (unsigned)u64;

    switch (column->type) {
    case STORE_COLUMN_TEXT:
    case STORE_COLUMN_REF:
        return read_text(column, at, i, (char *)field, err);
    case STORE_COLUMN_I64:
        memcpy(field, &number, sizeof(number));
        return 0;
    case STORE_COLUMN_U64:
        memcpy(field, &u64, sizeof(u64));
        return 0;
    case STORE_COLUMN_UINT:
        memcpy(field, &u, sizeof(u));
        return 0;
    case STORE_COLUMN_BOOL:
        *(bool *)field = number != 0;
        return 0;
    case STORE_COLUMN_BYTES:
        if ((size_t)sqlite3_column_bytes(at, i) != column->size)
            return FAIL(err, ERROR_CORRUPT, 0, "database column %s has a wrong size", column->name);
        memcpy(field, sqlite3_column_blob(at, i), column->size);
        return 0;
    case STORE_COLUMN_LABELS:
        return store_labels_parse((const char *)sqlite3_column_text(at, i), (struct store_labels *)(void *)field, err);
    }
    return 0;
}

/* The labels of a row are formatted into scratch: no table has two such columns. */
static int
run_with_row(struct store *store, const struct store_table *table, const char *sql, const void *row, int *changed,
             struct error *err)
{
    struct store_value values[COLUMNS_MAX];
    char scratch[STORE_LABELS_TEXT_LEN];

    for (size_t i = 0; i < table->count; i++)
        value_of(&table->columns[i], row, &values[i], scratch);
    return store_statement_change(store, &(struct store_query){ sql, values, table->count }, changed, err);
}

int
store_table_insert(struct store *store, const struct store_table *table, const void *row, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer sql = BUFFER_INIT(SQL_MAX);
    struct error why = ERROR_INIT;

    if (buffer_printf(&sql, err, "INSERT INTO %s (", table->name) != 0)
        return -1;
    for (size_t i = 0; i < table->count; i++)
        if (buffer_printf(&sql, err, "%s%s", i > 0 ? ", " : "", table->columns[i].name) != 0)
            return -1;
    if (buffer_append_text(&sql, ") VALUES (", err) != 0)
        return -1;
    for (size_t i = 0; i < table->count; i++)
        if (buffer_printf(&sql, err, "%s?%zu", i > 0 ? ", " : "", i + 1) != 0)
            return -1;
    if (buffer_append_text(&sql, ")", err) != 0)
        return -1;
    const char *text = buffer_text(&sql, err);
    if (text == NULL)
        return -1;
    if (run_with_row(store, table, text, row, NULL, &why) == 0)
        return 0;
    if (why.kind == ERROR_CONFLICT)
        return FAIL(err, ERROR_NOT_FOUND, why.native, "%s refers to something that does not exist", table->noun);
    return FAIL(err, why.kind, why.native, "%s: %s", table->noun, why.text);
}

int
store_table_update(struct store *store, const struct store_table *table, const char *first, const void *row,
                   struct error *err)
{
    CLEANUP(buffer_clear) struct buffer sql = BUFFER_INIT(SQL_MAX);
    bool on = false;
    int changed = 0;

    if (buffer_printf(&sql, err, "UPDATE %s SET ", table->name) != 0)
        return -1;
    for (size_t i = 0; i < table->count; i++) {
        const char *name = table->columns[i].name;
        const char *comma = on ? ", " : "";
        on = on || strcmp(name, first) == 0;
        if (on && buffer_printf(&sql, err, "%s%s = ?%zu", comma, name, i + 1) != 0)
            return -1;
    }
    if (buffer_printf(&sql, err, " WHERE %s = ?1", table->columns[0].name) != 0)
        return -1;
    const char *text = buffer_text(&sql, err);
    if (text == NULL)
        return -1;
    if (run_with_row(store, table, text, row, &changed, err) != 0)
        return error_wrap(err, "%s", table->noun);
    if (changed == 0)
        return FAIL(err, ERROR_NOT_FOUND, 0, "there is no such %s", table->noun);
    return 0;
}

struct reading {
    const struct store_table *table;
    void *row; /* scratch for one */
    store_row_fn *each;
    void *ctx;
};

static int
on_row(void *ctx, sqlite3_stmt *at, struct error *err)
{
    const struct reading *r = ctx;

    memset(r->row, 0, r->table->row_size);
    for (size_t i = 0; i < r->table->count; i++)
        if (read_column(&r->table->columns[i], at, (int)i, r->row, err) != 0)
            return -1;
    return r->each(r->ctx, r->row, err);
}

int
store_table_each(struct store *store, const struct store_table *table, const struct store_query *tail,
                 store_row_fn *each, void *ctx, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer sql = BUFFER_INIT(SQL_MAX);

    for (size_t i = 0; i < table->count; i++)
        if (buffer_printf(&sql, err, "%s%s", i > 0 ? ", " : "SELECT ", table->columns[i].name) != 0)
            return -1;
    if (buffer_printf(&sql, err, " FROM %s %s", table->name, tail->sql) != 0)
        return -1;
    const char *text = buffer_text(&sql, err);
    if (text == NULL)
        return -1;
    struct reading r = { table, memory_new(table->row_size), each, ctx };
    int result = store_statement_each(store, &(struct store_query){ text, tail->values, tail->count }, on_row, &r, err);
    free(r.row);
    return result;
}

struct first {
    size_t size;
    void *row;
    bool found;
};

static int
on_first(void *ctx, const void *row, struct error *err)
{
    struct first *f = ctx;

    (void)err;
    if (!f->found)
        memcpy(f->row, row, f->size);
    f->found = true;
    return 0;
}

int
store_table_one(struct store *store, const struct store_table *table, const struct store_query *tail, const char *asked,
                void *row, struct error *err)
{
    struct first f = { table->row_size, row, false };

    if (store_table_each(store, table, tail, on_first, &f, err) != 0)
        return -1;
    if (!f.found)
        return asked != NULL ? FAIL(err, ERROR_NOT_FOUND, 0, "there is no %s %.80s", table->noun, asked)
                             : FAIL(err, ERROR_NOT_FOUND, 0, "there is no such %s", table->noun);
    return 0;
}

int
store_table_find_id(struct store *store, const struct store_table *table, const char *id, void *row, struct error *err)
{
    return store_table_one(store, table, STORE_QUERY("WHERE id = ?1", STORE_TEXT(id)), identifier_valid(id) ? id : NULL,
                           row, err);
}

int
store_table_find(struct store *store, const struct store_table *table, const char *id_or_name, void *row,
                 struct error *err)
{
    return store_table_one(
        store, table, STORE_QUERY("WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC LIMIT 1", STORE_TEXT(id_or_name)),
        store_name_valid(id_or_name) ? id_or_name : NULL, row, err);
}

int
store_table_delete(struct store *store, const struct store_table *table, const char *id, struct error *err)
{
    CLEANUP(memory_free_p) char *sql = memory_printf("DELETE FROM %s WHERE id = ?1", table->name);
    int changed = 0;

    if (store_statement_change(store, STORE_QUERY(sql, STORE_TEXT(id)), &changed, err) != 0)
        return error_wrap(err, "%s", table->noun);
    if (changed == 0)
        return FAIL(err, ERROR_NOT_FOUND, 0, "there is no such %s", table->noun);
    return 0;
}

int
store_table_list(struct store *store, const struct store_table *table, const struct store_listing *listing,
                 store_row_fn *each, void *ctx, struct error *err)
{
    static const char *const beyond[] = {
        [STORE_BY_NAME] = "(name, id) > (SELECT name, id FROM",
        [STORE_OLDEST_FIRST] = "seq > (SELECT seq FROM",
        [STORE_NEWEST_FIRST] = "seq < (SELECT seq FROM",
    };
    static const char *const order[] = {
        [STORE_BY_NAME] = "name, id",
        [STORE_OLDEST_FIRST] = "seq",
        [STORE_NEWEST_FIRST] = "seq DESC",
    };
    struct store_value values[16];
    size_t n = listing->where.count;
    unsigned limit = listing->page.limit;

    if (n > ARRAY_LEN(values) - 2)
        return FAIL(err, ERROR_INTERNAL, 0, "too many conditions on %s", table->name);
    for (size_t i = 0; i < n; i++)
        values[i] = listing->where.values[i];
    values[n] = (struct store_value)STORE_TEXT(listing->page.after != NULL ? listing->page.after : "");
    values[n + 1] = (struct store_value)STORE_INT(limit == 0 || limit > STORE_PAGE_MAX ? STORE_PAGE_MAX : limit);
    CLEANUP(memory_free_p)
    char *tail = memory_printf("WHERE (%s) AND (?%zu = '' OR %s %s WHERE id = ?%zu)) ORDER BY %s LIMIT ?%zu",
                               n > 0 ? listing->where.sql : "1", n + 1, beyond[listing->order], table->name, n + 1,
                               order[listing->order], n + 2);
    return store_table_each(store, table, &(struct store_query){ tail, values, n + 2 }, each, ctx, err);
}
