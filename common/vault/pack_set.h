#ifndef LONGHAUL_COMMON_VAULT_PACK_SET_H
#define LONGHAUL_COMMON_VAULT_PACK_SET_H

/* Which packs the storage really holds, by one listing, and which of their groups were asked for: 28 bytes a pack, and
 * a bit for each group of a used one. */

#include "common/vault/chunk.h"

#include <stdbool.h>

struct error;
struct pack_set;
struct vault;

struct pack_set *pack_set_list(struct vault *vault, struct error *err);
/* Those that a point to be committed may count on: OBJECT_WHOLE_PACK. */
struct pack_set *pack_set_list_whole(struct vault *vault, struct error *err);
/* OBJECT_DAMAGED_PACK. */
struct pack_set *pack_set_list_damaged(struct vault *vault, struct error *err);
void pack_set_free(struct pack_set *set);
void pack_set_free_p(struct pack_set **set);
/* False when it is not there. Notes that it was asked for. */
bool pack_set_use(struct pack_set *set, const char *name);
/* Likewise, and of the place's group. */
bool pack_set_use_place(struct pack_set *set, const struct chunk_place *place);
bool pack_set_has(const struct pack_set *set, const char *name);
/* In order of name, from 0 on. */
size_t pack_set_count(const struct pack_set *set);
void pack_set_name(const struct pack_set *set, size_t at, char name[PACK_NAME_LEN]);
bool pack_set_is_used(const struct pack_set *set, size_t at);
bool pack_set_group_used(const struct pack_set *set, size_t at, uint32_t group);
/* Each pack that was asked for once; false when there is none left, until another is asked for. */
bool pack_set_next_used(struct pack_set *set, char name[PACK_NAME_LEN]);
/* Nothing was asked for. */
void pack_set_forget(struct pack_set *set);

#endif
