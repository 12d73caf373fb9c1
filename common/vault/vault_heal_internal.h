#ifndef LONGHAUL_COMMON_VAULT_VAULT_HEAL_INTERNAL_H
#define LONGHAUL_COMMON_VAULT_VAULT_HEAL_INTERNAL_H

#include "common/vault/point.h"
#include "common/vault/vault_heal.h"

struct hmac;
struct node_memory;
struct vault_reader;

struct heal {
    struct vault *vault, *from;
    const struct vault_heal_options *options;
    struct vault_heal_result *result;
    struct vault_reader *trusted, *own, *other;
    struct vault_writer *writer;
    struct hmac *naming;
    struct node_memory *nodes, *seen;
    bool same_keys;
    char (*points)[IDENTIFIER_LEN];
    size_t point_count, point_room;
    const char *point; /* being healed */
    struct point other_point;
    bool has_other_point;
};

int vault_heal_check(const struct heal *heal, struct error *err);

/* From a vault with other keys: */

/* Makes the nodes of a catalog anew from the same point's items there; items that can be read in this vault keep their
 * records. Equal items have equal nodes, so what comes out as it was is whole again, and durable. */
int vault_heal_catalog(struct heal *heal, const struct point *point, struct error *err);
/* The same state under the same id, in place of a point whose object is damaged. */
int vault_heal_point(struct heal *heal, struct point *point, struct error *err);
/* The bytes of a content there, cut by this vault's keys. parts: of a message; may be NULL. */
int vault_heal_recut(struct heal *heal, const struct content_ref *from, enum vault_content type,
                     struct content_parts *parts, struct content_ref *to, struct error *err);

#endif
