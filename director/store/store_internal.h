#ifndef LONGHAUL_DIRECTOR_STORE_STORE_INTERNAL_H
#define LONGHAUL_DIRECTOR_STORE_STORE_INTERNAL_H

/* What the aggregates share: prepared statements with bound values, and tables whose columns are declared once, so
 * that reading, adding and updating rows come from the same list. */

#include "common/base/error.h"
#include "common/base/memory.h"
#include "director/store/store.h"

#include <sqlite3.h>

struct store_statement;

struct store {
    sqlite3 *db;
    const struct clock *clock;
    struct store_statement *statements; /* prepared ones by their text */
    unsigned depth;                     /* of transactions */
    bool doomed;                        /* an inner one was rolled back */
};

/* --- store_statement.c --- */

struct store_value {
    enum { STORE_VALUE_INT, STORE_VALUE_TEXT, STORE_VALUE_BLOB, STORE_VALUE_NULL } kind;
    int64_t number;
    const char *text;
    const void *blob;
    size_t len;
};

#define STORE_INT(v)                                                                                                   \
    {                                                                                                                  \
        .kind = STORE_VALUE_INT, .number = (int64_t)(v)                                                                \
    }
#define STORE_TEXT(v)                                                                                                  \
    {                                                                                                                  \
        .kind = STORE_VALUE_TEXT, .text = (v)                                                                          \
    }
#define STORE_BLOB(v, n)                                                                                               \
    {                                                                                                                  \
        .kind = STORE_VALUE_BLOB, .blob = (v), .len = (n)                                                              \
    }
/* NULL when the text is empty: references to nothing. */
#define STORE_REF(v)                                                                                                   \
    {                                                                                                                  \
        .kind = (v)[0] != '\0' ? STORE_VALUE_TEXT : STORE_VALUE_NULL, .text = (v)                                      \
    }

/* SQL with its values; ?1 is the first one. */
struct store_query {
    const char *sql;
    const struct store_value *values;
    size_t count;
};
#define STORE_QUERY(text, ...)                                                                                         \
    &(const struct store_query)                                                                                        \
    {                                                                                                                  \
        (text), (const struct store_value[]){ __VA_ARGS__ },                                                           \
            sizeof((const struct store_value[]){ __VA_ARGS__ }) / sizeof(struct store_value)                           \
    }

/* Runs it for each row; -1 from row ends it with its error. */
int store_statement_each(struct store *store, const struct store_query *query,
                         int (*row)(void *ctx, sqlite3_stmt *at, struct error *err), void *ctx, struct error *err);
/* *changed (may be NULL): rows changed. A broken reference is ERROR_CONFLICT. */
int store_statement_change(struct store *store, const struct store_query *query, int *changed, struct error *err);
/* The first column of the first row; ERROR_NOT_FOUND without one. */
int store_statement_number(struct store *store, const struct store_query *query, int64_t *number, struct error *err);
int store_statement_fail(struct store *store, int code, struct error *err);
void store_statement_free_all(struct store *store);

/* --- store_table.c --- */

enum store_column_type {
    STORE_COLUMN_TEXT, /* char array */
    STORE_COLUMN_REF,  /* char array; empty is NULL */
    STORE_COLUMN_I64,
    STORE_COLUMN_U64,
    STORE_COLUMN_UINT, /* unsigned, and enums */
    STORE_COLUMN_BOOL,
    STORE_COLUMN_BYTES, /* uint8_t array, all of it */
    STORE_COLUMN_LABELS
};

struct store_column {
    const char *name;
    enum store_column_type type;
    size_t offset, size;
};
#define STORE_COLUMN(kind, row, field)                                                                                 \
    {                                                                                                                  \
#field, STORE_COLUMN_##kind, offsetof(struct row, field), sizeof(((struct row *)0)->field)                     \
    }
#define STORE_COLUMN_AS(kind, row, field, column)                                                                      \
    {                                                                                                                  \
        column, STORE_COLUMN_##kind, offsetof(struct row, field), sizeof(((struct row *)0)->field)                     \
    }

/* The first column is the id. Every table also has `seq`, its INTEGER PRIMARY KEY. */
struct store_table {
    const char *name;
    const char *noun; /* in errors: "vault" */
    const struct store_column *columns;
    size_t count;
    size_t row_size;
};
#define STORE_TABLE(name_, noun_, columns_, row)                                                                       \
    {                                                                                                                  \
        (name_), (noun_), (columns_), sizeof(columns_) / sizeof((columns_)[0]), sizeof(struct row)                     \
    }

typedef int store_row_fn(void *ctx, const void *row, struct error *err);

/* A reference to nothing is ERROR_NOT_FOUND, a taken id or name ERROR_EXISTS. */
int store_table_insert(struct store *store, const struct store_table *table, const void *row, struct error *err);
/* Columns from the one called `first` to the last. ERROR_NOT_FOUND. */
int store_table_update(struct store *store, const struct store_table *table, const char *first, const void *row,
                       struct error *err);
/* tail->sql follows "SELECT ... FROM table ": "WHERE name = ?1". */
int store_table_each(struct store *store, const struct store_table *table, const struct store_query *tail,
                     store_row_fn *each, void *ctx, struct error *err);
/* The first row; ERROR_NOT_FOUND names `asked` (NULL: names nothing). */
int store_table_one(struct store *store, const struct store_table *table, const struct store_query *tail,
                    const char *asked, void *row, struct error *err);
/* By id, else by the column `name`. */
int store_table_find(struct store *store, const struct store_table *table, const char *id_or_name, void *row,
                     struct error *err);
int store_table_find_id(struct store *store, const struct store_table *table, const char *id, void *row,
                        struct error *err);
int store_table_delete(struct store *store, const struct store_table *table, const char *id, struct error *err);

enum store_order { STORE_BY_NAME, STORE_OLDEST_FIRST, STORE_NEWEST_FIRST };

/* where->sql is a condition over where->values ("tenant = ?1"). */
struct store_listing {
    enum store_order order;
    struct store_query where;
    struct store_page page;
};
int store_table_list(struct store *store, const struct store_table *table, const struct store_listing *listing,
                     store_row_fn *each, void *ctx, struct error *err);

/* Defines `name`, a store_row_fn that hands rows on to a callback of the aggregate's own type. */
#define STORE_EACH(name, row_type)                                                                                     \
    struct name {                                                                                                      \
        int (*each)(void *ctx, const struct row_type *row, struct error *err);                                         \
        void *ctx;                                                                                                     \
    };                                                                                                                 \
    static int name(void *ctx, const void *row, struct error *err)                                                     \
    {                                                                                                                  \
        const struct name *to = ctx;                                                                                   \
        return to->each(to->ctx, row, err);                                                                            \
    }                                                                                                                  \
    struct name

/* --- store_migrations.c --- */

extern const char *const store_migrations[];
extern const size_t store_migrations_count;

/* --- small helpers --- */

/* Copies text into a field of fixed size; ERROR_LIMIT when it does not fit. */
int store_text_set(char *field, size_t size, const char *text, struct error *err);
/* Fills in a new id when the field is empty; ERROR_USAGE when a given one is no identifier. */
int store_id_fill(struct store *store, const char *prefix, char id[IDENTIFIER_LEN], struct error *err);

#endif
