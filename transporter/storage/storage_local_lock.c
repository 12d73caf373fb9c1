#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/identifier.h"
#include "transporter/storage/storage_local_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LOCK_ATTRIBUTE "user.longhaul.lock_until"
#define LOCK_TEXT_MAX  24

/* With a flag that is set, *until is in force; without one it is only what was intended. Returns 0 or an errno. */
static int
read_lock(int fd, int64_t *until, bool *flagged)
{
    char text[LOCK_TEXT_MAX + 1];
    int flags = 0;
    *until = 0;
    *flagged = ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_IMMUTABLE_FL) != 0;
    ssize_t n = fgetxattr(fd, LOCK_ATTRIBUTE, text, LOCK_TEXT_MAX);
    if (n < 0)
        return errno == ENODATA || errno == EOPNOTSUPP ? 0 : errno;
    text[n] = '\0';
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (n == 0 || *end != '\0' || errno != 0 || value < 0)
        return EBADMSG;
    *until = value;
    return 0;
}

static int
set_flag(int fd, bool on)
{
    int flags = 0;
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0)
        return errno;
    flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
    return ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0 ? 0 : errno;
}

int
storage_local_lock_note(int fd, int64_t until)
{
    char text[LOCK_TEXT_MAX + 1];
    int n = snprintf(text, sizeof(text), "%lld", (long long)until);
    if (fsetxattr(fd, LOCK_ATTRIBUTE, text, (size_t)n, 0) == 0)
        return 0;
    /* Attributes ask for the right to write, which objects are made without. */
    if (errno == EACCES && fchmod(fd, 0640) == 0 && fsetxattr(fd, LOCK_ATTRIBUTE, text, (size_t)n, 0) == 0)
        return 0;
    return errno;
}

int
storage_local_lock_set(int fd)
{
    int failed = set_flag(fd, true);
    return failed != 0 ? failed : fsync(fd) == 0 ? 0 : errno;
}

static int
fail_lock(const struct storage_local *local, const char *what, const char *name, int native, struct error *err)
{
    if (native == EBADMSG)
        return FAIL(err, ERROR_CORRUPT, native, "storage %s: the lock's time of %s is damaged", local->path, name);
    return storage_local_fail(local, what, name, native, err);
}

