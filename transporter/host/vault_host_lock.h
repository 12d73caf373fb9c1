#ifndef LONGHAUL_TRANSPORTER_HOST_VAULT_HOST_LOCK_H
#define LONGHAUL_TRANSPORTER_HOST_VAULT_HOST_LOCK_H

/* The locks of a vault's objects. A point of an immutable run is promised to stay for some days, with all it needs:
 * the host cannot see what that is, so it holds everything that anybody may still need: the format object, the key
 * slots and every pack. Index segments have no lock: they are made anew from the packs, and a merge removes them.
 * What nothing needs any more for good (vault_host_bury()) is left to run out. Any thread. */

#include "common/vault/chunk.h"

#include <stdbool.h>
#include <stdint.h>

struct error;
struct vault_host;
struct vault_host_owner;

/* ERROR_UNSUPPORTED when the owner's objects are to be locked and the storage cannot; ERROR_DENIED when for longer than
 * this host allows. 0 for an owner without locks, or NULL. */
int vault_host_check_lock(struct vault_host *host, const struct vault_host_owner *owner, struct error *err);
/* Until when an object that is written now is locked; 0: not. What comes without a lock of its own into a vault that
 * has a locked point gets what that point was promised. */
int64_t vault_host_put_until(struct vault_host *host, const struct vault_host_owner *owner);

/* done of total objects have been looked after; at most every LOCK_EXTEND_BATCH objects. Return -1 to stop. */
typedef int vault_host_hold_fn(void *ctx, uint64_t done, uint64_t total, struct error *err);

/* Makes the locks of everything that is needed last for the owner's days from now, those that do not already for some
 * time more. Goes on where an attempt that failed has ended. *until: what is held for certain. progress may be NULL.
 * ERROR_CONFLICT when the storage has lost a pack: the run that needs it must begin again. */
int vault_host_hold(struct vault_host *host, const struct vault_host_owner *owner, vault_host_hold_fn *progress,
                    void *ctx, int64_t *until, struct error *err);
/* A point that is promised this has been committed. */
void vault_host_promise(struct vault_host *host, int64_t until);

/* Nothing will ever need this object again. For a sweep that has found it unmarked and may remove it, but for its
 * lock. */
void vault_host_bury(struct vault_host *host, enum object_class class, const char *name);

struct vault_host_locks {
    bool supported;            /* the storage has locks */
    int64_t now, promise;      /* promise: 0 when no point was locked */
    uint64_t objects;          /* needed: format, key slots, packs */
    uint64_t locked, without;  /* of these: held now; was held once, or is not known to be */
    uint64_t short_of_promise; /* of these: ends before the promise */
    uint64_t dead;             /* packs that are only waiting for their lock to end */
    int64_t earliest, latest;  /* of `locked` */
    uint64_t checked, missing; /* the storage told the lock just now; it does not have the object */
    uint64_t extended;         /* just now, as they fell short of the promise */
};
/* Counts from the ledger; with `check` every object's lock is asked of the storage and the ledger corrected, and what
 * falls short of the promise is extended. */
int vault_host_locks(struct vault_host *host, bool check, struct vault_host_locks *locks, struct error *err);

#endif
