#ifndef LONGHAUL_TRANSPORTER_STORAGE_STORAGE_LOCAL_INTERNAL_H
#define LONGHAUL_TRANSPORTER_STORAGE_STORAGE_LOCAL_INTERNAL_H

#include "transporter/storage/storage_internal.h"

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
};

void storage_local_object_path(const char *name, char out[STORAGE_LOCAL_PATH_LEN]);
/* Same words for the same failure everywhere. Returns -1. */
int storage_local_fail(const struct storage_local *local, const char *what, const char *name, int native,
                       struct error *err);

int storage_local_put(struct storage *storage, const char *name, const struct storage_content *content,
                      int64_t lock_until_ms, struct error *err);
int storage_local_list(struct storage *storage, const char *prefix, storage_found_fn *found, void *ctx,
                       struct error *err);

#endif
