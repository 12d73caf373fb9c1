#ifndef LONGHAUL_COMMON_VAULT_VAULT_VERIFY_H
#define LONGHAUL_COMMON_VAULT_VAULT_VERIFY_H

/* Checks recovery points against what is really stored; it never trusts a run's own log. What several points share is
 * looked at once: trees are walked below nodes that are new, and each group of a pack is read once, in the packs'
 * order. Memory: the reader's cache, 64 MiB of remembered nodes (more are walked again), 28 bytes a pack and a bit a
 * group, and 16,384 damaged items; below 160 MiB for 100 million chunks. What lies below an unreadable part of a
 * catalog cannot be known: then a verification of all data reads everything that is stored. One thread. */

#include "common/base/error.h"
#include "common/base/identifier.h"
#include "common/vault/catalog.h"
#include "common/vault/chunk.h"

struct vault;

enum vault_damaged {
    VAULT_DAMAGED_POINT,     /* nothing of it can be read */
    VAULT_DAMAGED_CATALOG,   /* items of it cannot even be listed */
    VAULT_DAMAGED_LISTING,   /* folders of it */
    VAULT_DAMAGED_RECORD,    /* an item's record */
    VAULT_DAMAGED_CONTENT,   /* an item's bytes */
    VAULT_DAMAGED_METADATA,  /* an item's properties */
    VAULT_DAMAGED_CURSOR,    /* where the next backup goes on */
    VAULT_DAMAGED_OUTCOMES,  /* which items were left out, and why */
    VAULT_DAMAGED_DIRECTORY, /* a pack's list of what is in it; its contents can still be read */
    VAULT_DAMAGED_INDEX      /* the host looks for chunks in the wrong place */
};

/* What the newest point of the object has of a damaged item. */
enum vault_newest { VAULT_NEWEST_UNKNOWN, VAULT_NEWEST_GONE, VAULT_NEWEST_OTHER, VAULT_NEWEST_DAMAGED };

struct vault_damage {
    enum vault_damaged what;
    const char (*points)[IDENTIFIER_LEN]; /* oldest first; none: of the vault as a whole */
    size_t point_count;
    char scope[IDENTIFIER_LEN]; /* object; "" when that is not known */
    struct catalog_key item;    /* len 0: none */
    enum vault_newest newest;   /* of an item */
    char pack[PACK_NAME_LEN];   /* "" when that is not known */
    const struct error *cause;
    const char *meaning; /* for an operator: what follows from it */
    const char *advice;  /* what to do. Neither has item names */
};

/* As in JSON reports: "content", "catalog" and so on. */
const char *vault_damaged_name(enum vault_damaged what);
const char *vault_newest_name(enum vault_newest newest);

struct vault_verify_options {
    bool data;             /* read, open and hash every chunk; else only that everything needed exists. The
                            * directories of the packs needed are checked in any case */
    uint32_t sample_ppm;   /* with data: of the groups, so many per million are read; 0: all */
    uint32_t sample_start; /* which: those whose position, hashed from pack and group, follows this one. A verification
                            * that starts where the last one ended reads what was read longest ago */
    bool quarantine;       /* note what is damaged, so that backups store it again */
    size_t memory_bytes;   /* cache; 0 for 16 MiB */
    const bool *cancelled; /* may be NULL; looked at between chunks */
    void *ctx;
    /* Borrowed for the call, after everything was looked at. Return -1 to stop. May be NULL. */
    int (*damage)(void *ctx, const struct vault_damage *damage, struct error *err);
    void (*progress)(void *ctx, uint64_t items_done, uint64_t items_total, uint64_t bytes_read); /* may be NULL */
};

struct vault_verify_result {
    uint64_t points, items, packs, groups; /* looked at; an item once for each record it has */
    uint64_t chunks;                       /* looked up; with data: hashed */
    uint64_t bytes;                        /* of these chunks; with data */
    uint64_t stored_bytes, stored_total;   /* of groups: read, and needed by the points; with data */
    uint64_t damaged;                      /* calls of damage() */
    uint64_t damaged_items, damaged_points;
    uint64_t marks;       /* groups and packs noted as damaged */
    uint32_t sample_next; /* sample_start for the next time */
};

/* ids: NULL for every point of the vault. Damage is told to options->damage and is not an error; an error means that it
 * could not be checked to the end. */
int vault_verify(struct vault *vault, const char *const *ids, size_t count, const struct vault_verify_options *options,
                 struct vault_verify_result *result, struct error *err);

#endif
