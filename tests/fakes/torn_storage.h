#ifndef LONGHAUL_TESTS_FAKES_TORN_STORAGE_H
#define LONGHAUL_TESTS_FAKES_TORN_STORAGE_H

/* Storage in memory that keeps the contract of transporter/storage/storage.h until a fault strikes. What it holds
 * outlives being closed, as a disk does. Thread-safe. */

#include "common/base/error.h"
#include "transporter/storage/storage.h"

struct torn_storage;

enum torn_mode {
    TORN_NONE,
    TORN_CALL_FAILS,       /* one call fails and does nothing */
    TORN_ANSWER_LOST,      /* one call that changes something does so, and fails */
    TORN_POWER_LOST,       /* a call that changes something does not, and everything after it fails */
    TORN_POWER_LOST_AFTER, /* it does, nobody hears of it, and everything after it fails */
    TORN_WRITE_TORN,       /* of what it puts the first half is left, and everything after it fails */
    TORN_WRITE_ZEROED      /* it has its size, and zeros from the middle's 4 KiB block on */
};

struct torn_fault {
    enum torn_mode mode;
    uint64_t at; /* 0: the first call from now on that counts in this mode */
    enum error_kind kind;
};

/* What it claims and does; zeroes: everything right. For what probes must find out. */
struct torn_lies {
    bool replaces;     /* a second put replaces the object */
    bool no_locks;     /* objects under locks can be removed */
    bool hides_locks;  /* stat() tells none */
    bool read_only;    /* puts are denied */
    bool other_bytes;  /* get() gives something else */
    bool never_remove; /* removing is denied */
};

/* clock is borrowed for life. */
struct torn_storage *torn_storage_new(const struct clock *clock, unsigned features);
void torn_storage_free(struct torn_storage *torn);
/* To be closed with storage_close(); one at a time. Power is back. */
struct storage *torn_storage_open(struct torn_storage *torn);

void torn_storage_set_fault(struct torn_storage *torn, const struct torn_fault *fault);
void torn_storage_set_lies(struct torn_storage *torn, const struct torn_lies *lies);
/* Whether the fault has come about. */
bool torn_storage_struck(const struct torn_storage *torn);
/* Makes `to` hold exactly what `from` holds. */
void torn_storage_copy(struct torn_storage *to, const struct torn_storage *from);
size_t torn_storage_objects(const struct torn_storage *torn);

#endif
