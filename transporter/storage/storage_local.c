#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/storage/storage_local_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <dirent.h>

#define READ_BLOCK ((size_t)192 << 10) /* stays in the processor's cache between reading and opening */

void
storage_local_object_path(const char *name, char out[STORAGE_LOCAL_PATH_LEN])
{
    const char *slash = strrchr(name, '/');
    int head = slash == NULL ? 0 : (int)(slash + 1 - name);
    const char *last = name + head;
    size_t len = strlen(last);
    snprintf(out, STORAGE_LOCAL_PATH_LEN, "%.*s_%s/%s", head, name, len > 2 ? last + len - 2 : last, last);
}

int
storage_local_fail(const struct storage_local *local, const char *what, const char *name, int native, struct error *err)
{
    switch (native) {
    case ENOSPC:
    case EDQUOT:
        return FAIL(err, ERROR_NO_SPACE, native, "storage %s is full: %s of %s needs more space", local->path, what,
                    name);
    case EROFS:
        return FAIL(err, ERROR_DENIED, native, "storage %s is read-only: remount it writable", local->path);
    case EACCES:
    case EPERM:
        return FAIL(err, ERROR_DENIED, native, "storage %s refuses %s of %s: check owner and mode", local->path, what,
                    name);
    case ENOENT:
        if (faccessat(local->folder, STORAGE_LOCAL_MARKER, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
            return FAIL(err, ERROR_UNAVAILABLE, native, "storage %s is gone: its marker file vanished", local->path);
        return FAIL(err, ERROR_NOT_FOUND, native, "storage %s has no object %s", local->path, name);
    case EEXIST:
        return FAIL(err, ERROR_EXISTS, native, "storage %s already has an object %s", local->path, name);
    case ENODEV:
    case ENXIO:
    case ESTALE:
    case ENOTCONN:
    case ESHUTDOWN:
        return FAIL(err, ERROR_UNAVAILABLE, native, "storage %s is gone: %s. Mount it again", local->path,
                    strerror(native));
    }
    return FAIL(err, ERROR_IO, native, "storage %s: %s of %s: %s", local->path, what, name, strerror(native));
}

static int
open_object(const struct storage_local *local, const char *name, uint64_t *size, struct error *err)
{
    char path[STORAGE_LOCAL_PATH_LEN];
    struct stat st;
    storage_local_object_path(name, path);
    int fd = openat(local->folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return storage_local_fail(local, "reading", name, errno, err);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return FAIL(err, ERROR_CORRUPT, 0, "storage %s: object %s is not a regular file", local->path, name);
    }
    *size = (uint64_t)st.st_size;
    return fd;
}

static int
read_fully(int fd, uint8_t *out, size_t len, uint64_t offset)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = pread(fd, out + at, len - at, (off_t)(offset + at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? ENODATA : errno;
            return -1;
        }
        at += (size_t)n;
    }
    return 0;
}

static int
local_get(struct storage *storage, const char *name, size_t ceiling, uint8_t **data, size_t *len, struct error *err)
{
    const struct storage_local *local = (const struct storage_local *)storage;
    uint64_t size = 0;
    int fd = open_object(local, name, &size, err);
    if (fd < 0)
        return -1;
    CLEANUP(memory_free_p) uint8_t *bytes = NULL;
    int failed = -1;
    if (size > ceiling)
        FAIL(err, ERROR_LIMIT, 0, "object %s has %llu bytes; %zu are possible", name, (unsigned long long)size,
             ceiling);
    else if ((bytes = memory_array(1, (size_t)size, ceiling, err)) != NULL)
        failed = read_fully(fd, bytes, (size_t)size, 0);
    if (bytes != NULL && failed != 0)
        storage_local_fail(local, "reading", name, errno, err);
    close(fd);
    if (failed != 0)
        return -1;
    *data = MOVE(bytes);
    *len = (size_t)size;
    return 0;
}

static int
local_get_range(struct storage *storage, const char *name, uint64_t offset, uint64_t len, storage_block_fn *sink,
                void *ctx, struct error *err)
{
    const struct storage_local *local = (const struct storage_local *)storage;
    uint64_t size = 0;
    int fd = open_object(local, name, &size, err);
    if (fd < 0)
        return -1;
    if (offset > size || len > size - offset) {
        close(fd);
        return FAIL(err, ERROR_CORRUPT, 0, "object %s is shorter than what refers to it: it was cut off", name);
    }
    size_t block_len = len < READ_BLOCK ? (size_t)len : READ_BLOCK;
    uint8_t *block = malloc(block_len + 1);
    int failed = block == NULL ? FAIL(err, ERROR_LIMIT, 0, "no memory for %zu bytes of an object", block_len) : 0;
    for (uint64_t at = 0; failed == 0 && at < len;) {
        size_t n = len - at < block_len ? (size_t)(len - at) : block_len;
        if (read_fully(fd, block, n, offset + at) != 0)
            failed = storage_local_fail(local, "reading", name, errno, err);
        else
            failed = sink(ctx, block, n, err);
        at += n;
    }
    free(block);
    close(fd);
    return failed == 0 ? 0 : -1;
}

static int
local_stat(struct storage *storage, const char *name, struct storage_stat *out, struct error *err)
{
    const struct storage_local *local = (const struct storage_local *)storage;
    char path[STORAGE_LOCAL_PATH_LEN];
    struct stat st;
    storage_local_object_path(name, path);
    if (fstatat(local->folder, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return storage_local_fail(local, "looking at", name, errno, err);
    out->size = (uint64_t)st.st_size;
    out->lock_until_ms = 0;
    out->modified_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    if ((storage->features & STORAGE_HAS_LOCKS) == 0)
        return 0;
    return storage_local_lock_read(local, name, &out->lock_until_ms, err);
}

static int
local_space(struct storage *storage, uint64_t *free_bytes, struct error *err)
{
    const struct storage_local *local = (const struct storage_local *)storage;
    struct statvfs st;
    if (fstatvfs(local->folder, &st) != 0)
        return storage_local_fail(local, "asking for the free space", "the folder", errno, err);
    *free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
    return 0;
}

static int
local_path(struct storage *storage, const char *name, char **path, struct error *err)
{
    const struct storage_local *local = (const struct storage_local *)storage;
    char relative[STORAGE_LOCAL_PATH_LEN];
    (void)err;
    storage_local_object_path(name, relative);
    *path = memory_printf("/proc/self/fd/%d/%s", local->folder, relative);
    return 0;
}

static void
local_close(struct storage *storage)
{
    struct storage_local *local = (struct storage_local *)storage;
    storage_local_intent_close(local);
    pthread_mutex_destroy(&local->intents);
    if (local->folder >= 0)
        close(local->folder);
    free(local->path);
    free(local);
}

static const struct storage_driver driver = {
    .scheme = "local",
    .put = storage_local_put,
    .get = local_get,
    .get_range = local_get_range,
    .list = storage_local_list,
    .stat = local_stat,
    .remove = storage_local_remove,
    .extend = storage_local_extend,
    .space = local_space,
    .path = local_path,
    .close = local_close,
};

/* "lost+found" belongs to the file system. */
static int
check_empty(const struct storage_local *local, struct error *err)
{
    int fd = openat(local->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL)
        return storage_local_fail(local, "listing", "the folder", errno, err);
    bool empty = true;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            strcmp(entry->d_name, "lost+found") != 0)
            empty = false;
    }
    closedir(dir);
    if (!empty)
        return FAIL(err, ERROR_CONFIG, 0, "storage %s holds other files: give an empty folder", local->path);
    return 0;
}

static int
make_marker(const struct storage_local *local, struct error *err)
{
    static const char text[] = "A Longhaul repository. Without this file the folder counts as not mounted.\n";
    int fd = openat(local->folder, STORAGE_LOCAL_MARKER, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return storage_local_fail(local, "writing", "the marker file", errno, err);
    ssize_t n = write(fd, text, sizeof(text) - 1);
    int failed = n == (ssize_t)sizeof(text) - 1 && fsync(fd) == 0 && fsync(local->folder) == 0 ? 0 : errno;
    close(fd);
    return failed == 0 ? 0 : storage_local_fail(local, "writing", "the marker file", failed, err);
}

/* The folder's own name is durable with what it lies in. Where that cannot be opened, the whole file system is. */
static int
keep_folder(const struct storage_local *local, struct error *err)
{
    int above = openat(local->folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = (above >= 0 ? fsync(above) : syncfs(local->folder)) == 0 ? 0 : errno;
    if (above >= 0)
        close(above);
    return failed == 0 ? 0 : storage_local_fail(local, "making", "the folder", failed, err);
}

static int
attach(struct storage_local *local, bool create, bool make_folder, struct error *err)
{
    if (create && make_folder && mkdir(local->path, 0750) != 0 && errno != EEXIST)
        return FAIL(err, error_kind_from_errno(errno), errno, "storage %s cannot be made: %s", local->path,
                    strerror(errno));
    local->folder = open(local->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (local->folder < 0 && create && errno == ENOENT)
        return FAIL(err, ERROR_NOT_FOUND, ENOENT,
                    "folder %s does not exist on this host. Is the disk mounted? To have it made: repository add "
                    "--create",
                    local->path);
    if (local->folder < 0) {
        enum error_kind kind = errno == EACCES ? ERROR_DENIED : ERROR_UNAVAILABLE;
        return FAIL(err, kind, errno, "storage %s is not available: %s", local->path, strerror(errno));
    }
    if (faccessat(local->folder, STORAGE_LOCAL_MARKER, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    if (errno != ENOENT)
        return storage_local_fail(local, "looking for", "the marker file", errno, err);
    if (!create)
        return FAIL(err, ERROR_UNAVAILABLE, 0,
                    "storage %s is not available: its marker file %s is missing. Is the disk mounted?", local->path,
                    STORAGE_LOCAL_MARKER);
    return check_empty(local, err) != 0 || keep_folder(local, err) != 0 ? -1 : make_marker(local, err);
}

static int
prepare_locks(struct storage_local *local, const json_t *mode, struct error *err)
{
    if (mode == NULL)
        return 0;
    if (!json_is_string(mode) || strcmp(json_string_value(mode), "immutable") != 0)
        return FAIL(err, ERROR_CONFIG, 0, "local storage knows the \"lock_mode\" immutable only");
    local->storage.features |= STORAGE_HAS_LOCKS;
    if (storage_local_lock_try(local, err) != 0)
        return -1;
    return storage_local_intent_repair(local, err);
}

struct storage *
storage_local_open(const json_t *location, const struct clock *clock, bool create, struct error *err)
{
    const char *path = json_string_value(json_object_get(location, "path"));
    if (path == NULL || path[0] != '/') {
        FAIL(err, ERROR_CONFIG, 0, "local storage needs \"path\" with an absolute path");
        return NULL;
    }
    struct storage_local *local = MEMORY_NEW(struct storage_local);
    local->storage.driver = &driver;
    local->storage.features = STORAGE_HAS_PATHS | STORAGE_HAS_SPACE;
    local->clock = clock;
    local->folder = -1;
    local->intent = -1;
    pthread_mutex_init(&local->intents, NULL);
    local->path = memory_strdup(path);
    bool make_folder = json_is_true(json_object_get(location, "create"));
    if (attach(local, create, make_folder, err) != 0 ||
        prepare_locks(local, json_object_get(location, "lock_mode"), err) != 0) {
        local_close(&local->storage);
        return NULL;
    }
    return &local->storage;
}
