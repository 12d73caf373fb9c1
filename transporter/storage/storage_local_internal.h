#ifndef LONGHAUL_TRANSPORTER_STORAGE_STORAGE_LOCAL_INTERNAL_H
#define LONGHAUL_TRANSPORTER_STORAGE_STORAGE_LOCAL_INTERNAL_H

#include "transporter/storage/storage_internal.h"

#include <pthread.h>

/* Object a/b/cdef lies in a/b/_ef/cdef: a folder never grows with the number of objects alone, and '_' is in no
 * object's name. Everything is opened relative to the repository's folder, which is held open: a file system that is
 * mounted over it, or taken away, later is never mistaken for it. */

#define STORAGE_LOCAL_MARKER   ".longhaul-repository"
#define STORAGE_LOCAL_TEMP     ".longhaul-temp"
#define STORAGE_LOCAL_PATH_LEN (STORAGE_NAME_LEN + 4)
#define STORAGE_LOCAL_BLOCK    ((size_t)1 << 20)

struct storage_local {
    struct storage storage;
    const struct clock *clock;
    char *path;
    int folder;
    bool no_tmpfile; /* learnt: the file system has no O_TMPFILE */

    pthread_mutex_t intents; /* of all below */
    int intent;              /* this process's list of objects whose flag is being set; -1: none yet */
    char *intent_name;
    unsigned intent_count;
    bool intent_kept; /* one failed: whoever opens the repository next looks after it */
};

void storage_local_object_path(const char *name, char out[STORAGE_LOCAL_PATH_LEN]);
/* Same words for the same failure everywhere. Returns -1. */
int storage_local_fail(const struct storage_local *local, const char *what, const char *name, int native,
                       struct error *err);

int storage_local_put(struct storage *storage, const char *name, const struct storage_content *content,
                      int64_t lock_until_ms, struct error *err);
/* Locks (location: "lock_mode":"immutable"). An object carries the time as an attribute, and the immutable flag holds
 * it and the attribute. The flag comes last and cannot be set with a file that gets a name yet: so the names of objects
 * under way are made durable first (intents), and whoever opens the repository after a crash sets the missing flags.
 * What is past its time keeps its flag until it is removed. */

/* 0 when flag and attributes work here for this process; ERROR_CONFIG and ERROR_UNSUPPORTED say what is missing. */
int storage_local_lock_try(const struct storage_local *local, struct error *err);
/* Of a file that has no flag. These two return 0 or an errno; set is durable, with all of the file. */
int storage_local_lock_note(int fd, int64_t until);
int storage_local_lock_set(int fd);
/* *until: 0 when no flag enforces it. */
int storage_local_lock_read(const struct storage_local *local, const char *name, int64_t *until, struct error *err);
/* Sets the flag where the time says so. An object that is not there is fine. */
int storage_local_lock_repair(const struct storage_local *local, const char *name, struct error *err);

/* 0 or an errno: durable. Every one is ended; done: the flag is set. */
int storage_local_intent_begin(struct storage_local *local, const char *name);
void storage_local_intent_end(struct storage_local *local, bool done);
void storage_local_intent_close(struct storage_local *local);
/* Looks after those of processes that live no more. */
int storage_local_intent_repair(const struct storage_local *local, struct error *err);

int storage_local_remove(struct storage *storage, const char *name, struct error *err);
int storage_local_extend(struct storage *storage, const char *name, int64_t lock_until_ms, struct error *err);
int storage_local_list(struct storage *storage, const char *prefix, storage_found_fn *found, void *ctx,
                       struct error *err);

#endif
