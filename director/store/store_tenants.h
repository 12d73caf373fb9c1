#ifndef LONGHAUL_DIRECTOR_STORE_STORE_TENANTS_H
#define LONGHAUL_DIRECTOR_STORE_STORE_TENANTS_H

/* Customer organisations. */

#include "director/store/store.h"

struct store_tenant {
    char id[IDENTIFIER_LEN];
    char name[STORE_NAME_LEN];             /* unique */
    char microsoft_secret[IDENTIFIER_LEN]; /* purpose microsoft365; empty until it is set */
    int64_t created_ms;
    int64_t discovered_ms; /* end of the last successful discovery */
};

int store_tenants_add(struct store *store, struct store_tenant *tenant, struct error *err);
/* By id, else by name. */
int store_tenants_find(struct store *store, const char *id_or_name, struct store_tenant *tenant, struct error *err);
/* In order of names. each: -1 ends the list with its error. */
int store_tenants_list(struct store *store, struct store_page page,
                       int (*each)(void *ctx, const struct store_tenant *tenant, struct error *err), void *ctx,
                       struct error *err);
int store_tenants_set_secret(struct store *store, const char *id, const char *secret_id, struct error *err);
int store_tenants_set_discovered(struct store *store, const char *id, int64_t when_ms, struct error *err);
/* ERROR_CONFLICT while vaults, jobs or points of it exist; its objects and secrets go with it. */
int store_tenants_delete(struct store *store, const char *id, struct error *err);

#endif
