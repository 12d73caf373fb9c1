#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/crash/power_cut_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Linked with --wrap. Each call asks turn() whether it may go on. */

enum call {
    CALL_LOOKS, /* changes nothing */
    CALL_CHANGES,
    CALL_WRITES
};

static bool
is_below(const char *path)
{
    size_t len = strlen(power_cut.root);
    if (strncmp(path, power_cut.root, len) != 0 || (path[len] != '/' && path[len] != '\0'))
        return false;
    const char *within = power_cut.plan.within;
    if (within == NULL)
        return true;
    size_t part = strlen(within);
    return path[len] == '/' && strncmp(path + len + 1, within, part) == 0 &&
           (path[len + 1 + part] == '/' || path[len + 1 + part] == '\0');
}

static bool
is_ours(int fd, const char *path)
{
    char self[40], target[PATH_MAX];
    if (!power_cut.on)
        return false;
    if (path != NULL && path[0] == '/')
        return is_below(path);
    snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    ssize_t n = fd < 0 ? -1 : readlink(self, target, sizeof(target) - 1);
    if (n <= 0)
        return false;
    target[n] = '\0';
    return is_below(target);
}

/* Takes the lock. 0: go on; an errno: fail with it; -1: write half. */
static int
turn(int fd, const char *path, enum call call)
{
    pthread_mutex_lock(&power_cut.lock);
    if (!is_ours(fd, path))
        return 0;
    if (power_cut.dark)
        return EIO;
    enum power_cut_mode mode = power_cut.plan.mode;
    bool counts = mode == POWER_CUT_FAILS || (mode == POWER_CUT_SHORT && call == CALL_WRITES) ||
                  (mode >= POWER_CUT_LOSES && mode <= POWER_CUT_MIXES && call != CALL_LOOKS);
    if (power_cut.struck || !counts || power_cut.counted++ != power_cut.plan.at)
        return 0;
    power_cut.struck = true;
    power_cut.dark = mode >= POWER_CUT_LOSES && mode <= POWER_CUT_MIXES;
    return mode == POWER_CUT_SHORT ? -1 : mode == POWER_CUT_FAILS ? power_cut.plan.native : EIO;
}

static int
leave(int result)
{
    int saved = errno;
    pthread_mutex_unlock(&power_cut.lock);
    errno = saved;
    return result;
}

static int
refuse(int native)
{
    pthread_mutex_unlock(&power_cut.lock);
    errno = native;
    return -1;
}

/* An inode that loses a name may come back with it: its number must not be given away. */
static void
hold(int folder, const char *path)
{
    struct stat st;
    int fd = __real_openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0)
        return;
    struct inode *inode = power_cut_inode(st.st_ino, S_ISDIR(st.st_mode));
    if (inode->held < 0)
        inode->held = fd;
    else
        close(fd);
}

static int
open_ours(int folder, const char *path, int flags, mode_t mode)
{
    bool creates = (flags & (O_CREAT | O_TRUNC)) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
    int native = turn(folder, path, creates ? CALL_CHANGES : CALL_LOOKS);
    if (native != 0)
        return refuse(native);
    bool ours = is_ours(folder, path);
    struct stat st;
    bool existed = ours && (flags & O_TMPFILE) != O_TMPFILE && fstatat(folder, path, &st, 0) == 0;
    int fd = __real_openat(folder, path, flags, mode);
    if (fd >= 0 && ours && creates && !existed && fstat(fd, &st) == 0)
        power_cut_forget_file(st.st_ino);
    return leave(fd);
}

#define MODE_OF(flags)                                                                                                 \
    __extension__({                                                                                                    \
        va_list args_;                                                                                                 \
        va_start(args_, flags);                                                                                        \
        mode_t mode_ = ((flags)&O_CREAT) != 0 || ((flags)&O_TMPFILE) == O_TMPFILE ? va_arg(args_, mode_t) : 0;         \
        va_end(args_);                                                                                                 \
        mode_;                                                                                                         \
    })

int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...);
int __wrap_openat64(int folder, const char *path, int flags, ...);

int
__wrap_open(const char *path, int flags, ...)
{
    return open_ours(AT_FDCWD, path, flags, MODE_OF(flags));
}

int
__wrap_open64(const char *path, int flags, ...)
{
    return open_ours(AT_FDCWD, path, flags, MODE_OF(flags));
}

int
__wrap_openat(int folder, const char *path, int flags, ...)
{
    return open_ours(folder, path, flags, MODE_OF(flags));
}

int
__wrap_openat64(int folder, const char *path, int flags, ...)
{
    return open_ours(folder, path, flags, MODE_OF(flags));
}

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t
__wrap_write(int fd, const void *data, size_t len)
{
    int native = turn(fd, NULL, CALL_WRITES);
    if (native > 0)
        return refuse(native);
    ssize_t n = __real_write(fd, data, native < 0 && len > 1 ? len / 2 : len);
    (void)leave(0);
    return n;
}

static int
sync_ours(int fd)
{
    struct stat st;
    int native = turn(fd, NULL, CALL_CHANGES);
    if (native != 0)
        return refuse(native);
    if (!is_ours(fd, NULL))
        return leave(0); /* of no concern here, and slow */
    if (fstat(fd, &st) != 0)
        return leave(-1);
    if (S_ISDIR(st.st_mode))
        power_cut_note_folder(fd);
    else
        power_cut_note_file(fd);
    return leave(0);
}

