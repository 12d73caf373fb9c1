#ifndef LONGHAUL_DIRECTOR_API_API_TOKEN_H
#define LONGHAUL_DIRECTOR_API_API_TOKEN_H

/* Bearer tokens: "lhat_" and 43 characters of base64url (256 random bits). The store keeps their SHA-256 only. */

#include "director/api/api_call.h"

struct clock;
struct error;
struct secret;
struct store;

#define API_TOKEN_PREFIX "lhat_"
#define API_TOKEN_LEN    49 /* with the NUL */

/* The caller zeroes it. */
void api_token_new(const struct clock *clock, char token[API_TOKEN_LEN]);

/* At the first start of a director: when the store has no token at all, makes one of scope admin and writes it to
 * state_dir/admin.token (mode 0600), for `longhaul login --token-file`. Otherwise does nothing. */
int api_token_bootstrap(struct store *store, const char *state_dir, const struct clock *clock, struct error *err);

/* Who asks: fills in the call's token_name, access and tenant. Every failure is the same ERROR_UNAUTHENTICATED with the
 * same text, and takes the same look-ups. */
int api_token_authenticate(struct api_call *call, struct store *store, const char *authorization, struct error *err);

#endif
