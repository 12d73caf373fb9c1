#ifndef LONGHAUL_TRANSPORTER_GRAPH_GRAPH_TOKEN_H
#define LONGHAUL_TRANSPORTER_GRAPH_GRAPH_TOKEN_H

/* The access token of one app registration: kept, renewed 5 minutes before it ends, one renewal at a time. Any
 * thread. */

#include "common/net/http_client.h"

#include <stdatomic.h>
#include <stdint.h>

struct clock;
struct error;
struct graph_credentials;
struct graph_token;
struct secret;

typedef void graph_wait_fn(void *ctx, uint64_t ms, const atomic_bool *cancel);

struct graph_token_options {
    const struct graph_credentials *credentials; /* all borrowed for the token's life */
    struct http_client *http;
    const struct clock *clock;
    graph_wait_fn *wait_ms;
    void *wait_ctx;
    atomic_uint_least64_t *requests; /* counted up */
};

struct graph_token *graph_token_new(const struct graph_token_options *options);
void graph_token_free(struct graph_token *token);

/* "Authorization: Bearer …" into out (the caller's), and which generation it is. Waits for a renewal when there is no
 * valid token. A refusal is remembered for a minute, so that many threads do not hammer the endpoint. */
int graph_token_header(struct graph_token *token, const atomic_bool *cancel, struct secret **out, uint64_t *generation,
                       struct error *err);
/* The service refused the token of this generation; a later one stays. claims: of a continuous access evaluation
 * challenge, decoded JSON; NULL. */
void graph_token_reject(struct graph_token *token, uint64_t generation, const char *claims);
uint64_t graph_token_renewals(struct graph_token *token);

#endif
