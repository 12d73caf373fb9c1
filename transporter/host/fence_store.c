#include "transporter/host/fence_store.h"

#include "common/base/error.h"
#include "common/base/identifier.h"
#include "common/base/log.h"
#include "common/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

struct fence {
    char scope[IDENTIFIER_LEN];
    uint64_t highest;
    UT_hash_handle hh;
};

struct fence_store {
    pthread_mutex_t lock;
    char *path;
    int fd;
    size_t lines;
    struct fence *fences;
};

#define EMPTY_SCOPE  "-"
#define OUTDATED_MAX 1024

static struct fence *
find(struct fence_store *store, const char *scope, bool make)
{
    struct fence *fence;
    HASH_FIND_STR(store->fences, scope, fence);
    if (fence == NULL && make) {
        fence = MEMORY_NEW(struct fence);
        snprintf(fence->scope, sizeof(fence->scope), "%s", scope);
        HASH_ADD_STR(store->fences, scope, fence);
    }
    return fence;
}

static int
append_line(int fd, const char *scope, uint64_t fence)
{
    char line[IDENTIFIER_LEN + 24];
    int n = snprintf(line, sizeof(line), "%s %" PRIu64 "\n", scope[0] == '\0' ? EMPTY_SCOPE : scope, fence);
    return write(fd, line, (size_t)n) == n ? 0 : -1;
}

/* "scope number\n" */
static int
read_line(struct fence_store *store, char *line, struct error *err)
{
    char *space = strchr(line, ' '), *end = NULL;
    if (space == NULL)
        return FAIL(err, ERROR_CORRUPT, 0, "fence file %s is damaged", store->path);
    *space = '\0';
    errno = 0;
    uint64_t value = strtoull(space + 1, &end, 10);
    bool empty = strcmp(line, EMPTY_SCOPE) == 0;
    if (errno != 0 || end == space + 1 || *end != '\n' || (!empty && !identifier_valid(line)))
        return FAIL(err, ERROR_CORRUPT, 0, "fence file %s is damaged", store->path);
    struct fence *fence = find(store, empty ? "" : line, true);
    if (value > fence->highest)
        fence->highest = value;
    store->lines++;
    return 0;
}

/* *good: how many bytes are whole lines. */
static int
read_all(struct fence_store *store, long *good, struct error *err)
{
    char line[256];
    FILE *in = fopen(store->path, "re");
    if (in == NULL)
        return errno == ENOENT ? 0 : FAIL(err, ERROR_IO, errno, "fence file %s: %s", store->path, strerror(errno));
    int failed = 0;
    while (failed == 0 && fgets(line, sizeof(line), in) != NULL) {
        if (strchr(line, '\n') == NULL)
            break;
        failed = read_line(store, line, err);
        *good = ftell(in);
    }
    if (failed == 0 && ferror(in))
        failed = FAIL(err, ERROR_IO, errno, "fence file %s: %s", store->path, strerror(errno));
    fclose(in);
    return failed;
}

static int
sync_folder(const char *path)
{
    char *folder = memory_strdup(path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        *slash = '\0';
    int fd = open(slash == NULL ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd >= 0 ? fsync(fd) : -1;
    if (fd >= 0)
        close(fd);
    free(folder);
    return failed;
}

static int
rewrite(struct fence_store *store, struct error *err)
{
    CLEANUP(memory_free_p) char *temp = memory_printf("%s.new", store->path);
    struct fence *fence, *next;
    int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int failed = fd < 0 ? -1 : 0;
    HASH_ITER (hh, store->fences, fence, next) {
        if (failed == 0)
            failed = append_line(fd, fence->scope, fence->highest);
    }
    if (failed == 0)
        failed = fsync(fd);
    if (failed == 0)
        failed = rename(temp, store->path);
    if (failed == 0)
        failed = sync_folder(store->path);
    int native = errno;
    if (fd >= 0)
        close(fd);
    if (failed != 0)
        return FAIL(err, error_kind_from_errno(native), native, "fence file %s: %s", store->path, strerror(native));
    store->lines = HASH_COUNT(store->fences);
    return 0;
}

struct fence_store *
fence_store_open(const char *path, struct error *err)
{
    struct fence_store *store = MEMORY_NEW(struct fence_store);
    long good = 0;
    pthread_mutex_init(&store->lock, NULL);
    store->path = memory_strdup(path);
    store->fd = -1;
    if (read_all(store, &good, err) != 0)
        goto fail;
    bool outdated = store->lines > HASH_COUNT(store->fences) + OUTDATED_MAX;
    if (outdated && rewrite(store, err) != 0)
        goto fail;
    store->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (store->fd < 0 || (!outdated && ftruncate(store->fd, good) != 0) || sync_folder(path) != 0) {
        FAIL(err, error_kind_from_errno(errno), errno, "fence file %s: %s", path, strerror(errno));
        goto fail;
    }
    return store;
fail:
    fence_store_close(store);
    return NULL;
}

void
fence_store_close(struct fence_store *store)
{
    struct fence *fence, *next;
    if (store == NULL)
        return;
    HASH_ITER (hh, store->fences, fence, next) {
        HASH_DEL(store->fences, fence);
        free(fence);
    }
    if (store->fd >= 0)
        close(store->fd);
    pthread_mutex_destroy(&store->lock);
    free(store->path);
    free(store);
}

/* Called locked. A line that is cut off (the disk is full) must not stay: the next one would be joined to it, and the
 * file be damaged for good. */
static int
append_durably(struct fence_store *store, const char *scope, uint64_t value, struct error *err)
{
    struct stat before;
    errno = 0;
    if (fstat(store->fd, &before) == 0) {
        if (append_line(store->fd, scope, value) == 0 && fdatasync(store->fd) == 0)
            return 0;
        int native = errno != 0 ? errno : ENOSPC;
        if (ftruncate(store->fd, before.st_size) != 0)
            log_error("host", "fence file %s: a line that was cut off stays: %s", store->path, strerror(errno));
        errno = native;
    }
    return FAIL(err, error_kind_from_errno(errno), errno, "fence file %s: %s", store->path, strerror(errno));
}

/* Called locked. */
static int
remember(struct fence_store *store, const char *scope, uint64_t value, struct error *err)
{
    struct fence *fence = find(store, scope, false);
    if (fence != NULL && fence->highest >= value)
        return 0;
    if (append_durably(store, scope, value, err) != 0)
        return -1;
    find(store, scope, true)->highest = value;
    store->lines++;
    return 0;
}

int
fence_store_check(struct fence_store *store, const char *scope, uint64_t value, struct error *err)
{
    if (scope[0] != '\0' && !identifier_valid(scope))
        return FAIL(err, ERROR_USAGE, 0, "not a valid scope");
    pthread_mutex_lock(&store->lock);
    const struct fence *fence = find(store, scope, false);
    int failed;
    if (fence != NULL && fence->highest > value)
        failed = FAIL(err, ERROR_FENCED, 0, "fence %" PRIu64 " of %s is outdated: %" PRIu64 " was seen", value,
                      scope[0] == '\0' ? "the vault" : scope, fence->highest);
    else
        failed = remember(store, scope, value, err);
    pthread_mutex_unlock(&store->lock);
    return failed;
}

int
fence_store_raise(struct fence_store *store, const char *scope, uint64_t value, struct error *err)
{
    if (scope[0] != '\0' && !identifier_valid(scope))
        return FAIL(err, ERROR_USAGE, 0, "not a valid scope");
    pthread_mutex_lock(&store->lock);
    int failed = remember(store, scope, value, err);
    pthread_mutex_unlock(&store->lock);
    return failed;
}
