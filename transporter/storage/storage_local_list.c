#include "common/base/error.h"
#include "transporter/storage/storage_local_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct listing {
    const struct storage_local *local;
    storage_found_fn *found;
    void *ctx;
};

#define DEPTH_MAX 5

static int list_folder(const struct listing *listing, int folder, const char *name, int depth, struct error *err);

static int
tell_object(const struct listing *listing, const char *name, const struct stat *st, struct error *err)
{
    struct storage_stat stat = {
        .size = (uint64_t)st->st_size,
        .modified_ms = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000,
    };
    return storage_name_valid(name) ? listing->found(listing->ctx, name, &stat, err) : 0;
}

/* name: of the folder, in object names: the "_ef" folders are not part of it. */
static int
list_entry(const struct listing *listing, int folder, const char *name, const char *entry, int depth, struct error *err)
{
    char below[STORAGE_NAME_LEN];
    struct stat st;
    if (entry[0] == '.')
        return 0;
    if (fstatat(folder, entry, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : storage_local_fail(listing->local, "listing", name, errno, err);
    bool fan_out = entry[0] == '_';
    int n = fan_out ? snprintf(below, sizeof(below), "%s", name)
                    : snprintf(below, sizeof(below), "%s%s%s", name, name[0] == '\0' ? "" : "/", entry);
    if (n < 0 || (size_t)n >= sizeof(below))
        return 0;
    if (S_ISREG(st.st_mode))
        return tell_object(listing, below, &st, err);
    if (!S_ISDIR(st.st_mode) || depth >= DEPTH_MAX)
        return 0;
    int child = openat(folder, entry, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (child < 0)
        return errno == ENOENT ? 0 : storage_local_fail(listing->local, "listing", name, errno, err);
    return list_folder(listing, child, below, depth + 1, err);
}

/* Takes the descriptor. */
static int
list_folder(const struct listing *listing, int folder, const char *name, int depth, struct error *err)
{
    DIR *dir = fdopendir(folder);
    if (dir == NULL) {
        int native = errno;
        close(folder);
        return storage_local_fail(listing->local, "listing", name, native, err);
    }
    int failed = 0;
    while (failed == 0) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            /* A listing that breaks off must not look like a short one. */
            if (errno != 0)
                failed = storage_local_fail(listing->local, "listing", name, errno, err);
            break;
        }
        failed = list_entry(listing, dirfd(dir), name, entry->d_name, depth, err);
    }
    closedir(dir);
    return failed == 0 ? 0 : -1;
}

int
storage_local_list(struct storage *storage, const char *prefix, storage_found_fn *found, void *ctx, struct error *err)
{
    const struct storage_local *local = (const struct storage_local *)storage;
    struct listing listing = { local, found, ctx };
    int folder = openat(local->folder, prefix, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (folder >= 0)
        return list_folder(&listing, folder, prefix, 1, err);
    struct error why = ERROR_INIT;
    storage_local_fail(local, "listing", prefix, errno, &why);
    if (why.kind == ERROR_NOT_FOUND)
        return 0;
    if (err != NULL)
        *err = why;
    return -1;
}
