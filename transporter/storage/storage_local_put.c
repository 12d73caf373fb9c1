#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/identifier.h"
#include "common/base/memory.h"
#include "transporter/storage/storage_local_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECT_LEAST ((size_t)1 << 20)

/* Makes the folders of a path, each durable in the one above before it is used. Returns the innermost one, opened. */
static int
open_parent(const struct storage_local *local, const char *path)
{
    int at = openat(local->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (const char *slash; at >= 0 && (slash = strchr(path, '/')) != NULL; path = slash + 1) {
        char part[STORAGE_LOCAL_PATH_LEN];
        snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
        int next = openat(at, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (next < 0 && errno == ENOENT && (mkdirat(at, part, 0750) == 0 || errno == EEXIST) && fsync(at) == 0)
            next = openat(at, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int saved = errno;
        close(at);
        errno = saved;
        at = next;
    }
    return at;
}

static int
write_fully(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Large objects that begin at a page go to the disk past the page cache: copying them into fresh pages costs more than
 * all that was done to seal them, and nobody reads them soon. *done is how much of them went; the rest, at least the
 * last part of a page, is to be written as usual, which is everything where the file system cannot do it. */
static int
write_direct(int fd, const uint8_t *data, size_t len, size_t *done)
{
    size_t whole = len - len % MEMORY_PAGE;
    *done = 0;
    if (len < DIRECT_LEAST || (uintptr_t)data % MEMORY_PAGE != 0 || fcntl(fd, F_SETFL, O_DIRECT) != 0)
        return 0;
    while (*done < whole) {
        ssize_t n = write(fd, data + *done, whole - *done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EINVAL)
            return -1;
        if (n <= 0)
            break;
        *done += (size_t)n;
    }
    return fcntl(fd, F_SETFL, 0);
}

static int
write_data(int fd, const uint8_t *data, size_t len)
{
    size_t done;
    if (write_direct(fd, data, len, &done) != 0)
        return -1;
    return write_fully(fd, data + done, len - done);
}

static int
copy_file(int to, int from, uint64_t size)
{
    CLEANUP(memory_free_p) uint8_t *block = memory_array(1, STORAGE_LOCAL_BLOCK, STORAGE_LOCAL_BLOCK, NULL);
    if (block == NULL) {
        errno = ENOMEM;
        return -1;
    }
    for (uint64_t at = 0; at < size;) {
        size_t want = size - at < STORAGE_LOCAL_BLOCK ? (size_t)(size - at) : STORAGE_LOCAL_BLOCK;
        ssize_t n = pread(from, block, want, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? ENODATA : errno;
            return -1;
        }
        if (write_fully(to, block, (size_t)n) != 0)
            return -1;
        at += (uint64_t)n;
    }
    return 0;
}

/* What is being put. Its functions return 0, an errno, or -1 (see put_tmpfile). */
struct putting {
    struct storage_local *local;
    int parent;       /* folder */
    const char *last; /* name in it */
    const struct storage_content *content;
    int64_t lock_until_ms;
    int fd;           /* of the file, once it is there; -1 */
    bool is_unlocked; /* it got its name, and no flag */
};

/* The lock's time is on it before it has a name: whoever finds it there knows how long it is to be held. */
static int
write_content(const struct putting *putting)
{
    const struct storage_content *content = putting->content;
    int failed = content->data != NULL ? write_data(putting->fd, content->data, (size_t)content->size)
                                       : copy_file(putting->fd, content->fd, content->size);
    if (failed != 0)
        return errno;
    failed = putting->lock_until_ms != 0 ? storage_local_lock_note(putting->fd, putting->lock_until_ms) : 0;
    return failed != 0 ? failed : fsync(putting->fd) == 0 ? 0 : errno;
}

/* A file without a name until it is complete. -1 when the file system cannot do that. */
static int
put_tmpfile(struct putting *putting)
{
    char self[40];
    putting->fd = openat(putting->parent, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0440);
    if (putting->fd < 0)
        return errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL || errno == ENOENT ? -1 : errno;
    int failed = write_content(putting);
    if (failed != 0)
        return failed;
    snprintf(self, sizeof(self), "/proc/self/fd/%d", putting->fd);
    return linkat(AT_FDCWD, self, putting->parent, putting->last, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

/* With a temporary name, which no listing shows; a hard link, or a rename that replaces nothing, publishes it. */
static int
put_named(struct putting *putting)
{
    char temp[sizeof(STORAGE_LOCAL_TEMP) + IDENTIFIER_LEN + 1], id[IDENTIFIER_LEN];
    int parent = putting->parent;
    identifier_new(putting->local->clock, "x", id);
    snprintf(temp, sizeof(temp), "%s-%s", STORAGE_LOCAL_TEMP, id);
    putting->fd = openat(parent, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0440);
    if (putting->fd < 0)
        return errno;
    int failed = write_content(putting);
    if (failed == 0 && linkat(parent, temp, parent, putting->last, 0) != 0) {
        failed = errno;
        if (failed == EPERM || failed == EOPNOTSUPP || failed == EMLINK)
            failed = renameat2(parent, temp, parent, putting->last, RENAME_NOREPLACE) == 0 ? 0 : errno;
    }
    (void)unlinkat(parent, temp, 0);
    return failed;
}

/* The folder that is held open may have been moved away, or another file system mounted over it: what is written there
 * would not be found again where it is configured. 0 or an errno. */
static int
is_in_place(const struct storage_local *local)
{
    struct stat held, named;
    if (fstat(local->folder, &held) != 0 || stat(local->path, &named) != 0)
        return errno == ENOENT || errno == ENOTDIR ? ENODEV : errno;
    return held.st_dev == named.st_dev && held.st_ino == named.st_ino ? 0 : ESTALE;
}

/* The file is synced inside; its name is durable with the folder. Asked first, so that a name that is taken costs no
 * writing; the link decides. */
static int
put_file(struct putting *putting)
{
    struct storage_local *local = putting->local;
    int failed = faccessat(putting->parent, putting->last, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? EEXIST : -1;
    if (failed == -1 && !__atomic_load_n(&local->no_tmpfile, __ATOMIC_RELAXED))
        failed = put_tmpfile(putting);
    if (failed == -1) {
        __atomic_store_n(&local->no_tmpfile, true, __ATOMIC_RELAXED);
        failed = put_named(putting);
    }
    if (failed == 0 && putting->lock_until_ms != 0) {
        failed = storage_local_lock_set(putting->fd);
        putting->is_unlocked = failed != 0;
    }
    if (putting->fd >= 0)
        close(putting->fd);
    /* Also when it was there: whoever put it may not have got to this point. */
    if ((failed == 0 || failed == EEXIST) && fsync(putting->parent) != 0)
        failed = errno;
    return failed;
}

static int
put_locked(struct putting *putting, const char *name)
{
    int failed = storage_local_intent_begin(putting->local, name);
    if (failed != 0)
        return failed;
    failed = put_file(putting);
    storage_local_intent_end(putting->local, !putting->is_unlocked);
    return failed;
}

int
storage_local_put(struct storage *storage, const char *name, const struct storage_content *content,
                  int64_t lock_until_ms, struct error *err)
{
    struct storage_local *local = (struct storage_local *)storage;
    char path[STORAGE_LOCAL_PATH_LEN];
    storage_local_object_path(name, path);
    int misplaced = is_in_place(local);
    if (misplaced != 0)
        return storage_local_fail(local, "writing", name, misplaced, err);
    struct putting putting = {
        .local = local,
        .parent = open_parent(local, path),
        .last = strrchr(path, '/') + 1,
        .content = content,
        .lock_until_ms = lock_until_ms,
        .fd = -1,
    };
    if (putting.parent < 0)
        return storage_local_fail(local, "writing", name, errno == ENOENT ? ENODEV : errno, err);
    int failed = lock_until_ms != 0 ? put_locked(&putting, name) : put_file(&putting);
    close(putting.parent);
    if (putting.is_unlocked)
        return FAIL(err, ERROR_UNSUPPORTED, failed, "storage %s: %s is there and could not be locked: %s", local->path,
                    name, strerror(failed));
    return failed == 0 ? 0 : storage_local_fail(local, "writing", name, failed, err);
}
