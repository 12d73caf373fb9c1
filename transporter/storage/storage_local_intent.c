#include "common/base/error.h"
#include "common/base/identifier.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "transporter/storage/storage_local_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file per process that has the repository open and locks objects: the names of those whose flag may be missing now,
 * a line each. The process holds a lock on its file as long as it lives, so a file that can be locked is a dead one's.
 */

#define INTENT        ".longhaul-intent"
#define INTENT_LEN    (sizeof(INTENT) + IDENTIFIER_LEN + 1)
#define TAKE_ATTEMPTS 8

/* Another process may have found it before it was locked, and removed it as a dead one's. Returns 0 or an errno. */
static int
take(struct storage_local *local)
{
    for (int i = 0; i < TAKE_ATTEMPTS; i++) {
        char name[INTENT_LEN], id[IDENTIFIER_LEN];
        struct stat st;
        identifier_new(local->clock, "x", id);
        snprintf(name, sizeof(name), "%s-%s", INTENT, id);
        int fd = openat(local->folder, name, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
        if (fd < 0)
            return errno;
        if (flock(fd, LOCK_EX) == 0 && fstat(fd, &st) == 0 && st.st_nlink > 0 && fsync(local->folder) == 0) {
            local->intent = fd;
            local->intent_name = memory_strdup(name);
            return 0;
        }
        close(fd);
        (void)unlinkat(local->folder, name, 0);
    }
    return EBUSY;
}

static int
append(int fd, const char *name)
{
    char line[STORAGE_NAME_LEN + 1];
    int len = snprintf(line, sizeof(line), "%s\n", name);
    ssize_t n = write(fd, line, (size_t)len);
    if (n != len)
        return n < 0 ? errno : ENOSPC;
    return fdatasync(fd) == 0 ? 0 : errno;
}

int
storage_local_intent_begin(struct storage_local *local, const char *name)
{
    pthread_mutex_lock(&local->intents);
    int failed = local->intent < 0 ? take(local) : 0;
    if (failed == 0)
        failed = append(local->intent, name);
    if (failed == 0)
        local->intent_count++;
    pthread_mutex_unlock(&local->intents);
    return failed;
}

void
storage_local_intent_end(struct storage_local *local, bool done)
{
    pthread_mutex_lock(&local->intents);
    local->intent_count--;
    local->intent_kept = local->intent_kept || !done;
    /* What stays of it when that is not durable is repaired without need, and no harm. */
    if (local->intent_count == 0 && !local->intent_kept && ftruncate(local->intent, 0) != 0)
        local->intent_kept = true;
    pthread_mutex_unlock(&local->intents);
}

void
storage_local_intent_close(struct storage_local *local)
{
    if (local->intent < 0)
        return;
    if (!local->intent_kept)
        (void)unlinkat(local->folder, local->intent_name, 0);
    close(local->intent);
    free(local->intent_name);
}

static int
repair_named(const struct storage_local *local, FILE *in, struct error *err)
{
    char line[STORAGE_NAME_LEN + 2];
    while (fgets(line, sizeof(line), in) != NULL) {
        size_t len = strlen(line);
        /* Without its end it was never durable, so nothing was begun. */
        if (len == 0 || line[len - 1] != '\n')
            continue;
        line[len - 1] = '\0';
        if (storage_name_valid(line) && storage_local_lock_repair(local, line, err) != 0)
            return -1;
    }
    return ferror(in) ? storage_local_fail(local, "reading", "the list of locks", errno, err) : 0;
}

static int
repair_file(const struct storage_local *local, const char *name, struct error *err)
{
    int fd = openat(local->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
    if (in == NULL) {
        int native = errno;
        if (fd >= 0)
            close(fd);
        return native == ENOENT ? 0 : storage_local_fail(local, "reading", "the list of locks", native, err);
    }
    int failed = 0;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        failed = repair_named(local, in, err);
        if (failed == 0 && unlinkat(local->folder, name, 0) == 0)
            log_info("storage", "locks checked after a stop in their midst storage=%s", local->path);
    }
    fclose(in);
    return failed;
}

int
storage_local_intent_repair(const struct storage_local *local, struct error *err)
{
    int fd = openat(local->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        int native = errno;
        if (fd >= 0)
            close(fd);
        return storage_local_fail(local, "listing", "the folder", native, err);
    }
    int failed = 0;
    for (const struct dirent *entry; failed == 0 && (entry = readdir(dir)) != NULL;)
        if (strncmp(entry->d_name, INTENT "-", sizeof(INTENT)) == 0)
            failed = repair_file(local, entry->d_name, err);
    closedir(dir);
    return failed;
}
