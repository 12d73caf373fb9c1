#ifndef LONGHAUL_COMMON_VAULT_VAULT_VERIFY_H
#define LONGHAUL_COMMON_VAULT_VAULT_VERIFY_H

/* Checks recovery points against what is really stored; it never trusts a run's own log. */

#include "common/base/identifier.h"
#include "common/vault/catalog.h"

struct error;
struct vault;

struct vault_damage {
    char point[IDENTIFIER_LEN];
    struct catalog_key item; /* len 0: the point or its catalog itself */
    const char *text;        /* for an operator: what is damaged, what follows from it, what to do. No item names */
    struct error const *cause;
};

struct vault_verify_options {
    bool data;             /* read, open and hash every chunk; else only that everything needed exists. The
                            * directories of the packs needed are checked in any case */
    size_t memory_bytes;   /* cache; 0 for 16 MiB */
    const bool *cancelled; /* may be NULL; looked at between chunks */
    void *ctx;
    /* Borrowed for the call. Return -1 to stop. */
    int (*damage)(void *ctx, const struct vault_damage *damage, struct error *err);
    void (*progress)(void *ctx, uint64_t items_done, uint64_t items_total, uint64_t bytes_read); /* may be NULL */
};

struct vault_verify_result {
    uint64_t points, items, chunks, packs, bytes; /* looked at */
    uint64_t damaged;                             /* calls of damage() */
};

/* ids: NULL for every point of the vault. Damage is told to options->damage and is not an error; an error means that it
 * could not be checked to the end. */
int vault_verify(struct vault *vault, const char *const *ids, size_t count, const struct vault_verify_options *options,
                 struct vault_verify_result *result, struct error *err);

#endif
