/* The vault engine alone: a folder into a local vault and back, no network.
 *
 *   bench_engine backup  FOLDER VAULT [WRITERS [FEEDERS]]   prints the points' ids last
 *   bench_engine restore VAULT POINT FOLDER
 *
 * With several writers (as many tasks have at a time) each stores its share of the files and commits its own point,
 * fed by FEEDERS threads (2), with the memory that vault_writer_options_for() gives it. Prints seconds, CPU seconds,
 * MB/s and stored bytes, to be put beside other tools on the same bytes. */

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/vault/catalog_edit.h"
#include "common/vault/point.h"
#include "common/vault/vault.h"
#include "common/vault/vault_reader.h"
#include "common/vault/vault_writer.h"
#include "transporter/host/vault_host.h"
#include "transporter/restore/restore_window.h"
#include "transporter/storage/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define VAULT_ID      "vault-bench"
#define FEEDERS       2
#define PULLERS       4 /* as pipeline.threads */
#define PULLER_CACHE  ((size_t)8 << 20)
#define PULL_ITEMS    1024 /* at a time, as a restore's batches */
#define PULL_BYTES    ((uint64_t)128 << 20)
#define MOST_WRITERS  16
#define CATALOG_CACHE ((size_t)4 << 20)
#define MOST_FEEDERS  16
#define BLOCK         ((size_t)256 << 10)

static void
die(const struct error *err)
{
    fprintf(stderr, "bench_engine: %s (%s)\n", err->text, error_kind_name(err->kind));
    exit(1);
}

struct engine {
    struct storage *storage;
    struct vault_host *host;
    struct vault *vault;
};

static void
engine_open(struct engine *engine, const char *path, bool create)
{
    struct error err = ERROR_INIT;
    const struct clock *clock = clock_system();
    char *location = memory_printf("{\"driver\":\"local\",\"create\":true,\"path\":\"%s\"}", path);
    char *state = memory_printf("%s.state", path);
    struct vault_host_options options = { .vault_id = VAULT_ID, .state_dir = state };
    struct secret *password = secret_new("bench", 5, &err);
    engine->storage = storage_open(location, strlen(location), clock, create, &err);
    engine->host = engine->storage == NULL ? NULL : vault_host_open(engine->storage, clock, &options, &err);
    if (engine->host == NULL)
        die(&err);
    struct vault_backend backend = vault_host_backend(engine->host);
    if (create && vault_create(backend, clock, VAULT_ID, password, NULL, &err) != 0)
        die(&err);
    engine->vault = vault_open(backend, clock, VAULT_ID, password, &err);
    if (engine->vault == NULL)
        die(&err);
    secret_free(password);
    free(location);
    free(state);
}

static void
engine_close(struct engine *engine)
{
    vault_close(engine->vault);
    vault_host_close(engine->host);
    storage_close(engine->storage);
}

static double
seconds_now(void)
{
    return (double)clock_monotonic_ms(clock_system()) / 1000;
}

static void
report(const char *what, double started, uint64_t bytes)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    double wall = seconds_now() - started;
    double user = (double)use.ru_utime.tv_sec + (double)use.ru_utime.tv_usec / 1e6;
    double system = (double)use.ru_stime.tv_sec + (double)use.ru_stime.tv_usec / 1e6;
    printf("%s: %.2f s wall, %.2f CPU s (%.2f user, %.2f system), %.0f MB/s, peak %ld MiB\n", what, wall, user + system,
           user, system, (double)bytes / 1e6 / wall, use.ru_maxrss / 1024);
}

static struct {
    char **path;
    size_t count, capacity, root_len;
} files;

static int
on_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    if (type != FTW_F)
        return 0;
    if (files.count == files.capacity) {
        files.capacity = files.capacity == 0 ? 1024 : files.capacity * 2;
        files.path = realloc(files.path, files.capacity * sizeof(char *));
        if (files.path == NULL)
            abort();
    }
    files.path[files.count++] = memory_strdup(path);
    return 0;
}

