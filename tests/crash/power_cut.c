#include "tests/crash/power_cut.h"

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

struct power_cut power_cut = { .lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP };

int __real_ioctl(int fd, unsigned long request, ...);

struct inode *
power_cut_inode(ino_t ino, bool is_folder)
{
    struct inode *inode;
    HASH_FIND(hh, power_cut.inodes, &ino, sizeof(ino), inode);
    if (inode == NULL) {
        inode = MEMORY_NEW(struct inode);
        inode->ino = ino;
        inode->is_folder = is_folder;
        inode->held = -1;
        HASH_ADD(hh, power_cut.inodes, ino, sizeof(ino), inode);
    }
    return inode;
}

void
power_cut_read_file(int fd, struct durable_file *file)
{
    char self[40];
    struct stat st;
    int flags = 0;
    snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    int in = __real_open(self, O_RDONLY | O_CLOEXEC);
    memset(file, 0, sizeof(*file));
    if (in < 0 || fstat(in, &st) != 0)
        abort();
    file->data = memory_new((size_t)st.st_size + 1);
    for (ssize_t n; (n = read(in, file->data + file->len, (size_t)st.st_size - file->len)) > 0;)
        file->len += (size_t)n;
    ssize_t n = fgetxattr(in, LOCK_ATTRIBUTE, file->lock, sizeof(file->lock) - 1);
    file->lock[n < 0 ? 0 : n] = '\0';
    file->immutable = __real_ioctl(in, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_IMMUTABLE_FL) != 0;
    close(in);
}

void
power_cut_note_file(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        abort();
    struct inode *inode = power_cut_inode(st.st_ino, false);
    free(inode->file.data);
    power_cut_read_file(fd, &inode->file);
}

static void
clear_names(struct inode *inode)
{
    struct durable_name *name, *next;
    HASH_ITER (hh, inode->names, name, next) {
        HASH_DEL(inode->names, name);
        free(name);
    }
}

void
power_cut_note_folder(int fd)
{
    struct stat st;
    int again = __real_openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = again < 0 ? NULL : fdopendir(again);
    if (dir == NULL || fstat(fd, &st) != 0)
        abort();
    struct inode *inode = power_cut_inode(st.st_ino, true);
    clear_names(inode);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        struct durable_name *name = MEMORY_NEW(struct durable_name);
        snprintf(name->name, sizeof(name->name), "%s", entry->d_name);
        name->ino = entry->d_ino;
        HASH_ADD_STR(inode->names, name, name);
    }
    closedir(dir);
}

void
power_cut_forget_file(ino_t ino)
{
    struct inode *inode;
    HASH_FIND(hh, power_cut.inodes, &ino, sizeof(ino), inode);
    if (inode == NULL)
        return;
    free(inode->file.data);
    memset(&inode->file, 0, sizeof(inode->file));
}

void
power_cut_clear(void)
{
    struct inode *inode, *next;
    HASH_ITER (hh, power_cut.inodes, inode, next) {
        HASH_DEL(power_cut.inodes, inode);
        clear_names(inode);
        if (inode->held >= 0)
            close(inode->held);
        free(inode->file.data);
        free(inode);
    }
}

static int
on_durable(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)type;
    (void)at;
    int fd = __real_open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (S_ISDIR(st->st_mode))
        power_cut_note_folder(fd);
    else
        power_cut_note_file(fd);
    close(fd);
    return 0;
}

void
power_cut_begin(const char *root, const struct power_cut_plan *plan)
{
    pthread_mutex_lock(&power_cut.lock);
    power_cut_clear();
    snprintf(power_cut.root, sizeof(power_cut.root), "%s", root);
    power_cut.plan = *plan;
    power_cut.struck = power_cut.dark = false;
    power_cut.counted = 0;
    if (nftw(root, on_durable, 16, FTW_PHYS) != 0)
        abort();
    power_cut.on = true;
    pthread_mutex_unlock(&power_cut.lock);
}

bool
power_cut_struck(void)
{
    return power_cut.struck;
}

void
power_cut_now(void)
{
    pthread_mutex_lock(&power_cut.lock);
    power_cut.dark = power_cut.plan.mode >= POWER_CUT_LOSES && power_cut.plan.mode <= POWER_CUT_MIXES;
    pthread_mutex_unlock(&power_cut.lock);
}

void
power_cut_end(void)
{
    pthread_mutex_lock(&power_cut.lock);
    power_cut.on = false;
    if (power_cut.dark)
        power_cut_apply();
    power_cut.dark = false;
    power_cut_clear();
    pthread_mutex_unlock(&power_cut.lock);
}
