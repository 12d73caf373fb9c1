#ifndef LONGHAUL_TRANSPORTER_GRAPH_GRAPH_TOKEN_REPLY_H
#define LONGHAUL_TRANSPORTER_GRAPH_GRAPH_TOKEN_REPLY_H

/* What the token endpoint answered. Pure; any thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct error;
struct secret;

struct graph_token_reply {
    struct secret *token; /* the caller's; NULL when refused */
    uint32_t expires_in_s;
    bool passing; /* refused now, may work later */
    int aadsts;   /* 0: none named */
};

/* Parses and overwrites body. 0 with a token; -1 with err otherwise: UNAUTHENTICATED and CONFIG need an operator,
 * UNAVAILABLE passes. */
int graph_token_reply_parse(int status, char *body, size_t len, struct graph_token_reply *reply, struct error *err);

/* Roles of an app-only token (a JWT, whose signature is not our business). Appends those of `wanted` it lacks,
 * comma separated. ERROR_FORMAT when it cannot be read as a JWT: some tokens are opaque. */
int graph_token_reply_missing(const struct secret *token, const char *const *wanted, struct buffer *missing,
                              struct error *err);

#endif
