#include "transporter/restore/to_folder.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"
#include "transporter/restore/confined_dir.h"
#include "transporter/restore/open_format.h"
#include "transporter/restore/restore_report.h"
#include "transporter/restore/safe_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NUMBERS_MAX   10000
#define TEMPORARY_MAX 96

struct to_folder {
    struct restore_sink base;
    char *root, *below, *task_id;
    struct confined_dir *dir; /* for folders and the report */
    atomic_uint writers;      /* numbers their temporary files */
};

struct restore_writer {
    struct to_folder *sink;
    struct confined_dir *dir;
    struct digest *digest;
    char temporary[TEMPORARY_MAX]; /* in the folder itself; renamed into place when it is whole */
    const struct restore_item *item;
    int fd;
    uint64_t size;
};

static int
folder_fail(struct error *err, const char *what)
{
    int native = errno;
    return FAIL(err, error_kind_from_errno(native), native, "restore folder: %s: %s", what, strerror(native));
}

static int
on_folder(struct restore_sink *base, const struct restore_item *folder, struct error *err)
{
    struct to_folder *sink = (struct to_folder *)base;
    int fd;
    return confined_dir_enter(sink->dir, folder->path, &fd, NULL, 0, err);
}

static void
on_writer_close(struct restore_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->fd >= 0) {
        close(writer->fd);
        unlinkat(confined_dir_fd(writer->dir), writer->temporary, 0);
    }
    digest_free(writer->digest);
    confined_dir_close(writer->dir);
    free(writer);
}

static struct restore_writer *
on_writer_open(struct restore_sink *base, struct error *err)
{
    struct to_folder *sink = (struct to_folder *)base;
    struct confined_dir *dir = confined_dir_open(sink->root, sink->below, err);
    if (dir == NULL)
        return NULL;
    struct restore_writer *writer = MEMORY_NEW(struct restore_writer);
    writer->sink = sink;
    writer->dir = dir;
    writer->fd = -1;
    writer->digest = digest_new();
    snprintf(writer->temporary, sizeof(writer->temporary), ".longhaul-%s-%u.part", sink->task_id,
             atomic_fetch_add(&sink->writers, 1));
    return writer;
}

