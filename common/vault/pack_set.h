#ifndef LONGHAUL_COMMON_VAULT_PACK_SET_H
#define LONGHAUL_COMMON_VAULT_PACK_SET_H

/* Which packs the storage really holds, by one listing: 16 bytes a pack. Read-only once made. */

#include <stdbool.h>

struct error;
struct pack_set;
struct vault;

struct pack_set *pack_set_list(struct vault *vault, struct error *err);
void pack_set_free(struct pack_set *set);
void pack_set_free_p(struct pack_set **set);
bool pack_set_has(const struct pack_set *set, const char *name);

#endif
