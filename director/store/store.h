#ifndef LONGHAUL_DIRECTOR_STORE_STORE_H
#define LONGHAUL_DIRECTOR_STORE_STORE_H

/* What the director remembers: one SQLite database (WAL, every commit synchronous, foreign keys, strict tables).
 * Each aggregate has a header of its own. Loop thread only; calls are short and inline.
 *
 * Conventions of the aggregates. Rows are plain structs of values; nothing in them points into the store. `_add`
 * fills in the id and the time of creation. Lookups answer ERROR_NOT_FOUND, a name or id that is taken
 * ERROR_EXISTS, a value that breaks a rule ERROR_USAGE, a row that others still refer to ERROR_CONFLICT. All times
 * are wall-clock milliseconds; 0 means "never" or "not yet". An empty id means "none". */

#include "common/base/identifier.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock;
struct error;
struct store;

#define STORE_NAME_LEN     65   /* name of something of ours, with the NUL: letters, digits, '.', '_', '-' */
#define STORE_TITLE_LEN    513  /* name of something of Microsoft's: any UTF-8 without control characters */
#define STORE_TEXT_LEN     513  /* one line for an operator */
#define STORE_SELECTOR_LEN 1025 /* "key=value,..." */
#define STORE_LABEL_LEN    64   /* key or value of a label, with the NUL: charset of a name */
#define STORE_LABELS_MAX   16
#define STORE_JSON_MAX     ((size_t)16 << 10)
#define STORE_PAGE_MAX     1000 /* rows a list hands out at the most */

#define STORE_LABELS_TEXT_LEN (STORE_LABELS_MAX * 2 * STORE_LABEL_LEN + 1)

/* Opens or creates the database (mode 0600) and brings its schema up to date. A database made by a newer program is
 * refused with ERROR_CONFIG. clock is borrowed. */
struct store *store_open(const char *path, const struct clock *clock, struct error *err);
void store_close(struct store *store);
/* A consistent copy into a new file while the store is in use; durable when it returns. ERROR_EXISTS. */
int store_backup(struct store *store, const char *path, struct error *err);
/* PRAGMA quick_check; ERROR_CORRUPT with SQLite's first complaint. */
int store_check(struct store *store, struct error *err);

const struct clock *store_clock(const struct store *store);

/* Several changes as one. They nest: only the outermost commits; a rollback inside dooms the whole. */
int store_begin(struct store *store, struct error *err);
/* After a failure the transaction is rolled back already. */
int store_commit(struct store *store, struct error *err);
void store_rollback(struct store *store);

/* Where a list goes on: after the row with this id (NULL or "": from the start), at most `limit` rows (0, or more
 * than STORE_PAGE_MAX: STORE_PAGE_MAX). */
struct store_page {
    const char *after;
    unsigned limit;
};

struct store_label {
    char key[STORE_LABEL_LEN];
    char value[STORE_LABEL_LEN];
};

struct store_labels {
    size_t count;
    struct store_label at[STORE_LABELS_MAX];
};

/* "key=value,key=value": how labels are written, stored and asked for. Empty text: none. ERROR_USAGE when it is not
 * that, a key comes twice, or there are more than STORE_LABELS_MAX. */
int store_labels_parse(const char *text, struct store_labels *labels, struct error *err);
void store_labels_format(const struct store_labels *labels, char out[STORE_LABELS_TEXT_LEN]);

/* 1 to STORE_NAME_LEN - 1 letters, digits, '.', '_', '-', the first one a letter or digit. */
bool store_name_valid(const char *name);
/* ERROR_USAGE when it is not; what: "tenant", "vault", ... */
int store_name_check(const char *what, const char *name, struct error *err);
/* Bounded, valid UTF-8, no control characters. */
bool store_title_valid(const char *title, size_t size);

#endif