static int
on_begin(struct restore_writer *writer, const struct restore_item *item, struct error *err)
{
    int root = confined_dir_fd(writer->dir);
    uint8_t ignored[DIGEST_LEN];
    digest_final(writer->digest, ignored);
    writer->item = item;
    writer->size = 0;
    unlinkat(root, writer->temporary, 0);
    writer->fd = openat(root, writer->temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return writer->fd >= 0 ? 0 : folder_fail(err, "create a file");
}

static int
on_data(struct restore_writer *writer, const uint8_t *data, size_t len, struct error *err)
{
    digest_update(writer->digest, data, len);
    writer->size += len;
    while (len > 0) {
        ssize_t n = write(writer->fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return folder_fail(err, "write");
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static void
set_times(int fd, const struct catalog_item *record)
{
    int64_t ms = open_format_time(record);
    const struct timespec at = { .tv_sec = ms / 1000 - (ms % 1000 < 0),
                                 .tv_nsec = (ms % 1000 + 1000) % 1000 * 1000000 };
    const struct timespec both[2] = { at, at };
    (void)futimens(fd, both);
}

/* Whether the file there has these bytes already. */
static bool
is_same(int folder, const char *name, uint64_t size, const uint8_t sha256[DIGEST_LEN])
{
    struct stat st;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool same = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
    if (same) {
        uint8_t found[DIGEST_LEN];
        uint8_t block[16384];
        struct digest *digest = digest_new();
        ssize_t n;
        while ((n = read(fd, block, sizeof(block))) > 0)
            digest_update(digest, block, (size_t)n);
        digest_final(digest, found);
        digest_free(digest);
        same = n == 0 && memcmp(found, sha256, sizeof(found)) == 0;
    }
    close(fd);
    return same;
}

/* Gives the whole file its name, without ever replacing another. 1: it was there already. */
static int
place(struct restore_writer *writer, int folder, const uint8_t sha256[DIGEST_LEN], char used[SAFE_NAME_MAX + 1],
      struct error *err)
{
    char name[SAFE_NAME_MAX + 1];
    int root = confined_dir_fd(writer->dir);
    open_format_name(&writer->item->record, name);
    snprintf(used, SAFE_NAME_MAX + 1, "%s", name);
    for (unsigned number = 2; number <= NUMBERS_MAX; number++) {
        if (linkat(root, writer->temporary, folder, used, 0) == 0) {
            unlinkat(root, writer->temporary, 0);
            return 0;
        }
        if (errno != EEXIST)
            return folder_fail(err, "name a file");
        if (is_same(folder, used, writer->size, sha256)) {
            unlinkat(root, writer->temporary, 0);
            return 1;
        }
        safe_name_numbered(name, number, used);
    }
    return FAIL(err, ERROR_EXISTS, 0, "restore folder: more than %d files of one name", NUMBERS_MAX);
}

static int
report(struct restore_writer *writer, enum restore_outcome outcome, const char *path, const uint8_t *sha256,
       const struct error *failure, struct error *err)
{
    const struct restore_report_entry entry = {
        .key = writer->item->record.key,
        .kind = writer->item->record.kind,
        .outcome = outcome,
        .path = path,
        .sha256 = sha256,
        .size = writer->size,
        .reason = failure != NULL ? error_kind_name(failure->kind) : NULL,
        .detail = failure != NULL ? failure->text : NULL,
    };
    return restore_report_add(writer->sink->base.report, &entry, err);
}

static int
finish_file(struct restore_writer *writer, struct error *err)
{
    uint8_t sha256[DIGEST_LEN];
    char folder_path[CONFINED_DIR_PATH_MAX];
    char name[SAFE_NAME_MAX + 1];
    int folder;
    digest_final(writer->digest, sha256);
    set_times(writer->fd, &writer->item->record);
    if (confined_dir_enter(writer->dir, writer->item->path, &folder, folder_path, sizeof(folder_path), err) != 0)
        return -1;
    int placed = place(writer, folder, sha256, name, err);
    if (placed < 0)
        return -1;
    CLEANUP(memory_free_p) char *path = memory_printf("%s%s", folder_path, name);
    return report(writer, placed == 1 ? RESTORE_PRESENT : RESTORE_DONE, path, sha256, NULL, err);
}

static int
on_end(struct restore_writer *writer, const struct error *failure, struct error *err)
{
    int result = failure == NULL ? finish_file(writer, err)
                                 : report(writer, RESTORE_FAILED, writer->item->path, NULL, failure, err);
    if (failure != NULL)
        unlinkat(confined_dir_fd(writer->dir), writer->temporary, 0);
    close(writer->fd);
    writer->fd = -1;
    return result;
}

/* One sync for all: files that a crash takes away are restored again by the repetition. */
static int
on_finish(struct restore_sink *base, struct error *err)
{
    const struct to_folder *sink = (const struct to_folder *)base;
    return syncfs(confined_dir_fd(sink->dir)) == 0 ? 0 : folder_fail(err, "sync");
}

static void
on_close(struct restore_sink *base)
{
    struct to_folder *sink = (struct to_folder *)base;
    confined_dir_close(sink->dir);
    free(sink->root);
    free(sink->below);
    free(sink->task_id);
    free(sink);
}

static const struct restore_sink_vtable vtable = {
    .files = true,
    .folder = on_folder,
    .writer_open = on_writer_open,
    .writer_close = on_writer_close,
    .begin = on_begin,
    .data = on_data,
    .end = on_end,
    .finish = on_finish,
    .close = on_close,
};

/* What an earlier attempt at this task, that was killed, had not finished. */
static void
remove_leftovers(const struct to_folder *sink)
{
    CLEANUP(memory_free_p) char *prefix = memory_printf(".longhaul-%s-", sink->task_id);
    int fd = openat(confined_dir_fd(sink->dir), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    if (entries == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;)
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
            unlinkat(fd, entry->d_name, 0);
    closedir(entries);
}

struct restore_sink *
to_folder_open(const struct to_folder_options *options, struct error *err)
{
    struct confined_dir *dir = confined_dir_open(options->root, options->below, err);
    if (dir == NULL)
        return NULL;
    struct to_folder *sink = MEMORY_NEW(struct to_folder);
    sink->base.vtable = &vtable;
    sink->root = memory_strdup(options->root);
    sink->below = memory_strdup(options->below);
    sink->task_id = memory_strdup(options->task_id);
    sink->dir = dir;
    remove_leftovers(sink);
    return &sink->base;
}

int
to_folder_fd(const struct restore_sink *base)
{
    return confined_dir_fd(((const struct to_folder *)base)->dir);
}
