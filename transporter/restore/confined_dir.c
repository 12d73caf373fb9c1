#include "transporter/restore/confined_dir.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/restore/safe_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NUMBERS_MAX 1000
#define DIR_FLAGS   (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct confined_dir {
    int root;
    int entered; /* the last sub-folder handed out, -1: none */
    char *path;  /* its path as asked for; NULL: none */
    char used[CONFINED_DIR_PATH_MAX];
};

/* Opens the child, making it when missing. -1 with errno. */
static int
open_child(int parent, const char *name)
{
    int fd = openat(parent, name, DIR_FLAGS);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST)
        return -1;
    return openat(parent, name, DIR_FLAGS);
}

/* Same, with another name when something that is no folder has this one. used gets the name taken. */
static int
open_child_numbered(int parent, const char *name, char used[SAFE_NAME_MAX + 1], struct error *err)
{
    snprintf(used, SAFE_NAME_MAX + 1, "%s", name);
    for (unsigned number = 2; number <= NUMBERS_MAX; number++) {
        int fd = open_child(parent, used);
        if (fd >= 0)
            return fd;
        if (errno != ENOTDIR && errno != ELOOP)
            break;
        safe_name_numbered(name, number, used);
    }
    return FAIL(err, error_kind_from_errno(errno), errno, "restore folder: make a sub-folder: %s", strerror(errno));
}

static int
open_root(const char *root, struct error *err)
{
    if (mkdir(root, 0700) != 0 && errno != EEXIST)
        return FAIL(err, error_kind_from_errno(errno), errno, "restore folder %s: %s", root, strerror(errno));
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return FAIL(err, error_kind_from_errno(errno), errno, "restore folder %s: %s", root, strerror(errno));
    return fd;
}

/* Replaces *fd by its child of that name. */
static int
descend(int *fd, const char *name, struct error *err)
{
    if (strcmp(name, "..") == 0 || strcmp(name, ".") == 0)
        return FAIL(err, ERROR_USAGE, 0, "restore to a folder: the path must not contain '%s'", name);
    char safe[SAFE_NAME_MAX + 1];
    char used[SAFE_NAME_MAX + 1];
    safe_name_file(name, safe);
    int child = open_child_numbered(*fd, safe, used, err);
    if (child < 0)
        return -1;
    close(*fd);
    *fd = child;
    return 0;
}

struct confined_dir *
confined_dir_open(const char *root, const char *below, struct error *err)
{
    if (below[0] == '/') {
        FAIL(err, ERROR_USAGE, 0, "restore to a folder: the path is relative to restore.folder, without a leading '/'");
        return NULL;
    }
    int fd = open_root(root, err);
    CLEANUP(memory_free_p) char *path = memory_strdup(below);
    char *rest = NULL;
    for (char *part = strtok_r(path, "/", &rest); fd >= 0 && part != NULL; part = strtok_r(NULL, "/", &rest)) {
        if (descend(&fd, part, err) != 0) {
            close(fd);
            return NULL;
        }
    }
    if (fd < 0)
        return NULL;
    struct confined_dir *dir = MEMORY_NEW(struct confined_dir);
    dir->root = fd;
    dir->entered = -1;
    return dir;
}

void
confined_dir_close(struct confined_dir *dir)
{
    if (dir == NULL)
        return;
    if (dir->entered >= 0)
        close(dir->entered);
    close(dir->root);
    free(dir->path);
    free(dir);
}

void
confined_dir_close_p(struct confined_dir **dir)
{
    confined_dir_close(*dir);
    *dir = NULL;
}

int
confined_dir_fd(const struct confined_dir *dir)
{
    return dir->root;
}

/* Goes down from the folder, one component after the other. */
static int
walk_down(struct confined_dir *dir, char *path, struct error *err)
{
    char *rest = NULL;
    for (char *part = strtok_r(path, "/", &rest); part != NULL; part = strtok_r(NULL, "/", &rest)) {
        char safe[SAFE_NAME_MAX + 1];
        char used[SAFE_NAME_MAX + 1];
        safe_name_file(part, safe);
        int child = open_child_numbered(dir->entered, safe, used, err);
        if (child < 0)
            return -1;
        close(dir->entered);
        dir->entered = child;
        size_t len = strlen(dir->used);
        snprintf(dir->used + len, sizeof(dir->used) - len, "%s/", used);
    }
    return 0;
}

int
confined_dir_enter(struct confined_dir *dir, const char *path, int *fd, char *used, size_t used_size, struct error *err)
{
    if (dir->path == NULL || strcmp(dir->path, path) != 0) {
        if (dir->entered >= 0)
            close(dir->entered);
        free(dir->path);
        dir->path = NULL;
        dir->used[0] = '\0';
        dir->entered = fcntl(dir->root, F_DUPFD_CLOEXEC, 0);
        if (dir->entered < 0)
            return FAIL(err, ERROR_IO, errno, "restore folder: %s", strerror(errno));
        CLEANUP(memory_free_p) char *copy = memory_strdup(path);
        if (walk_down(dir, copy, err) != 0)
            return -1;
        dir->path = memory_strdup(path);
    }
    *fd = dir->entered;
    if (used != NULL)
        snprintf(used, used_size, "%s", dir->used);
    return 0;
}
