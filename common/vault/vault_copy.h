#ifndef LONGHAUL_COMMON_VAULT_VAULT_COPY_H
#define LONGHAUL_COMMON_VAULT_VAULT_COPY_H

/* Recovery points from one vault into another, each with the same id, object, time and counts: what both hold under one
 * id is the same state. A point is committed after everything it needs, so a copy that was killed is simply run again:
 * what has arrived is known by its name. Both functions run on the calling thread, block, and take the points in the
 * order given: oldest first. A point that the destination holds costs two small reads and is what the next one of its
 * object is built on, so begin the list with the newest such point: then the cost is that of what changed since.
 * proto/FORMAT.md, "Copies". */

#include "common/base/identifier.h"
#include "common/vault/catalog.h"
#include "common/vault/vault_backend.h"
#include "common/vault/vault_writer.h"

#include <stdbool.h>

struct error;
struct point;
struct vault;

/* Something of the source cannot be read. Never copied as if it were good. */
struct vault_copy_damage {
    char point[IDENTIFIER_LEN];
    struct catalog_key item; /* len 0: the point, its catalog or a pack */
    const char *text;        /* for an operator: what is damaged, and what the copy has instead. No item names */
    const struct error *cause;
};

struct vault_copy_counts {
    uint64_t points_copied, points_there, points_failed;
    uint64_t points_gone;             /* not in the source any more, and not in the destination */
    uint64_t items_done, items_total; /* total: as far as known */
    uint64_t contents_read;           /* from the source; re-seal */
    uint64_t contents_known;          /* not read: copied already by this run; re-seal */
    uint64_t bytes_read;              /* contents when re-sealed, ciphertext when verbatim */
    uint64_t bytes_stored;            /* new in the destination */
    uint64_t packs_copied, packs_damaged;
    uint64_t damaged; /* calls of damage() */
};

struct vault_copy_options {
    uint64_t fence;                     /* of the points' scope in the destination; re-seal */
    size_t memory_bytes;                /* cache of each reader; 0: 16 MiB */
    const char *temp_dir;               /* for what does not fit memory; NULL: /var/tmp; re-seal */
    struct vault_writer_options writer; /* re-seal */
    const char *refs_path;              /* a file for this pair of vaults alone, made when missing: what a copy that was
                                         * cut off has brought is not even read again. A cache; NULL: none; re-seal */
    uint64_t checkpoint_bytes;          /* read between two flushes for that; 0: 256 MiB */
    const bool *cancelled;              /* may be NULL; looked at between contents and packs */
    void *ctx;
    /* Borrowed for the call; may be NULL. Return -1 to stop. */
    int (*damage)(void *ctx, const struct vault_copy_damage *damage, struct error *err);
    /* The destination holds this point, durably. point is the destination's; NULL when verbatim without a key. there:
     * it was held before. bytes_stored: by this copy. May be NULL. Return -1 to stop. */
    int (*copied)(void *ctx, const char *id, const struct point *point, bool there, uint64_t bytes_stored,
                  struct error *err);
    void (*progress)(void *ctx, const struct vault_copy_counts *counts); /* may be NULL */
};

/* Under the destination's keys: contents are read, decrypted, checked against their names, cut and named anew, and
 * stored when the destination has no such chunk; trees are rebuilt. Points of several objects need one call for each.
 *
 * An item whose content is damaged in the source is kept with CATALOG_FLAG_DAMAGED and without content, told, and tried
 * again by the next copy. A point whose catalog is damaged is told and left out. Neither is an error; an error means
 * that the copy could not go on. */
int vault_copy_reseal(struct vault *from, struct vault *to, const char *const *ids, size_t count,
                      const struct vault_copy_options *options, struct vault_copy_counts *counts, struct error *err);

struct vault_copy_source {
    struct vault_backend backend;
    struct vault *vault; /* the same one opened with its key; NULL: without. With it only the packs that the points need
                          * are copied, each group of them is authenticated on the way. Without it every pack that the
                          * destination lacks is copied, and checked as far as hosts can: its directory */
};

/* Into a replica: a vault with the same id and keys, whose objects are the source's, byte by byte. Makes the replica
 * when there is none: key slots, then the format object. ERROR_CONFLICT when the destination holds another vault. A
 * point that needs a damaged pack is told and left out (without a key: every point). Points may be of any objects. */
int vault_copy_verbatim(const struct vault_copy_source *from, struct vault_backend to, const char *const *ids,
                        size_t count, const struct vault_copy_options *options, struct vault_copy_counts *counts,
                        struct error *err);

#endif
