#ifndef LONGHAUL_COMMON_VAULT_PACK_SET_H
#define LONGHAUL_COMMON_VAULT_PACK_SET_H

/* Which packs the storage really holds, by one listing: 17 bytes a pack. */

#include "common/vault/chunk.h"

#include <stdbool.h>

struct error;
struct pack_set;
struct vault;

struct pack_set *pack_set_list(struct vault *vault, struct error *err);
/* Those that a point to be committed may count on: without the retired ones. */
struct pack_set *pack_set_list_kept(struct vault *vault, struct error *err);
void pack_set_free(struct pack_set *set);
void pack_set_free_p(struct pack_set **set);
/* False when it is not there. Notes that it was asked for. */
bool pack_set_use(struct pack_set *set, const char *name);
/* Each pack that was asked for once; false when there is none left, until another is asked for. */
bool pack_set_next_used(struct pack_set *set, char name[PACK_NAME_LEN]);
/* Nothing was asked for. */
void pack_set_forget(struct pack_set *set);

#endif