static int
compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct backup {
    unsigned number;
    struct vault_reader *reader;
    struct vault_writer *writer;
    struct catalog_edit *edit;
    pthread_mutex_t lock;
    size_t next, end; /* positions in files */
    uint64_t bytes;
    char point[IDENTIFIER_LEN];
};

static int
store_file(struct backup *backup, const char *path, bool message, struct content_ref *ref, struct stat *st,
           struct error *err)
{
    uint8_t *block = malloc(BLOCK);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (block == NULL || fd < 0 || fstat(fd, st) != 0)
        return FAIL(err, ERROR_IO, errno, "%s: %s", path, strerror(errno));
    struct vault_stream *stream = vault_stream_begin(backup->writer, message ? VAULT_MESSAGE : VAULT_FILE, err);
    int failed = stream == NULL ? -1 : 0;
    ssize_t n;
    while (failed == 0 && (n = read(fd, block, BLOCK)) > 0)
        failed = vault_stream_write(stream, block, (size_t)n, err);
    close(fd);
    free(block);
    if (failed != 0) {
        vault_stream_abort(stream);
        return -1;
    }
    return vault_stream_end(stream, ref, err);
}

static void *
feed(void *arg)
{
    struct backup *backup = arg;
    for (;;) {
        struct error err = ERROR_INIT;
        struct stat st;
        struct catalog_key_buffer key;
        pthread_mutex_lock(&backup->lock);
        const char *path = backup->next < backup->end ? files.path[backup->next++] : NULL;
        pthread_mutex_unlock(&backup->lock);
        if (path == NULL)
            return NULL;
        const char *name = path + files.root_len + 1;
        size_t len = strlen(name);
        bool message = len > 4 && strcmp(name + len - 4, ".eml") == 0;
        struct catalog_item item = { .kind = message ? CATALOG_MESSAGE : CATALOG_FILE };
        if (store_file(backup, path, message, &item.content, &st, &err) != 0 ||
            catalog_key_make(item.kind, len > 400 ? name + len - 400 : name, len > 400 ? 400 : len, &key, &err) != 0)
            die(&err);
        item.key = catalog_key_of(&key);
        item.name = name;
        item.size = (uint64_t)st.st_size;
        item.received_ms = item.modified_ms = (int64_t)st.st_mtime * 1000;
        pthread_mutex_lock(&backup->lock);
        backup->bytes += item.size;
        if (catalog_edit_put(backup->edit, &item, &err) != 0)
            die(&err);
        pthread_mutex_unlock(&backup->lock);
    }
}

static void
begin_backup(struct backup *backup, struct vault *vault, unsigned writers)
{
    struct error err = ERROR_INIT;
    struct vault_writer_options options = vault_writer_options_for(writers);
    pthread_mutex_init(&backup->lock, NULL);
    backup->reader = vault_reader_open(vault, CATALOG_CACHE, &err);
    backup->writer = vault_writer_open(vault, &options, &err);
    backup->edit = backup->writer == NULL ? NULL : catalog_edit_begin(backup->reader, backup->writer, NULL, NULL, &err);
    if (backup->edit == NULL)
        die(&err);
}

static void
commit_backup(struct backup *backup, struct vault *vault, struct vault_writer_progress *sum)
{
    struct error err = ERROR_INIT;
    struct point point = { .header.fence = 1 };
    struct vault_writer_progress progress;
    snprintf(point.header.scope, sizeof(point.header.scope), "object-bench-%u", backup->number);
    identifier_new(clock_system(), "point", point.header.id);
    point.header.created_ms = clock_wall_ms(clock_system());
    if (catalog_edit_commit(backup->edit, &point.catalog, NULL, &err) != 0 ||
        point_commit(vault, backup->writer, &point, "cursor", 6, &err) != 0)
        die(&err);
    vault_writer_progress(backup->writer, &progress);
    sum->bytes_in += progress.bytes_in;
    sum->bytes_new += progress.bytes_new;
    sum->bytes_stored += progress.bytes_stored;
    sum->packs += progress.packs;
    sum->chunks += progress.chunks;
    sum->chunks_known += progress.chunks_known;
    memcpy(backup->point, point.header.id, sizeof(backup->point));
    catalog_edit_free(backup->edit);
    vault_writer_close(backup->writer);
    vault_reader_close(backup->reader);
}

