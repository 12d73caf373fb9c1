#ifndef LONGHAUL_COMMON_VAULT_VAULT_QUARANTINE_H
#define LONGHAUL_COMMON_VAULT_VAULT_QUARANTINE_H

/* What is known to be damaged in a vault, as far as a run has to care. proto/FORMAT.md, "Quarantine". */

#include "common/vault/catalog.h"

struct error;
struct vault;
struct vault_reader;

/* Ordinal of the newest note of damage; 0: none. */
int vault_quarantine_ordinal(struct vault *vault, uint64_t *ordinal, struct error *err);

/* Finds only what a writer may count on. */
struct vault_reader *vault_quarantine_reader(struct vault *vault, size_t cache_bytes, struct error *err);
/* With such a reader: 1 when everything the item needs is stored and not noted as damaged, 0 when not, -1. */
int vault_quarantine_item_whole(struct vault_reader *reader, const struct catalog_item *item, struct error *err);

#endif
