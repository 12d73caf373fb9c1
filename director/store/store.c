#include "common/base/clock.h"
#include "common/base/log.h"
#include "director/store/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 5000

static int
exec(struct store *store, const char *sql, struct error *err)
{
    int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? 0 : store_statement_fail(store, code, err);
}

/* The file is made by us first, so that its mode never is a wider one. */
static int
create_private(const char *path, struct error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return FAIL(err, error_kind_from_errno(errno), errno, "open %s: %s", path, strerror(errno));
    int result = 0;
    if (fchmod(fd, 0600) != 0)
        result = FAIL(err, error_kind_from_errno(errno), errno, "chmod %s: %s", path, strerror(errno));
    close(fd);
    return result;
}

static int
sync_folder_of(const char *path, struct error *err)
{
    CLEANUP(memory_free_p) char *folder = memory_strdup(path);
    char *slash = strrchr(folder, '/');

    if (slash != NULL)
        slash[slash == folder ? 1 : 0] = '\0';
    int fd = open(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        int result = FAIL(err, error_kind_from_errno(errno), errno, "sync the folder: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return result;
    }
    close(fd);
    return 0;
}

static int
migrate(struct store *store, struct error *err)
{
    int64_t version = 0;

    if (store_statement_number(store, &(struct store_query){ "PRAGMA user_version", NULL, 0 }, &version, err) != 0)
        return -1;
    if (version < 0 || (size_t)version > store_migrations_count)
        return FAIL(err, ERROR_CONFIG, 0, "the database has version %lld, this program knows up to %zu: upgrade it",
                    (long long)version, store_migrations_count);
    for (size_t i = (size_t)version; i < store_migrations_count; i++) {
        CLEANUP(memory_free_p) char *mark = memory_printf("PRAGMA user_version = %zu", i + 1);
        if (store_begin(store, err) != 0)
            return -1;
        if (exec(store, store_migrations[i], err) != 0 || exec(store, mark, err) != 0) {
            store_rollback(store);
            return error_wrap(err, "migration %zu", i + 1);
        }
        if (store_commit(store, err) != 0)
            return -1;
    }
    return 0;
}

struct store *
store_open(const char *path, const struct clock *clock, struct error *err)
{
    struct store *store = MEMORY_NEW(struct store);

    store->clock = clock;
    if (create_private(path, err) != 0)
        goto fail;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int code = sqlite3_open_v2(path, &store->db, flags, NULL);
    if (code != SQLITE_OK) {
        FAIL(err, ERROR_IO, code, "open %s: %s", path, sqlite3_errstr(code));
        goto fail;
    }
    sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (exec(store,
             "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
             " PRAGMA secure_delete = FAST; PRAGMA temp_store = MEMORY",
             err) != 0 ||
        migrate(store, err) != 0) {
        error_wrap(err, "database %s", path);
        goto fail;
    }
    return store;
fail:
    store_close(store);
    return NULL;
}

void
store_close(struct store *store)
{
    if (store == NULL)
        return;
    store_statement_free_all(store);
    int code = sqlite3_close(store->db);
    if (code != SQLITE_OK)
        log_warn("store", "database not closed cleanly code=%d", code);
    free(store);
}

const struct clock *
store_clock(const struct store *store)
{
    return store->clock;
}

static int
copy_all(struct store *store, sqlite3 *to, struct error *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", store->db, "main");

    if (backup == NULL)
        return FAIL(err, ERROR_IO, sqlite3_extended_errcode(to), "%s", sqlite3_errmsg(to));
    int code = sqlite3_backup_step(backup, -1);
    int end = sqlite3_backup_finish(backup);
    if (code != SQLITE_DONE || end != SQLITE_OK)
        return FAIL(err, code == SQLITE_FULL ? ERROR_NO_SPACE : ERROR_IO, code, "%s", sqlite3_errstr(code));
    return 0;
}

/* The copy is made beside its final name and appears there whole. */
int
store_backup(struct store *store, const char *path, struct error *err)
{
    CLEANUP(memory_free_p) char *partial = memory_printf("%s.partial", path);
    sqlite3 *to = NULL;
    struct stat st;

    if (lstat(path, &st) == 0)
        return FAIL(err, ERROR_EXISTS, 0, "%s exists already", path);
    (void)unlink(partial);
    if (create_private(partial, err) != 0)
        return -1;
    int code = sqlite3_open_v2(partial, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    int result = code == SQLITE_OK ? copy_all(store, to, err) : FAIL(err, ERROR_IO, code, "%s", sqlite3_errstr(code));
    /* A copy in one file: without the -wal and -shm that the mode of the original would bring. */
    if (result == 0 && (code = sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL)) != SQLITE_OK)
        result = FAIL(err, ERROR_IO, code, "%s", sqlite3_errmsg(to));
    sqlite3_close(to);
    if (result == 0 && link(partial, path) != 0)
        result = FAIL(err, error_kind_from_errno(errno), errno, "%s", strerror(errno));
    (void)unlink(partial);
    if (result == 0)
        result = sync_folder_of(path, err);
    return result == 0 ? 0 : error_wrap(err, "copy of the database to %s", path);
}

static int
on_check_row(void *ctx, sqlite3_stmt *at, struct error *err)
{
    const char *text = (const char *)sqlite3_column_text(at, 0);

    (void)ctx;
    if (text != NULL && strcmp(text, "ok") == 0)
        return 0;
    return FAIL(err, ERROR_CORRUPT, 0, "the director's database is damaged: %s", text != NULL ? text : "");
}

int
store_check(struct store *store, struct error *err)
{
    return store_statement_each(store, &(struct store_query){ "PRAGMA quick_check(1)", NULL, 0 }, on_check_row, NULL,
                                err);
}

int
store_begin(struct store *store, struct error *err)
{
    if (store->depth == 0) {
        if (exec(store, "BEGIN IMMEDIATE", err) != 0)
            return -1;
        store->doomed = false;
    }
    store->depth++;
    return 0;
}

int
store_commit(struct store *store, struct error *err)
{
    if (store->doomed) {
        store_rollback(store);
        return FAIL(err, ERROR_INTERNAL, 0, "a part of the change was taken back");
    }
    if (store->depth > 1) {
        store->depth--;
        return 0;
    }
    if (exec(store, "COMMIT", err) != 0) {
        store_rollback(store);
        return -1;
    }
    store->depth = 0;
    return 0;
}

void
store_rollback(struct store *store)
{
    if (store->depth == 0)
        return;
    store->doomed = true;
    if (--store->depth > 0)
        return;
    /* SQLite has rolled back by itself after some failures; then there is nothing to do. */
    if (sqlite3_get_autocommit(store->db) == 0)
        (void)exec(store, "ROLLBACK", NULL);
}