static void
run_backup(const char *folder, const char *vault_path, unsigned writers, unsigned feeders)
{
    struct engine engine;
    struct backup backups[MOST_WRITERS] = { 0 };
    pthread_t threads[MOST_WRITERS][MOST_FEEDERS];
    struct vault_writer_progress sum = { 0 };
    uint64_t bytes = 0;
    engine_open(&engine, vault_path, true);
    double started = seconds_now();
    files.root_len = strlen(folder);
    if (nftw(folder, on_file, 64, FTW_PHYS) != 0)
        exit(1);
    qsort(files.path, files.count, sizeof(char *), compare_paths);
    for (unsigned w = 0; w < writers; w++) {
        backups[w].number = w;
        backups[w].next = files.count * w / writers;
        backups[w].end = files.count * (w + 1) / writers;
        begin_backup(&backups[w], engine.vault, writers);
        for (unsigned i = 0; i < feeders; i++)
            pthread_create(&threads[w][i], NULL, feed, &backups[w]);
    }
    for (unsigned w = 0; w < writers; w++) {
        for (unsigned i = 0; i < feeders; i++)
            pthread_join(threads[w][i], NULL);
        commit_backup(&backups[w], engine.vault, &sum);
        bytes += backups[w].bytes;
    }
    report("backup", started, bytes);
    printf("files %zu, bytes %.1f MB, taken apart %.1f MB, new %.1f MB, stored %.1f MB in %llu packs, chunks %llu, "
           "known %llu\n",
           files.count, (double)bytes / 1e6, (double)sum.bytes_in / 1e6, (double)sum.bytes_new / 1e6,
           (double)sum.bytes_stored / 1e6, (unsigned long long)sum.packs, (unsigned long long)sum.chunks,
           (unsigned long long)sum.chunks_known);
    for (unsigned w = 0; w < writers; w++)
        printf("%s\n", backups[w].point);
    engine_close(&engine);
}

struct restore {
    const char *folder;
    struct vault_read *reads;
    size_t count, capacity;
    size_t next;
    pthread_mutex_t lock;
    uint64_t bytes;
    struct vault *vault;
};

struct target {
    char *path;
    int fd;
};

static int
on_item(void *ctx, const struct catalog_item *item, struct error *err)
{
    struct restore *restore = ctx;
    (void)err;
    if (restore->count == restore->capacity) {
        restore->capacity = restore->capacity == 0 ? 1024 : restore->capacity * 2;
        restore->reads = realloc(restore->reads, restore->capacity * sizeof(restore->reads[0]));
        if (restore->reads == NULL)
            abort();
    }
    struct target *target = MEMORY_NEW(struct target);
    target->path = memory_printf("%s/%s", restore->folder, item->name);
    restore->reads[restore->count++] = (struct vault_read){ item->content, target };
    restore->bytes += item->size;
    return 0;
}

static void
make_folders(char *path)
{
    for (char *slash = path; (slash = strchr(slash + 1, '/')) != NULL;) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
}

