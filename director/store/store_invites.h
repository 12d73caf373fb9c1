#ifndef LONGHAUL_DIRECTOR_STORE_STORE_INVITES_H
#define LONGHAUL_DIRECTOR_STORE_STORE_INVITES_H

/* One-time permissions to enrol. Only the token's SHA-256 is kept. */

#include "director/store/store.h"

struct store_invite {
    char id[IDENTIFIER_LEN];
    uint8_t token_sha256[32];
    char name[STORE_NAME_LEN]; /* the transporter will have it */
    struct store_labels labels;
    int64_t created_ms;
    int64_t expires_ms;
    int64_t used_ms;
    char used_by[IDENTIFIER_LEN]; /* node id */
};

int store_invites_add(struct store *store, struct store_invite *invite, struct error *err);
int store_invites_find_by_hash(struct store *store, const uint8_t token_sha256[32], struct store_invite *invite,
                               struct error *err);
/* Newest first. */
int store_invites_list(struct store *store, struct store_page page,
                       int (*each)(void *ctx, const struct store_invite *invite, struct error *err), void *ctx,
                       struct error *err);
/* Marks it used, once: ERROR_CONFLICT when it is used already, ERROR_DENIED when it is over. */
int store_invites_use(struct store *store, const char *id, const char *node_id, struct error *err);
int store_invites_delete(struct store *store, const char *id, struct error *err);

#endif
