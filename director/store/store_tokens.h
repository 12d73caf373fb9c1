#ifndef LONGHAUL_DIRECTOR_STORE_STORE_TOKENS_H
#define LONGHAUL_DIRECTOR_STORE_STORE_TOKENS_H

/* API tokens. Only their SHA-256 is kept. */

#include "director/store/store.h"

enum store_token_scope { STORE_TOKEN_VIEWER, STORE_TOKEN_OPERATOR, STORE_TOKEN_ADMIN };
/* "viewer", "operator", "admin" */
const char *store_token_scope_name(enum store_token_scope scope);
int store_token_scope_from_name(const char *name, enum store_token_scope *scope);

struct store_token {
    char id[IDENTIFIER_LEN];
    char name[STORE_NAME_LEN]; /* unique */
    uint8_t token_sha256[32];
    enum store_token_scope scope;
    char tenant[IDENTIFIER_LEN]; /* empty: all tenants */
    int64_t created_ms;
    int64_t expires_ms; /* 0: never */
    int64_t last_used_ms;
};

int store_tokens_add(struct store *store, struct store_token *token, struct error *err);
/* Whether it is over is the caller's to check. */
int store_tokens_find_by_hash(struct store *store, const uint8_t token_sha256[32], struct store_token *token,
                              struct error *err);
/* In order of names. */
int store_tokens_list(struct store *store, struct store_page page,
                      int (*each)(void *ctx, const struct store_token *token, struct error *err), void *ctx,
                      struct error *err);
int store_tokens_set_used(struct store *store, const char *id, struct error *err);
/* By id or name. */
int store_tokens_delete(struct store *store, const char *id_or_name, struct error *err);

#endif
