#ifndef LONGHAUL_DIRECTOR_ENROLMENT_INVITE_H
#define LONGHAUL_DIRECTOR_ENROLMENT_INVITE_H

/* One-time invitations by which a machine becomes a transporter. Pure functions; any thread. */

#include "director/enrolment/enrolment_store.h"

struct clock;

#define INVITE_TOKEN_LEN   48 /* "lhi_", 43 characters of base64url (256 random bits), NUL */
#define INVITE_LIFETIME_MS ((int64_t)24 * 3600 * 1000)

/* Fills *invite and the token that is shown once. labels: "k=v,k=v" or NULL. ERROR_USAGE when the name or a label is
 * not acceptable, or lifetime_ms is not between a minute and 30 days. The caller zeroes token when it is shown. */
int invite_new(const struct clock *clock, const char *name, const char *labels, int64_t lifetime_ms,
               struct invite *invite, char token[INVITE_TOKEN_LEN], struct error *err);

/* The SHA-256 a token is found by. ERROR_UNAUTHENTICATED when the text cannot be a token. */
int invite_token_sha256(const char *token, uint8_t out[32], struct error *err);

/* Is this invite good now, for a node with this key? ERROR_UNAUTHENTICATED "expired ..." or "already used ...". An
 * invite that is used may be used again with the same key while it lasts, so that a lost reply does not strand a
 * node; *again says so. node_key_sha256 is the key of the node that used it, NULL when it is unused. */
int invite_check(const struct invite *invite, int64_t now_ms, const uint8_t key_sha256[32],
                 const uint8_t *node_key_sha256, bool *again, struct error *err);

/* The line for the operator to run on the other machine. Returned text is freed with free() after zeroing. */
char *invite_command(const char *token, const char *director_address, const char *fingerprint);

/* Checks and sorts labels into out. ERROR_USAGE. */
int invite_labels(const char *labels, char out[INVITE_LABELS_MAX], struct error *err);

#endif
