#ifndef LONGHAUL_TRANSPORTER_GRAPH_GRAPH_CLIENT_INTERNAL_H
#define LONGHAUL_TRANSPORTER_GRAPH_GRAPH_CLIENT_INTERNAL_H

#include "transporter/graph/graph_budget.h"
#include "transporter/graph/graph_client.h"
#include "transporter/graph/graph_hold.h"
#include "transporter/graph/graph_token.h"

#include <pthread.h>

struct graph_credentials;

struct graph_client {
    struct graph_client *base;           /* owns credentials, token and budget; itself, when it is no share */
    struct graph_client_options options; /* credentials are not kept here */
    struct graph_hold *hold, own_hold;
    struct graph_credentials *credentials;
    struct graph_token *token;
    struct graph_budget *budget;
    pthread_mutex_t pause_lock; /* of the base, as are the two below */
    void (*on_pause)(void *ctx, uint32_t ms);
    void *on_pause_ctx;
    atomic_uint_least64_t requests, throttled, retries, received_bytes, sent_bytes;
};

#endif
