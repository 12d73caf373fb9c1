#ifndef LONGHAUL_TRANSPORTER_STORAGE_STORAGE_H
#define LONGHAUL_TRANSPORTER_STORAGE_STORAGE_H

/* Where a repository's objects lie: the contract of every storage driver. Calls block; any thread, several at a time.
 *
 * Names are paths of 1 to 4 parts joined by '/'; a part is 1 to 64 of [a-z0-9-], not starting with '-'. Objects are
 * written once and never change. "Unavailable" (not mounted, unreachable), "not found", "damaged", "refused" and "held
 * by a lock" are different errors: ERROR_UNAVAILABLE, ERROR_NOT_FOUND, ERROR_CORRUPT, ERROR_DENIED, ERROR_LOCKED.
 *
 * A lock keeps an object from being removed or replaced, by anybody, until a time (ms since 1970; 0: no lock). Drivers
 * hand it to what the storage itself enforces, and believe it only when the storage tells it back. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock;
struct error;
struct storage;

#define STORAGE_NAME_LEN 264 /* with the NUL */

/* Feature bits. */
#define STORAGE_HAS_PATHS (1U << 0) /* path() gives a local file that may be mapped */
#define STORAGE_HAS_SPACE (1U << 1) /* space() knows */
#define STORAGE_HAS_LOCKS (1U << 2) /* the location says that it enforces locks; a probe shows it */

struct storage_stat {
    uint64_t size;
    int64_t modified_ms;
    int64_t lock_until_ms; /* 0: none; list() leaves it 0 */
};

/* Return -1 (err set) to stop. name is the full object name. */
typedef int storage_found_fn(void *ctx, const char *name, const struct storage_stat *stat, struct error *err);
typedef int storage_block_fn(void *ctx, const uint8_t *data, size_t len, struct error *err);

/* Bytes in memory, or (data NULL) of a file from its beginning; fd is read with pread() and stays open. */
struct storage_content {
    const void *data;
    int fd;
    uint64_t size;
};

struct storage_driver {
    const char *scheme; /* "local" */
    /* Atomic (readers see all or nothing) and durable when it returns 0, with its lock in force. ERROR_EXISTS when the
     * name is taken, whatever its bytes. ERROR_NO_SPACE leaves nothing behind. A lock that the storage does not take,
     * or takes and does not show, is ERROR_UNSUPPORTED: the object may then be there without it. */
    int (*put)(struct storage *storage, const char *name, const struct storage_content *content, int64_t lock_until_ms,
               struct error *err);
    /* *data is allocated, the caller frees it. ERROR_LIMIT when larger than ceiling. */
    int (*get)(struct storage *storage, const char *name, size_t ceiling, uint8_t **data, size_t *len,
               struct error *err);
    /* Blocks of at most 1 MiB in order. A range beyond the end is ERROR_CORRUPT. */
    int (*get_range)(struct storage *storage, const char *name, uint64_t offset, uint64_t len, storage_block_fn *sink,
                     void *ctx, struct error *err);
    /* Every object below prefix (whole parts), in no order. Nothing there is fine. */
    int (*list)(struct storage *storage, const char *prefix, storage_found_fn *found, void *ctx, struct error *err);
    int (*stat)(struct storage *storage, const char *name, struct storage_stat *stat, struct error *err);
    /* Removing what is not there is ERROR_NOT_FOUND, what a lock holds ERROR_LOCKED. Where the storage keeps versions,
     * the data itself goes, not only its name. */
    int (*remove)(struct storage *storage, const char *name, struct error *err);
    /* With STORAGE_HAS_LOCKS: makes the lock last at least until then. Never shortens one; 0 when it lasts longer. */
    int (*extend)(struct storage *storage, const char *name, int64_t lock_until_ms, struct error *err);
    /* Bytes that can still be written; with STORAGE_HAS_SPACE. */
    int (*space)(struct storage *storage, uint64_t *free_bytes, struct error *err);
    /* The object's file, allocated; with STORAGE_HAS_PATHS. */
    int (*path)(struct storage *storage, const char *name, char **path, struct error *err);
    void (*close)(struct storage *storage);
};

/* Calls so far; a steady state shows as lists that do not grow. */
struct storage_counters {
    atomic_uint_fast64_t puts, gets, lists, stats, removes, extends;
};

/* What every driver's own struct starts with. */
struct storage {
    const struct storage_driver *driver;
    unsigned features; /* of this location */
    struct storage_counters counters;
};

/* location: the JSON of a sealed "storage" secret, as {"driver":"local","path":"/srv/backup"}. ERROR_CONFIG when it
 * makes no sense. create: make an empty location into a repository; without it a location that was never attached, or
 * whose marker is gone (a disk that is not mounted), is ERROR_UNAVAILABLE. */
struct storage *storage_open(const char *location, size_t len, const struct clock *clock, bool create,
                             struct error *err);
void storage_close(struct storage *storage);
void storage_close_p(struct storage **storage);

bool storage_name_valid(const char *name);

int storage_put(struct storage *storage, const char *name, const void *data, size_t len, int64_t lock_until_ms,
                struct error *err);
/* The file's whole content. */
int storage_put_file(struct storage *storage, const char *name, int fd, uint64_t size, int64_t lock_until_ms,
                     struct error *err);
int storage_get(struct storage *storage, const char *name, size_t ceiling, uint8_t **data, size_t *len,
                struct error *err);
int storage_get_range(struct storage *storage, const char *name, uint64_t offset, uint64_t len, storage_block_fn *sink,
                      void *ctx, struct error *err);
int storage_list(struct storage *storage, const char *prefix, storage_found_fn *found, void *ctx, struct error *err);
int storage_stat(struct storage *storage, const char *name, struct storage_stat *stat, struct error *err);
int storage_remove(struct storage *storage, const char *name, struct error *err);
int storage_space(struct storage *storage, uint64_t *free_bytes, struct error *err);
/* ERROR_UNSUPPORTED without STORAGE_HAS_LOCKS. */
int storage_extend(struct storage *storage, const char *name, int64_t lock_until_ms, struct error *err);

#define STORAGE_PROBE_PREFIX "probe" /* objects of probes lie below it; no vault has this id */

/* What a location really does, found by trying. */
struct storage_probe {
    bool writes_once; /* a second write to a name was refused and changed nothing */
    bool locks;       /* an object under a lock could not be removed, and the storage tells the lock */
    char words[512];  /* for the operator: what was tried and seen; what to change where it falls short */
};

/* Writes a small object, reads it back, tries to replace it, and, where the location claims locks, tries to remove one
 * that is held for a minute (which stays behind; the next probe removes it). 0 whatever it found; -1 when it could not
 * find out: the location cannot be written, read or reached. */
int storage_probe(struct storage *storage, const struct clock *clock, struct storage_probe *probe, struct error *err);
/* ERROR_UNSUPPORTED when the location falls short of what it claims or what every location must do. */
int storage_probe_judge(const struct storage *storage, const struct storage_probe *probe, struct error *err);

#endif
