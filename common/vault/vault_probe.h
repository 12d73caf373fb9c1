#ifndef LONGHAUL_COMMON_VAULT_VAULT_PROBE_H
#define LONGHAUL_COMMON_VAULT_VAULT_PROBE_H

/* Whether everything that a content needs is in the vault, without reading its data: lists and recipes are read, and
 * every chunk is looked up. */

#include "common/vault/catalog.h"

struct error;
struct vault_reader;

/* ERROR_NOT_FOUND, ERROR_CORRUPT and ERROR_FORMAT mean damage. *chunks is increased by what was looked at. */
int vault_probe(struct vault_reader *reader, const struct content_ref *ref, uint64_t *chunks, struct error *err);
/* Likewise an item's content; a recipe is not read when the item tells its parts. */
int vault_probe_item(struct vault_reader *reader, const struct catalog_item *item, uint64_t *chunks, struct error *err);

#endif
