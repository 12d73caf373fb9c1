#ifndef LONGHAUL_DIRECTOR_LINK_VAULT_ACCESS_H
#define LONGHAUL_DIRECTOR_LINK_VAULT_ACCESS_H

/* Where a vault is, and a signed grant to use it: what goes into StartTask, Query and GrantUpdate. */

#include "common/crypto/grant.h"
#include "director/store/store_transporters.h"

struct authority;
struct store;
struct store_task;

#define VAULT_ACCESS_LIFETIME_MS ((int64_t)3600 * 1000)
#define VAULT_ACCESS_EARLY_MS    ((int64_t)5 * 60 * 1000) /* hosts' clocks may be behind by this much */
#define VAULT_ACCESS_QUERY_SCOPE "query"

struct vault_access {
    char vault_id[IDENTIFIER_LEN]; /* as its host knows it */
    char repository_id[IDENTIFIER_LEN];
    char host_node_id[IDENTIFIER_LEN];
    char host_address[STORE_ADDRESS_LEN];
    uint8_t grant[GRANT_MAX];
    size_t grant_len;
};

/* Who holds the grant, for what. */
struct vault_access_request {
    const char *vault_id;
    uint32_t operations;
    const char *task_id;
    const char *scope;
    uint64_t fence;
    const char *holder_node_id;
    const uint8_t *holder_key_sha256; /* 32 bytes */
    uint32_t lock_days;               /* what is written is locked for; 0: not */
};

/* ERROR_UNAVAILABLE when the vault's host has not told an address yet. */
int vault_access_make(struct store *store, struct authority *authority, const struct vault_access_request *request,
                      struct vault_access *access, struct error *err);
/* For a leased task, by what its kind may do. */
int vault_access_for_task(struct store *store, struct authority *authority, const struct store_task *task,
                          const uint8_t holder_key_sha256[32], struct vault_access *access, struct error *err);

/* For a leased copy: to read the vault that it copies from. */
int vault_access_for_source(struct store *store, struct authority *authority, const struct store_task *task,
                            const uint8_t holder_key_sha256[32], struct vault_access *access, struct error *err);

#endif
