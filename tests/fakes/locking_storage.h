#ifndef LONGHAUL_TESTS_FAKES_LOCKING_STORAGE_H
#define LONGHAUL_TESTS_FAKES_LOCKING_STORAGE_H

/* A storage with locks over one without: locks are in memory, end by the given clock, and hold against remove().
 * Objects tell that they are of 1970. Any thread. */

#include "transporter/storage/storage.h"

struct clock;
struct locking_storage;

/* over is closed with it. */
struct storage *locking_storage_new(struct storage *over, const struct clock *clock);
/* From now on locks are not taken: ERROR_UNSUPPORTED, as a driver that reads back and finds none. */
void locking_storage_refuse(struct storage *storage, bool refuse);
/* The n-th extend() from now fails with ERROR_UNAVAILABLE; 0: none does. */
void locking_storage_fail_extend(struct storage *storage, unsigned n);
/* Somebody who may has taken the lock away. */
void locking_storage_strip(struct storage *storage, const char *name);
/* Somebody has removed it for good, lock or not. */
void locking_storage_destroy(struct storage *storage, const char *name);
/* 0: no lock. */
int64_t locking_storage_until(struct storage *storage, const char *name);
/* Every object with a lock, or whose lock has ended. */
typedef void locking_storage_fn(void *ctx, const char *name, int64_t until);
void locking_storage_each(struct storage *storage, locking_storage_fn *found, void *ctx);

#endif
