#ifndef LONGHAUL_TESTS_CRASH_POWER_CUT_INTERNAL_H
#define LONGHAUL_TESTS_CRASH_POWER_CUT_INTERNAL_H

#include "tests/crash/power_cut.h"

#include <limits.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <uthash.h>

/* What is durable of an inode. */
struct durable_file {
    uint8_t *data;
    size_t len;
    char lock[32]; /* the attribute of a lock; "" none */
    bool immutable;
};

struct durable_name {
    char name[NAME_MAX + 1];
    ino_t ino;
    UT_hash_handle hh;
};

struct inode {
    ino_t ino;
    bool is_folder;
    int held; /* descriptor that keeps a removed inode's number from being used again; -1 */
    struct durable_file file;
    struct durable_name *names; /* of a folder */
    UT_hash_handle hh;
};

struct power_cut {
    pthread_mutex_t lock;
    char root[PATH_MAX];
    struct power_cut_plan plan;
    bool on, struck, dark;
    uint64_t counted;
    struct inode *inodes;
};

extern struct power_cut power_cut;

/* All with the lock held, and without the wrapped calls. */
struct inode *power_cut_inode(ino_t ino, bool is_folder);
void power_cut_note_file(int fd);
void power_cut_note_folder(int fd);
void power_cut_forget_file(ino_t ino);
void power_cut_read_file(int fd, struct durable_file *file);
void power_cut_apply(void);
void power_cut_remove_tree(const char *path);
void power_cut_clear(void);

/* The calls themselves. */
int __real_openat(int folder, const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);

#endif