static int
on_begin(void *batch, struct vault_read *read, struct error *err)
{
    (void)batch;
    struct target *target = read->ctx;
    target->fd = open(target->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (target->fd < 0 && errno == ENOENT) {
        make_folders(target->path);
        target->fd = open(target->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    }
    return target->fd < 0 ? FAIL(err, ERROR_IO, errno, "%s: %s", target->path, strerror(errno)) : 0;
}

static int
on_data(void *batch, struct vault_read *read, const uint8_t *data, size_t len, struct error *err)
{
    (void)batch;
    struct target *target = read->ctx;
    return write(target->fd, data, len) == (ssize_t)len ? 0 : FAIL(err, ERROR_IO, errno, "%s", strerror(errno));
}

static int
on_end(void *batch, struct vault_read *read, const struct error *failure, struct error *err)
{
    (void)batch;
    (void)err;
    struct target *target = read->ctx;
    close(target->fd);
    if (failure != NULL)
        fprintf(stderr, "%s: %s\n", target->path, failure->text);
    return 0;
}

static const struct vault_batch_vtable batch_vtable = { on_begin, on_data, on_end };

/* The next contents that stand together. */
static size_t
next_pull(struct restore *restore, size_t *at)
{
    size_t n = 0;
    pthread_mutex_lock(&restore->lock);
    *at = restore->next;
    for (uint64_t bytes = 0; *at + n < restore->count && n < PULL_ITEMS && bytes < PULL_BYTES; n++)
        bytes += restore->reads[*at + n].ref.len;
    restore->next += n;
    pthread_mutex_unlock(&restore->lock);
    return n;
}

static void *
pull(void *arg)
{
    struct restore *restore = arg;
    struct error err = ERROR_INIT;
    struct vault_reader *reader = vault_reader_open(restore->vault, PULLER_CACHE, &err);
    size_t at;
    for (size_t n; (n = next_pull(restore, &at)) > 0;)
        if (vault_reader_batch(reader, restore->reads + at, n, &batch_vtable, restore, &err) != 0)
            die(&err);
    vault_reader_close(reader);
    return NULL;
}

/* In windows, as a restore's plan does. */
static void
sort_reads(const struct restore *restore, struct vault_reader *reader)
{
    struct error err = ERROR_INIT;
    for (size_t at = 0; at < restore->count; at += RESTORE_WINDOW_ITEMS) {
        size_t left = restore->count - at;
        if (vault_reader_sort(reader, restore->reads + at, left < RESTORE_WINDOW_ITEMS ? left : RESTORE_WINDOW_ITEMS,
                              &err) != 0)
            die(&err);
    }
}

static void
run_restore(const char *vault_path, const char *point_id, const char *folder)
{
    struct error err = ERROR_INIT;
    struct engine engine;
    struct point point;
    pthread_t threads[PULLERS];
    engine_open(&engine, vault_path, false);
    double started = seconds_now();
    struct restore restore = { .folder = folder, .lock = PTHREAD_MUTEX_INITIALIZER, .vault = engine.vault };
    struct vault_reader *reader = vault_reader_open(engine.vault, 0, &err);
    if (point_read(engine.vault, point_id, &point, &err) != 0)
        die(&err);
    struct catalog *catalog = catalog_open(reader, &point.catalog);
    if (catalog_walk(catalog, (struct catalog_key){ NULL, 0 }, on_item, &restore, &err) != 0)
        die(&err);
    sort_reads(&restore, reader);
    for (int i = 0; i < PULLERS; i++)
        pthread_create(&threads[i], NULL, pull, &restore);
    for (int i = 0; i < PULLERS; i++)
        pthread_join(threads[i], NULL);
    report("restore", started, restore.bytes);
    catalog_close(catalog);
    vault_reader_close(reader);
    engine_close(&engine);
}

int
main(int argc, char **argv)
{
    memory_prepare_process();
    unsigned writers = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 1;
    unsigned feeders = argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : FEEDERS;
    if (argc >= 4 && argc <= 6 && strcmp(argv[1], "backup") == 0 && writers >= 1 && writers <= MOST_WRITERS &&
        feeders >= 1 && feeders <= MOST_FEEDERS)
        run_backup(argv[2], argv[3], writers, feeders);
    else if (argc == 5 && strcmp(argv[1], "restore") == 0)
        run_restore(argv[2], argv[3], argv[4]);
    else {
        fprintf(stderr, "bench_engine backup FOLDER VAULT [WRITERS [FEEDERS]] | restore VAULT POINT FOLDER\n");
        return 64;
    }
    return 0;
}
