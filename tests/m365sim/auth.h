#ifndef LONGHAUL_TESTS_M365SIM_AUTH_H
#define LONGHAUL_TESTS_M365SIM_AUTH_H

/* The login side: the OAuth 2.0 token endpoint with client secret or signed assertion, the bearer tokens it
 * gives out, and signatures for pre-authenticated URLs. Any thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct auth;
struct clock;
struct error;
struct options;
struct reply;
struct request;

/* Borrows options. */
struct auth *auth_open(const struct options *options, const struct clock *clock, struct error *err);
void auth_free(struct auth *auth);

/* Handlers of the login host. */
void auth_handle_token(struct request *r, struct reply *reply);
void auth_handle_metadata(struct request *r, struct reply *reply);
void auth_handle_keys(struct request *r, struct reply *reply);

/* Whether the request carries a valid token; otherwise the 401 is in reply. */
bool auth_check(struct auth *auth, const struct request *r, struct reply *reply);

/* What the control endpoint turns. Every token given out so far is refused from now on. */
void auth_revoke_tokens(struct auth *auth);
/* The secret counts as expired (AADSTS7000222) until set back. */
void auth_set_secret_expired(struct auth *auth, bool expired);
#define AUTH_TOKEN_SECONDS 3599
/* Lifetime of the tokens given out from now on; AUTH_TOKEN_SECONDS at first. */
void auth_set_token_seconds(struct auth *auth, unsigned seconds);

/* A short URL-safe signature of text. */
#define AUTH_SIGNATURE_LEN 23
void auth_sign(const struct auth *auth, const char *text, char out[AUTH_SIGNATURE_LEN]);

#endif
