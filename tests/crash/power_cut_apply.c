#include "common/base/memory.h"
#include "tests/crash/power_cut_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LOCK_ATTRIBUTE "user.longhaul.lock_until"

static bool
coin(void)
{
    uint64_t *seed = &power_cut.plan.seed;
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*seed >> 40 & 1) != 0;
}

/* Whether something that was not synced is there afterwards. */
static bool
is_kept(void)
{
    return power_cut.plan.mode == POWER_CUT_KEEPS || (power_cut.plan.mode == POWER_CUT_MIXES && coin());
}

static void
set_flag(int fd, bool on)
{
    int flags = 0;
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0)
        return;
    int wanted = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
    if (wanted != flags && ioctl(fd, FS_IOC_SETFLAGS, &wanted) != 0)
        abort();
}

static int
on_removed(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)type;
    (void)at;
    if (S_ISREG(st->st_mode)) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            set_flag(fd, false);
            close(fd);
        }
    }
    return remove(path);
}

void
power_cut_remove_tree(const char *path)
{
    if (access(path, F_OK) == 0 && nftw(path, on_removed, 16, FTW_DEPTH | FTW_PHYS) != 0)
        abort();
}

static void
write_file(const char *path, const struct durable_file *file)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0 || write(fd, file->data, file->len) != (ssize_t)file->len)
        abort();
    if (file->lock[0] != '\0' && fsetxattr(fd, LOCK_ATTRIBUTE, file->lock, strlen(file->lock), 0) != 0)
        abort();
    set_flag(fd, file->immutable);
    close(fd);
}

/* Of the bytes that were written and not synced. now.data NULL: the file is gone. */
static size_t
torn_len(const struct durable_file *synced, const struct durable_file *now)
{
    bool appended = now->len >= synced->len && (synced->len == 0 || memcmp(synced->data, now->data, synced->len) == 0);
    if (!appended)
        return is_kept() ? now->len : synced->len;
    if (!is_kept())
        return synced->len;
    return power_cut.plan.mode == POWER_CUT_KEEPS ? synced->len + (now->len - synced->len) / 2 : now->len;
}

static void
leave_file(ino_t ino, const char *now_path, const char *out)
{
    static const struct durable_file nothing = { .data = NULL };
    const struct inode *inode;
    struct durable_file now = nothing, left;
    HASH_FIND(hh, power_cut.inodes, &ino, sizeof(ino), inode);
    const struct durable_file *synced = inode == NULL ? &nothing : &inode->file;
    int fd = now_path == NULL ? -1 : open(now_path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        power_cut_read_file(fd, &now);
        close(fd);
        left = *synced;
        left.len = torn_len(synced, &now);
        bool appended = left.len > synced->len || synced->data == NULL;
        left.data = appended || left.len == now.len ? now.data : synced->data;
        if (is_kept())
            snprintf(left.lock, sizeof(left.lock), "%s", now.lock);
        if (is_kept())
            left.immutable = now.immutable;
    } else {
        left = *synced;
    }
    write_file(out, &left);
    free(now.data);
}

static ino_t
ino_of(const char *path, bool *is_folder)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return 0;
    *is_folder = S_ISDIR(st.st_mode);
    return st.st_ino;
}

static void leave_folder(ino_t ino, const char *now_path, const char *out);

/* now, synced: which inode has the name; 0: none. */
static void
leave_name(const char *now_folder, const char *name, ino_t synced, const char *out_folder)
{
    char now_path[PATH_MAX], out[PATH_MAX];
    bool is_folder = false;
    snprintf(now_path, sizeof(now_path), "%s/%s", now_folder == NULL ? "" : now_folder, name);
    snprintf(out, sizeof(out), "%s/%s", out_folder, name);
    ino_t now = now_folder == NULL ? 0 : ino_of(now_path, &is_folder);
    ino_t left = now == synced || !is_kept() ? synced : now;
    if (left == 0)
        return;
    const struct inode *inode;
    HASH_FIND(hh, power_cut.inodes, &left, sizeof(left), inode);
    if (left == now ? is_folder : inode != NULL && inode->is_folder)
        leave_folder(left, left == now ? now_path : NULL, out);
    else
        leave_file(left, left == now ? now_path : NULL, out);
}

static void
leave_folder(ino_t ino, const char *now_path, const char *out)
{
    const struct inode *inode;
    const struct durable_name *name, *next;
    DIR *dir = now_path == NULL ? NULL : opendir(now_path);
    if (mkdir(out, 0750) != 0)
        abort();
    HASH_FIND(hh, power_cut.inodes, &ino, sizeof(ino), inode);
    if (inode != NULL)
        HASH_ITER (hh, inode->names, name, next)
            leave_name(now_path, name->name, name->ino, out);
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        name = NULL;
        if (inode != NULL)
            HASH_FIND_STR(inode->names, entry->d_name, name);
        if (name == NULL && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            leave_name(now_path, entry->d_name, 0, out);
    }
    if (dir != NULL)
        closedir(dir);
}

void
power_cut_apply(void)
{
    char out[PATH_MAX + 8];
    bool is_folder;
    snprintf(out, sizeof(out), "%s.left", power_cut.root);
    leave_folder(ino_of(power_cut.root, &is_folder), power_cut.root, out);
    power_cut_remove_tree(power_cut.root);
    if (rename(out, power_cut.root) != 0)
        abort();
}
