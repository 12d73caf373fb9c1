#ifndef LONGHAUL_DIRECTOR_STORE_STORE_SECRETS_H
#define LONGHAUL_DIRECTOR_STORE_STORE_SECRETS_H

/* Sealed secrets: what they are for, and one opaque slot for each transporter that can open them. */

#include "director/store/store.h"

#define STORE_SEALED_MAX ((size_t)128 << 10)

enum store_secret_purpose {
    STORE_SECRET_MICROSOFT365,
    STORE_SECRET_VAULT_PASSWORD,
    STORE_SECRET_STORAGE,
    STORE_SECRET_SELECTION
};

/* "microsoft365", "vault-password", "storage", "selection": as in SealedSecret.purpose. */
const char *store_secret_purpose_name(enum store_secret_purpose purpose);
/* 0, or -1 when there is none of that name. */
int store_secret_purpose_from_name(const char *name, enum store_secret_purpose *purpose);

struct store_secret {
    char id[IDENTIFIER_LEN]; /* chosen by whoever seals, as it is part of what is sealed; prefix "secret" */
    enum store_secret_purpose purpose;
    char tenant[IDENTIFIER_LEN]; /* owner; empty for storage */
    int64_t created_ms;
};

/* An empty id is filled in; a given one must be a valid identifier that is not taken. */
int store_secrets_add(struct store *store, struct store_secret *secret, struct error *err);
int store_secrets_find(struct store *store, const char *id, struct store_secret *secret, struct error *err);
/* In order of creation; tenant NULL: of all. */
int store_secrets_list(struct store *store, const char *tenant, struct store_page page,
                       int (*each)(void *ctx, const struct store_secret *secret, struct error *err), void *ctx,
                       struct error *err);
/* Slots go with it. ERROR_CONFLICT while a tenant, vault, repository or unfinished task uses it. */
int store_secrets_delete(struct store *store, const char *id, struct error *err);

/* Adds or replaces the slot of one transporter. ERROR_LIMIT above STORE_SEALED_MAX. */
int store_secrets_put_slot(struct store *store, const char *id, const char *transporter, const uint8_t *sealed,
                           size_t len, struct error *err);
/* *sealed is allocated: free(). ERROR_NOT_FOUND when the secret is not sealed to this transporter. */
int store_secrets_get_slot(struct store *store, const char *id, const char *transporter, uint8_t **sealed, size_t *len,
                           struct error *err);
/* 1 or 0; -1 on failure. An empty secret id counts as present. */
int store_secrets_has_slot(struct store *store, const char *id, const char *transporter, struct error *err);
int store_secrets_list_slots(struct store *store, const char *id,
                             int (*each)(void *ctx, const char *transporter, int64_t sealed_ms, struct error *err),
                             void *ctx, struct error *err);

#endif
