#ifndef LONGHAUL_DIRECTOR_STORE_STORE_VAULTS_H
#define LONGHAUL_DIRECTOR_STORE_STORE_VAULTS_H

/* A tenant's encrypted spaces in repositories. */

#include "director/store/store.h"

#include <stdbool.h>

enum store_vault_state {
    STORE_VAULT_CREATING,
    STORE_VAULT_READY,
    STORE_VAULT_FAILED /* its creation failed; create it again under the same name */
};
const char *store_vault_state_name(enum store_vault_state state);

struct store_vault {
    char id[IDENTIFIER_LEN];
    char name[STORE_NAME_LEN]; /* unique */
    char tenant[IDENTIFIER_LEN];
    char repository[IDENTIFIER_LEN];
    char password_secret[IDENTIFIER_LEN]; /* purpose vault-password, owned by the tenant */
    enum store_vault_state state;
    int64_t created_ms;
    char stored_as[IDENTIFIER_LEN]; /* of a replica: the id of the vault that it holds the bytes of; else empty */
    int64_t locked_until_ms;        /* the newest immutable point, and all it needs; 0: there was none */
    uint32_t lock_days;             /* of the job that made it */
    bool lock_told;                 /* that this ends soon */
};

/* The id by which hosts know it. */
const char *store_vaults_stored_id(const struct store_vault *vault);

int store_vaults_add(struct store *store, struct store_vault *vault, struct error *err);
/* vault: name and repository are set; the rest is taken from the source. It is ready at once: the first copy makes it.
 * ERROR_CONFLICT when the repository holds the same vault already. */
int store_vaults_add_replica(struct store *store, struct store_vault *vault, const struct store_vault *source,
                             struct error *err);
/* By id, else by name. */
int store_vaults_find(struct store *store, const char *id_or_name, struct store_vault *vault, struct error *err);
/* In order of names; tenant NULL: of all. */
int store_vaults_list(struct store *store, const char *tenant, struct store_page page,
                      int (*each)(void *ctx, const struct store_vault *vault, struct error *err), void *ctx,
                      struct error *err);
int store_vaults_set_state(struct store *store, const char *id, enum store_vault_state state, struct error *err);
int store_vaults_set_secret(struct store *store, const char *id, const char *secret_id, struct error *err);
int store_vaults_set_lock(struct store *store, const char *id, uint32_t days, int64_t until_ms, struct error *err);
int store_vaults_set_lock_told(struct store *store, const char *id, struct error *err);
/* Forgets it; what is stored stays. ERROR_CONFLICT while jobs or points refer to it. */
int store_vaults_delete(struct store *store, const char *id, struct error *err);

#endif
