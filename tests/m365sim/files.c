#include "tests/m365sim/files.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FAIL_ERRNO(err, what) FAIL((err), error_kind_from_errno(errno), errno, "%s: %s", (what), strerror(errno))

int
files_temporary(const char *folder, struct error *err)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return FAIL_ERRNO(err, folder);
    return fd;
}

int
files_write_at(int fd, const void *data, size_t len, uint64_t offset, struct error *err)
{
    const char *p = data;
    while (len > 0) {
        ssize_t n = pwrite(fd, p, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FAIL_ERRNO(err, "write");
        p += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

int
files_copy(int from, int to, uint64_t offset, uint64_t len, struct error *err)
{
    off_t in = 0, out = (off_t)offset;
    while (len > 0) {
        size_t want = len > (64u << 20) ? 64u << 20 : (size_t)len;
        ssize_t n = copy_file_range(from, &in, to, &out, want, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FAIL_ERRNO(err, "copy");
        if (n == 0)
            return FAIL(err, ERROR_IO, 0, "copy: the source is shorter than expected");
        len -= (uint64_t)n;
    }
    return 0;
}

char *
files_read(const char *path, size_t ceiling, size_t *len, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0) {
        FAIL_ERRNO(err, path);
        return NULL;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        FAIL(err, ERROR_IO, 0, "%s: is not a file", path);
        close(fd);
        return NULL;
    }
    char *data = memory_array((size_t)st.st_size + 1, 1, ceiling + 1, err);
    size_t have = 0;
    while (data != NULL && have < (size_t)st.st_size) {
        ssize_t n = read(fd, data + have, (size_t)st.st_size - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    close(fd);
    if (data != NULL)
        *len = have;
    return data;
}

int
files_replace(const char *path, const void *data, size_t len, struct error *err)
{
    CLEANUP(memory_free_p) char *beside = memory_printf("%s.new", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return FAIL_ERRNO(err, beside);
    int result = files_write_at(fd, data, len, 0, err);
    close(fd);
    if (result == 0 && rename(beside, path) != 0)
        result = FAIL_ERRNO(err, path);
    if (result != 0)
        unlink(beside);
    return result;
}

int
files_make_folder(const char *path, struct error *err)
{
    CLEANUP(memory_free_p) char *copy = memory_strdup(path);
    for (char *p = copy + 1;; p++) {
        char c = *p;
        if (c != '/' && c != '\0')
            continue;
        *p = '\0';
        if (mkdir(copy, 0755) != 0 && errno != EEXIST)
            return FAIL_ERRNO(err, copy);
        *p = c;
        if (c == '\0')
            return 0;
    }
}

static int
on_walk_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int
files_remove_tree(const char *path, struct error *err)
{
    if (nftw(path, on_walk_entry, 32, FTW_DEPTH | FTW_PHYS) != 0)
        return FAIL_ERRNO(err, path);
    return 0;
}