int __wrap_fsync(int fd);
int
__wrap_fsync(int fd)
{
    return sync_ours(fd);
}

int __wrap_fdatasync(int fd);
int
__wrap_fdatasync(int fd)
{
    return sync_ours(fd);
}

#define WRAP(name, fd, path, kind, before, parameters, arguments)                                                      \
    int __real_##name parameters;                                                                                      \
    int __wrap_##name parameters;                                                                                      \
    int __wrap_##name parameters                                                                                       \
    {                                                                                                                  \
        int native = turn(fd, path, kind);                                                                             \
        if (native != 0)                                                                                               \
            return refuse(native);                                                                                     \
        before;                                                                                                        \
        return leave(__real_##name arguments);                                                                         \
    }

/* What loses its name, when it is one of ours. */
#define HOLD(fd, path)                                                                                                 \
    if (is_ours(fd, path))                                                                                             \
    hold(fd, path)

WRAP(mkdir, -1, path, CALL_CHANGES, , (const char *path, mode_t mode), (path, mode))
WRAP(mkdirat, folder, path, CALL_CHANGES, , (int folder, const char *path, mode_t mode), (folder, path, mode))
WRAP(link, -1, to, CALL_CHANGES, , (const char *from, const char *to), (from, to))
WRAP(linkat, to, to_path, CALL_CHANGES, , (int from, const char *from_path, int to, const char *to_path, int flags),
     (from, from_path, to, to_path, flags))
WRAP(rename, -1, to, CALL_CHANGES, HOLD(-1, to), (const char *from, const char *to), (from, to))
WRAP(renameat2, to, to_path, CALL_CHANGES, HOLD(to, to_path),
     (int from, const char *from_path, int to, const char *to_path, unsigned flags),
     (from, from_path, to, to_path, flags))
WRAP(unlink, -1, path, CALL_CHANGES, HOLD(-1, path), (const char *path), (path))
WRAP(unlinkat, folder, path, CALL_CHANGES, HOLD(folder, path), (int folder, const char *path, int flags),
     (folder, path, flags))
WRAP(ftruncate, fd, NULL, CALL_CHANGES, , (int fd, off_t len), (fd, len))
WRAP(fsetxattr, fd, NULL, CALL_CHANGES, , (int fd, const char *name, const void *value, size_t size, int flags),
     (fd, name, value, size, flags))
WRAP(faccessat, folder, path, CALL_LOOKS, , (int folder, const char *path, int mode, int flags),
     (folder, path, mode, flags))

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int
__wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    va_start(args, request);
    void *argument = va_arg(args, void *);
    va_end(args);
    int native = turn(fd, NULL, request == FS_IOC_SETFLAGS ? CALL_CHANGES : CALL_LOOKS);
    return native != 0 ? refuse(native) : leave(__real_ioctl(fd, request, argument));
}

ssize_t __real_pread(int fd, void *data, size_t len, off_t offset);
ssize_t __wrap_pread(int fd, void *data, size_t len, off_t offset);
ssize_t
__wrap_pread(int fd, void *data, size_t len, off_t offset)
{
    int native = turn(fd, NULL, CALL_LOOKS);
    if (native > 0)
        return refuse(native);
    ssize_t n = __real_pread(fd, data, len, offset);
    (void)leave(0);
    return n;
}

/* Small allocations of a fixed size end the program by design and are none of these. */
static bool
is_refused(struct error *err)
{
    pthread_mutex_lock(&power_cut.lock);
    bool refused = power_cut.on && power_cut.plan.mode == POWER_CUT_MEMORY && !power_cut.struck &&
                   power_cut.counted++ == power_cut.plan.at;
    power_cut.struck = power_cut.struck || refused;
    pthread_mutex_unlock(&power_cut.lock);
    if (refused)
        FAIL(err, ERROR_LIMIT, 0, "no memory, for a test");
    return refused;
}

void *__real_memory_array(size_t count, size_t size, size_t ceiling, struct error *err);
void *__wrap_memory_array(size_t count, size_t size, size_t ceiling, struct error *err);
void *
__wrap_memory_array(size_t count, size_t size, size_t ceiling, struct error *err)
{
    return is_refused(err) ? NULL : __real_memory_array(count, size, ceiling, err);
}

int __real_buffer_reserve(struct buffer *b, size_t more, struct error *err);
int __wrap_buffer_reserve(struct buffer *b, size_t more, struct error *err);
int
__wrap_buffer_reserve(struct buffer *b, size_t more, struct error *err)
{
    return is_refused(err) ? -1 : __real_buffer_reserve(b, more, err);
}

int __real_buffer_append(struct buffer *b, const void *data, size_t len, struct error *err);
int __wrap_buffer_append(struct buffer *b, const void *data, size_t len, struct error *err);
int
__wrap_buffer_append(struct buffer *b, const void *data, size_t len, struct error *err)
{
    return is_refused(err) ? -1 : __real_buffer_append(b, data, len, err);
}