/* Opened, and held against everybody who changes its lock or removes it. */
static int
open_held(const struct storage_local *local, const char *name, const char *what, struct error *err)
{
    char path[STORAGE_LOCAL_PATH_LEN];
    struct stat st;
    storage_local_object_path(name, path);
    int fd = openat(local->folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return storage_local_fail(local, what, name, errno, err);
    int failed;
    while ((failed = flock(fd, LOCK_EX)) != 0 && errno == EINTR)
        continue;
    failed = failed != 0 || fstat(fd, &st) != 0 ? errno : st.st_nlink == 0 ? ENOENT : 0;
    if (failed == 0)
        return fd;
    close(fd);
    return storage_local_fail(local, what, name, failed, err);
}

static int
sync_folder_of(const struct storage_local *local, char path[STORAGE_LOCAL_PATH_LEN])
{
    *strrchr(path, '/') = '\0';
    int folder = openat(local->folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return errno;
    int failed = fsync(folder) == 0 ? 0 : errno;
    close(folder);
    return failed;
}

static int
refuse_locked(const struct storage_local *local, const char *name, int64_t until, struct error *err)
{
    char when[CLOCK_TEXT_LEN];
    clock_format_ms(until, when);
    return FAIL(err, ERROR_LOCKED, 0, "storage %s: object %s is locked until %s", local->path, name, when);
}

int
storage_local_remove(struct storage *storage, const char *name, struct error *err)
{
    const struct storage_local *local = (const struct storage_local *)storage;
    char path[STORAGE_LOCAL_PATH_LEN];
    int64_t until = 0;
    bool flagged = false;
    storage_local_object_path(name, path);
    int fd = open_held(local, name, "removing", err);
    if (fd < 0)
        return -1;
    int failed = read_lock(fd, &until, &flagged);
    if (failed == 0 && until > clock_wall_ms(local->clock)) {
        close(fd);
        return refuse_locked(local, name, until, err);
    }
    if (failed == 0 && flagged && (storage->features & STORAGE_HAS_LOCKS) != 0)
        failed = set_flag(fd, false);
    if (failed == 0 && unlinkat(local->folder, path, 0) != 0)
        failed = errno;
    if (failed == 0)
        failed = sync_folder_of(local, path);
    close(fd);
    return failed == 0 ? 0 : fail_lock(local, "removing", name, failed, err);
}

/* The flag is away for a moment, as the attribute cannot be changed under it; the intent puts it back when that moment
 * is the last one. */
static int
hold_longer(int fd, int64_t until, bool flagged)
{
    int failed = flagged ? set_flag(fd, false) : 0;
    if (failed != 0)
        return failed;
    failed = storage_local_lock_note(fd, until);
    int unset = storage_local_lock_set(fd);
    return failed != 0 ? failed : unset;
}

int
storage_local_extend(struct storage *storage, const char *name, int64_t lock_until_ms, struct error *err)
{
    struct storage_local *local = (struct storage_local *)storage;
    int64_t until = 0;
    bool flagged = false;
    int fd = open_held(local, name, "locking", err);
    if (fd < 0)
        return -1;
    int failed = read_lock(fd, &until, &flagged);
    bool enough = failed == 0 && flagged && until >= lock_until_ms;
    if (failed == 0 && !enough && (failed = storage_local_intent_begin(local, name)) == 0) {
        failed = hold_longer(fd, until > lock_until_ms ? until : lock_until_ms, flagged);
        storage_local_intent_end(local, failed == 0);
    }
    close(fd);
    return failed == 0 ? 0 : fail_lock(local, "locking", name, failed, err);
}

int
storage_local_lock_read(const struct storage_local *local, const char *name, int64_t *until, struct error *err)
{
    char path[STORAGE_LOCAL_PATH_LEN];
    bool flagged = false;
    storage_local_object_path(name, path);
    int fd = openat(local->folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return storage_local_fail(local, "looking at", name, errno, err);
    int failed = read_lock(fd, until, &flagged);
    close(fd);
    if (!flagged)
        *until = 0;
    return failed == 0 ? 0 : fail_lock(local, "looking at", name, failed, err);
}

int
storage_local_lock_repair(const struct storage_local *local, const char *name, struct error *err)
{
    struct error why = ERROR_INIT;
    int64_t until = 0;
    bool flagged = false;
    int fd = open_held(local, name, "locking", &why);
    if (fd < 0) {
        if (why.kind == ERROR_NOT_FOUND)
            return 0;
        if (err != NULL)
            *err = why;
        return -1;
    }
    int failed = read_lock(fd, &until, &flagged);
    if (failed == 0 && !flagged && until > clock_wall_ms(local->clock))
        failed = storage_local_lock_set(fd);
    close(fd);
    return failed == 0 ? 0 : fail_lock(local, "locking", name, failed, err);
}

static int
try_locking(const struct storage_local *local, int fd, const char *temp, struct error *err)
{
    int failed = storage_local_lock_note(fd, 1);
    if (failed == EOPNOTSUPP)
        return FAIL(err, ERROR_UNSUPPORTED, failed,
                    "storage %s: its file system keeps no user attributes, which lock_mode immutable needs: use ext4, "
                    "xfs or btrfs",
                    local->path);
    if (failed == 0)
        failed = set_flag(fd, true);
    if (failed == EPERM || failed == EACCES)
        return FAIL(err, ERROR_CONFIG, failed,
                    "storage %s: lock_mode immutable needs the capability CAP_LINUX_IMMUTABLE, which this program does "
                    "not have: give it in the service's unit (AmbientCapabilities= and CapabilityBoundingSet=)",
                    local->path);
    if (failed == ENOTTY || failed == EOPNOTSUPP || failed == EINVAL || failed == ENOSYS)
        return FAIL(err, ERROR_UNSUPPORTED, failed,
                    "storage %s: its file system has no immutable flag, which lock_mode immutable needs: use ext4, xfs "
                    "or btrfs",
                    local->path);
    if (failed != 0)
        return storage_local_fail(local, "locking", "a file for trial", failed, err);
    bool held = unlinkat(local->folder, temp, 0) != 0 && errno == EPERM;
    failed = set_flag(fd, false);
    if (!held)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "storage %s: its file system takes the immutable flag and ignores it",
                    local->path);
    return failed == 0 ? 0 : storage_local_fail(local, "unlocking", "a file for trial", failed, err);
}

int
storage_local_lock_try(const struct storage_local *local, struct error *err)
{
    char temp[sizeof(STORAGE_LOCAL_TEMP) + IDENTIFIER_LEN + 1], id[IDENTIFIER_LEN];
    identifier_new(local->clock, "x", id);
    snprintf(temp, sizeof(temp), "%s-%s", STORAGE_LOCAL_TEMP, id);
    int fd = openat(local->folder, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0)
        return storage_local_fail(local, "writing", "a file for trial", errno, err);
    int failed = try_locking(local, fd, temp, err);
    close(fd);
    (void)unlinkat(local->folder, temp, 0);
    return failed;
}
