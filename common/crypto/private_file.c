#include "common/crypto/private_file.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
fail_errno(struct error *err, const char *action, const char *path)
{
    int native = errno;
    return FAIL(err, error_kind_from_errno(native), native, "%s %s: %s", action, path, strerror(native));
}

static int
sync_parent(const char *path, struct error *err)
{
    CLEANUP(memory_free_p) char *parent = memory_strdup(path);
    char *slash = strrchr(parent, '/');
    if (slash == NULL)
        snprintf(parent, 2, ".");
    else
        slash[slash == parent ? 1 : 0] = '\0';
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(err, "open folder", parent);
    int rc = fsync(fd) == 0 ? 0 : fail_errno(err, "sync folder", parent);
    close(fd);
    return rc;
}

int
private_file_folder(const char *path, struct error *err)
{
    CLEANUP(memory_free_p) char *at = memory_strdup(path);
    if (*at == '\0')
        return FAIL(err, ERROR_CONFIG, 0, "the name of a folder is empty");
    for (char *p = at + 1;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char end = *p;
        *p = '\0';
        if (mkdir(at, 0700) == 0) {
            if (sync_parent(at, err) != 0)
                return -1;
        } else if (errno != EEXIST) {
            return fail_errno(err, "make folder", at);
        }
        *p = end;
        if (end == '\0')
            return 0;
    }
}

static int
write_all(int fd, const uint8_t *data, size_t len)
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

/* A complete, synced file under the name that the final one is made from. */
static int
write_new(const char *temporary, const void *data, size_t len, struct error *err)
{
    if (unlink(temporary) != 0 && errno != ENOENT)
        return fail_errno(err, "remove", temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_errno(err, "create", temporary);
    int rc = 0;
    if (fchmod(fd, 0600) != 0 || write_all(fd, data, len) != 0 || fsync(fd) != 0)
        rc = fail_errno(err, "write", temporary);
    if (close(fd) != 0 && rc == 0)
        rc = fail_errno(err, "write", temporary);
    if (rc != 0)
        unlink(temporary);
    return rc;
}

int
private_file_create(const char *path, const void *data, size_t len, struct error *err)
{
    CLEANUP(memory_free_p) char *temporary = memory_printf("%s.new", path);
    if (write_new(temporary, data, len, err) != 0)
        return -1;
    /* link(), unlike rename(), refuses a name that is taken. */
    int rc = link(temporary, path) == 0 ? 0 : fail_errno(err, "create", path);
    unlink(temporary);
    return rc == 0 ? sync_parent(path, err) : -1;
}

int
private_file_replace(const char *path, const void *data, size_t len, struct error *err)
{
    /* Several processes may replace one file at a time: the last one wins, none gets in another's way. */
    CLEANUP(memory_free_p) char *temporary = memory_printf("%s.%ld.new", path, (long)getpid());
    if (write_new(temporary, data, len, err) != 0)
        return -1;
    if (rename(temporary, path) != 0) {
        fail_errno(err, "replace", path);
        unlink(temporary);
        return -1;
    }
    return sync_parent(path, err);
}

static struct secret *
read_open(int fd, const char *path, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        fail_errno(err, "look at", path);
        return NULL;
    }
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0) {
        FAIL(err, ERROR_CONFIG, 0, "%s must be a file that only its owner can access: chmod 600 it", path);
        return NULL;
    }
    if (st.st_size < 0 || (uint64_t)st.st_size > SECRET_MAX) {
        FAIL(err, ERROR_LIMIT, 0, "%s has %lld bytes, %zu at the most", path, (long long)st.st_size, SECRET_MAX);
        return NULL;
    }
    struct secret *content = secret_reserve((size_t)st.st_size, err);
    if (content == NULL)
        return NULL;
    uint8_t *at = secret_bytes_mutable(content);
    size_t left = secret_len(content);
    while (left > 0) {
        ssize_t n = read(fd, at, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? EIO : errno;
            fail_errno(err, "read", path);
            secret_free(content);
            return NULL;
        }
        at += n;
        left -= (size_t)n;
    }
    return content;
}

struct secret *
private_file_read(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fail_errno(err, "open", path);
        return NULL;
    }
    struct secret *content = read_open(fd, path, err);
    close(fd);
    return content;
}
