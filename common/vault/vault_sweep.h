#ifndef LONGHAUL_COMMON_VAULT_VAULT_SWEEP_H
#define LONGHAUL_COMMON_VAULT_VAULT_SWEEP_H

/* Retention by who holds the vault's key: retires recovery points and what only they need, rewrites packs that are
 * mostly dead, and removes what was retired long enough ago. Safe beside running backups, restores and copies, and when
 * it is killed anywhere; the rules and why are in proto/FORMAT.md, "Retire journal". One thread. */

#include "common/base/identifier.h"
#include "common/vault/chunk.h"

#include <stdbool.h>

struct error;
struct vault;

#define VAULT_SWEEP_UNDO_MS  ((uint64_t)7 * 24 * 3600 * 1000)
#define VAULT_SWEEP_YOUNG_MS ((uint64_t)24 * 3600 * 1000)
#define VAULT_SWEEP_DEAD     300 /* permille */

struct vault_sweep_progress {
    const char *phase; /* "mark", "rewrite", "wait", "remove" */
    uint64_t points_done, points_total;
    uint64_t chunks_marked, chunks_total;
    uint64_t bytes_rewritten, bytes_freed;
};

struct vault_sweep_options {
    const char *const *expire; /* points to retire; those that are retired already are fine */
    size_t expire_count;
    uint64_t undo_ms;       /* how long what is retired now can be brought back */
    uint64_t young_ms;      /* packs stored more lately are left alone: a run that is under way needs them */
    uint32_t dead_permille; /* packs of which at least so much is dead are rewritten; above 1000: none */
    bool dry_run;           /* nothing is retired, closed or removed; the result says what would be retired */
    size_t memory_bytes;    /* cache of opened groups; 0: 16 MiB */
    const bool *cancelled;  /* may be NULL */
    void *ctx;
    void (*progress)(void *ctx, const struct vault_sweep_progress *progress); /* may be NULL */
    void (*point_removed)(void *ctx, const char *id);                         /* gone for good; may be NULL */
    /* The settling time of what was just closed. -1 to give up. NULL: the next sweep removes it. */
    int (*wait)(void *ctx, uint64_t ms, struct error *err);
};

struct vault_sweep_result {
    uint64_t points_live, chunks_marked;
    uint64_t points_retired, packs_retired, bytes_retired; /* now; in a dry run: would be */
    uint64_t packs_rewritten, bytes_rewritten;             /* into new packs; in a dry run: what would be */
    uint64_t packs_damaged;                                /* left as they are, because they cannot be read */
    uint64_t packs_kept;                                   /* were retired, and are needed again */
    uint64_t points_removed, packs_removed, bytes_freed;
    uint64_t held; /* points and packs that a lock holds, and the last of these locks' end */
    int64_t held_until_ms;
    uint64_t packs_waiting, bytes_waiting; /* retired, not removed yet */
    uint64_t first_epoch, last_epoch;      /* of the records written; 0: none */
};

/* ERROR_NOT_FOUND: a point to expire is not there. ERROR_CORRUPT: the journal holds what nobody with the key wrote.
 * ERROR_FENCED: another sweep has begun. What a live point needs cannot be read: that failure; nothing is removed. */
int vault_sweep(struct vault *vault, const struct vault_sweep_options *options, struct vault_sweep_result *result,
                struct error *err);

/* Brings the points and packs of a record back. ERROR_NOT_FOUND, ERROR_CONFLICT when its time is over. */
int vault_sweep_undo(struct vault *vault, uint64_t epoch, uint64_t *points, struct error *err);

struct vault_retired {
    uint64_t epoch;
    int64_t created_ms, undo_until_ms;
    bool closed; /* can no longer be undone */
    const char *const *points;
    size_t point_count;
    uint64_t packs, bytes;
};
typedef int vault_retired_fn(void *ctx, const struct vault_retired *retired, struct error *err);
/* Records in effect, oldest first. Needs no session: reading is enough. */
int vault_sweep_list(struct vault *vault, vault_retired_fn *found, void *ctx, struct error *err);

#endif
