#include "transporter/link/finished_journal.h"

#include "common/base/error.h"
#include "common/base/identifier.h"
#include "common/base/log.h"
#include "common/base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MESSAGE_MAX  ((size_t)64 << 10)
#define NAME_MAX_LEN 96
#define TEMPORARY    ".new"

struct finished_journal {
    pthread_mutex_t lock;
    int folder;
};

static int
journal_fail(struct error *err, const char *what)
{
    int native = errno;
    return FAIL(err, error_kind_from_errno(native), native, "task results in state_dir: %s: %s", what,
                strerror(native));
}

struct finished_journal *
finished_journal_open(const char *folder, struct error *err)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        journal_fail(err, "make the folder");
        return NULL;
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        journal_fail(err, "open the folder");
        return NULL;
    }
    struct finished_journal *journal = MEMORY_NEW(struct finished_journal);
    pthread_mutex_init(&journal->lock, NULL);
    journal->folder = fd;
    unlinkat(fd, TEMPORARY, 0);
    return journal;
}

void
finished_journal_close(struct finished_journal *journal)
{
    if (journal == NULL)
        return;
    close(journal->folder);
    pthread_mutex_destroy(&journal->lock);
    free(journal);
}

static void
name_of(const char *task_id, uint64_t fence, char out[NAME_MAX_LEN])
{
    snprintf(out, NAME_MAX_LEN, "%s.%" PRIu64, task_id, fence);
}

static int
write_durable(int fd, const uint8_t *data, size_t len, struct error *err)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return journal_fail(err, "write");
        data += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0 ? 0 : journal_fail(err, "sync");
}

static int
put_locked(struct finished_journal *journal, const char *name, const void *message, size_t len, struct error *err)
{
    int fd = openat(journal->folder, TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return journal_fail(err, "create");
    int result = write_durable(fd, message, len, err);
    close(fd);
    if (result != 0)
        return -1;
    if (renameat(journal->folder, TEMPORARY, journal->folder, name) != 0 || fsync(journal->folder) != 0)
        return journal_fail(err, "rename");
    return 0;
}

int
finished_journal_put(struct finished_journal *journal, const char *task_id, uint64_t fence, const void *message,
                     size_t len, struct error *err)
{
    if (len > MESSAGE_MAX || !identifier_valid(task_id))
        return FAIL(err, ERROR_LIMIT, 0, "task results in state_dir: a result of %zu bytes cannot be kept", len);
    char name[NAME_MAX_LEN];
    name_of(task_id, fence, name);
    pthread_mutex_lock(&journal->lock);
    int result = put_locked(journal, name, message, len, err);
    pthread_mutex_unlock(&journal->lock);
    return result;
}

void
finished_journal_remove(struct finished_journal *journal, const char *task_id, uint64_t fence)
{
    char name[NAME_MAX_LEN];
    name_of(task_id, fence, name);
    pthread_mutex_lock(&journal->lock);
    unlinkat(journal->folder, name, 0);
    pthread_mutex_unlock(&journal->lock);
}

/* *message NULL: it is gone meanwhile. */
static int
read_message(struct finished_journal *journal, const char *name, uint8_t **message, size_t *len, struct error *err)
{
    *message = NULL;
    int fd = openat(journal->folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : journal_fail(err, "open");
    uint8_t *data = memory_new(MESSAGE_MAX);
    size_t at = 0;
    ssize_t n;
    while ((n = read(fd, data + at, MESSAGE_MAX - at)) > 0)
        at += (size_t)n;
    close(fd);
    if (n < 0) {
        free(data);
        return journal_fail(err, "read");
    }
    *message = data;
    *len = at;
    return 0;
}

int
finished_journal_each(struct finished_journal *journal,
                      int (*fn)(void *ctx, const uint8_t *message, size_t len, struct error *err), void *ctx,
                      struct error *err)
{
    int fd = openat(journal->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    if (entries == NULL) {
        journal_fail(err, "list");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    int result = 0;
    for (struct dirent *entry; result == 0 && (entry = readdir(entries)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        CLEANUP(memory_free_p) uint8_t *message = NULL;
        size_t len = 0;
        result = read_message(journal, entry->d_name, &message, &len, err);
        if (result == 0 && message != NULL)
            result = fn(ctx, message, len, err);
    }
    closedir(entries);
    return result;
}

static int
on_any(void *ctx, const uint8_t *message, size_t len, struct error *err)
{
    (void)message;
    (void)len;
    (void)err;
    *(bool *)ctx = true;
    return -1;
}

bool
finished_journal_is_empty(struct finished_journal *journal)
{
    bool any = false;
    (void)finished_journal_each(journal, on_any, &any, NULL);
    return !any;
}
