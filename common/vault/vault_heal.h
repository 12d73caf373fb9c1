#ifndef LONGHAUL_COMMON_VAULT_VAULT_HEAL_H
#define LONGHAUL_COMMON_VAULT_VAULT_HEAL_H

/* Stores anew what recovery points need and the vault does not hold whole: from groups of its own that are under
 * suspicion and can be read after all, and from another vault that was made by a copy. Each chunk is checked against
 * its name under this vault's key before it is written. Nothing is removed. What is damaged must have been noted:
 * verify with data first. One thread. */

#include "common/base/identifier.h"
#include "common/vault/catalog.h"
#include "common/vault/vault_writer.h"

struct error;
struct vault;

struct vault_heal_options {
    size_t memory_bytes;  /* cache of each reader; 0: 16 MiB */
    const char *temp_dir; /* of what is sorted for a catalog; NULL: /var/tmp */
    struct vault_writer_options writer;
    const bool *cancelled; /* may be NULL */
    void *ctx;
    /* What could not be healed: an item of this point, or with len 0 a part of its catalog or the point itself. May be
     * NULL. Return -1 to stop. */
    int (*left)(void *ctx, const char *point, struct catalog_key item, const struct error *cause, struct error *err);
    /* What was stored anew: an item, or with len 0 anything else of the point; durable when vault_heal() succeeds. May
     * be NULL. */
    int (*healed)(void *ctx, const char *point, struct catalog_key item, struct error *err);
    void (*progress)(void *ctx, uint64_t points_done, uint64_t points_total, uint64_t chunks_healed); /* may be NULL */
};

struct vault_heal_result {
    uint64_t points, points_replaced; /* replaced: the object of a damaged point, by that of the copy */
    uint64_t catalogs_rebuilt;        /* from a vault with other keys */
    uint64_t chunks_own;              /* read in this vault after all */
    uint64_t chunks_copied;           /* from a vault with the same keys */
    uint64_t items_copied;            /* contents from a vault with other keys, cut anew */
    uint64_t healed, left;            /* calls of healed(), and of left() */
    uint64_t bytes_stored;
};

/* from: NULL: only from the vault itself. With the same keys any chunk of it serves; with other keys it is asked for
 * the same item of the same point, and a catalog is made anew from all of them: the items that can be read here keep
 * their records, the others' contents are cut by this vault's keys. An error means that it could not go on. */
int vault_heal(struct vault *vault, struct vault *from, const struct vault_heal_options *options,
               struct vault_heal_result *result, struct error *err);

#endif
