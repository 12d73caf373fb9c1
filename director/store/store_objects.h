#ifndef LONGHAUL_DIRECTOR_STORE_STORE_OBJECTS_H
#define LONGHAUL_DIRECTOR_STORE_STORE_OBJECTS_H

/* The inventory: what discovery found. */

#include "director/store/store.h"

#define STORE_EXTERNAL_LEN 257

enum store_object_kind { STORE_OBJECT_ANY, STORE_OBJECT_MAILBOX, STORE_OBJECT_DRIVE };
/* "any", "mailbox", "drive" */
const char *store_object_kind_name(enum store_object_kind kind);
int store_object_kind_from_name(const char *name, enum store_object_kind *kind);

struct store_object {
    char id[IDENTIFIER_LEN];
    char tenant[IDENTIFIER_LEN];
    enum store_object_kind kind;
    char external_id[STORE_EXTERNAL_LEN]; /* Microsoft's; unique with tenant and kind */
    char name[STORE_TITLE_LEN];           /* user principal name, site title */
    int64_t first_seen_ms;
    int64_t last_seen_ms;
};

/* Adds it, or updates name and last seen of the one with the same tenant, kind and external id; fills in the id. */
int store_objects_put(struct store *store, struct store_object *object, struct error *err);
int store_objects_find(struct store *store, const char *id, struct store_object *object, struct error *err);
/* By tenant, kind (STORE_OBJECT_ANY: the first one) and name or external id; names regardless of case. */
int store_objects_find_named(struct store *store, const char *tenant, enum store_object_kind kind, const char *name,
                             struct store_object *object, struct error *err);
/* In order of names, then ids. */
int store_objects_list(struct store *store, const char *tenant, enum store_object_kind kind, struct store_page page,
                       int (*each)(void *ctx, const struct store_object *object, struct error *err), void *ctx,
                       struct error *err);

#endif
