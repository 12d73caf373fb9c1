#ifndef LONGHAUL_DIRECTOR_STORE_STORE_REPOSITORIES_H
#define LONGHAUL_DIRECTOR_STORE_STORE_REPOSITORIES_H

/* Storage locations, each attached to one host transporter. */

#include "director/store/store.h"

enum store_repository_state {
    STORE_REPOSITORY_WAITING, /* its host has not answered yet */
    STORE_REPOSITORY_ATTACHED,
    STORE_REPOSITORY_FAILED /* see error_kind, error_text */
};
const char *store_repository_state_name(enum store_repository_state state);

struct store_repository {
    char id[IDENTIFIER_LEN];
    char name[STORE_NAME_LEN];           /* unique */
    char host[IDENTIFIER_LEN];           /* transporter */
    char storage_secret[IDENTIFIER_LEN]; /* purpose storage, sealed to the host */
    enum store_repository_state state;
    char error_kind[32];
    char error_text[STORE_TEXT_LEN];
    uint64_t free_bytes;        /* as last reported; 0: not known */
    bool locks;                 /* the host tried the storage, and it enforces them */
    char probe[STORE_TEXT_LEN]; /* what trying it showed; "": not tried yet */
    int64_t created_ms;
    int64_t reported_ms;
};

int store_repositories_add(struct store *store, struct store_repository *repository, struct error *err);
/* By id, else by name. */
int store_repositories_find(struct store *store, const char *id_or_name, struct store_repository *repository,
                            struct error *err);
/* In order of names; host NULL: of all. */
int store_repositories_list(struct store *store, const char *host, struct store_page page,
                            int (*each)(void *ctx, const struct store_repository *repository, struct error *err),
                            void *ctx, struct error *err);
/* state, error_kind, error_text, free_bytes, locks, probe; reported now. */
int store_repositories_set_state(struct store *store, const struct store_repository *repository, struct error *err);
/* ERROR_CONFLICT while it has vaults. */
int store_repositories_delete(struct store *store, const char *id, struct error *err);

#endif
