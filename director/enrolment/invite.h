#ifndef LONGHAUL_DIRECTOR_ENROLMENT_INVITE_H
#define LONGHAUL_DIRECTOR_ENROLMENT_INVITE_H

/* One-time invitations by which a machine becomes a transporter. Pure functions over the store's rows; any thread. */

#include "director/store/store_invites.h"

struct clock;

#define INVITE_TOKEN_LEN        48 /* "lhi_", 43 characters of base64url (256 random bits), NUL */
#define INVITE_LIFETIME_MS      ((int64_t)24 * 3600 * 1000)
#define INVITE_LIFETIME_MOST_MS (30 * INVITE_LIFETIME_MS)

/* Fills *invite, ready for store_invites_add(), and the token, which is shown once and zeroed by the caller. labels may
 * be NULL. ERROR_USAGE when the name is none or lifetime_ms is not between a minute and INVITE_LIFETIME_MOST_MS. */
int invite_new(const struct clock *clock, const char *name, const struct store_labels *labels, int64_t lifetime_ms,
               struct store_invite *invite, char token[INVITE_TOKEN_LEN], struct error *err);

/* The SHA-256 a token is found by. ERROR_UNAUTHENTICATED when the text cannot be a token. */
int invite_token_sha256(const char *token, uint8_t out[32], struct error *err);

/* Is this invite good now, for a node with this TLS key? ERROR_UNAUTHENTICATED when it is over, or used by a node with
 * another key. used_by_key: the key of the node that used it, NULL while it is unused. A used invite is good again
 * for the same key until it is over, so that a lost reply does not strand a node. */
int invite_check(const struct store_invite *invite, int64_t now_ms, const uint8_t key_sha256[32],
                 const uint8_t *used_by_key, struct error *err);

/* The line for the operator to run on the other machine. Freed with free(); holds the token, so zero it first. */
char *invite_command(const char *token, const char *director_address, const char *fingerprint);

#endif
