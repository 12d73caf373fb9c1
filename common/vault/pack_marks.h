#ifndef LONGHAUL_COMMON_VAULT_PACK_MARKS_H
#define LONGHAUL_COMMON_VAULT_PACK_MARKS_H

/* A set of groups of packs, and of whole packs, that are not to be trusted: 20 bytes each. Not locked. */

#include "common/vault/pack_format.h"

struct error;

#define PACK_MARK_WHOLE 0xffffffffU

struct pack_mark {
    uint8_t pack[PACK_NAME_BYTES];
    uint32_t group; /* or PACK_MARK_WHOLE */
};

/* Zero it before use. */
struct pack_marks {
    struct pack_mark *at; /* ascending */
    size_t count, capacity;
};

#define PACK_MARKS_MAX ((size_t)1 << 24)

void pack_marks_clear(struct pack_marks *marks);
/* What is there already is fine. */
int pack_marks_add(struct pack_marks *marks, const struct pack_mark *mark, struct error *err);
/* PACK_MARK_WHOLE takes every mark of the pack away. */
void pack_marks_remove(struct pack_marks *marks, const struct pack_mark *mark);
/* The group, or its whole pack. */
bool pack_marks_has(const struct pack_marks *marks, const uint8_t pack[PACK_NAME_BYTES], uint32_t group);
/* Any group of it. */
bool pack_marks_touch(const struct pack_marks *marks, const uint8_t pack[PACK_NAME_BYTES]);
bool pack_marks_has_place(const struct pack_marks *marks, const struct chunk_place *place);

#endif
