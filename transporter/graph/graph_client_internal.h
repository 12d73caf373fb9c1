#ifndef LONGHAUL_TRANSPORTER_GRAPH_GRAPH_CLIENT_INTERNAL_H
#define LONGHAUL_TRANSPORTER_GRAPH_GRAPH_CLIENT_INTERNAL_H

#include "transporter/graph/graph_budget.h"
#include "transporter/graph/graph_client.h"
#include "transporter/graph/graph_token.h"

#include <pthread.h>

struct graph_credentials;

struct graph_client {
    struct graph_client_options options; /* credentials are not kept here */
    struct graph_credentials *credentials;
    struct graph_token *token;
    struct graph_budget *budget;
    pthread_mutex_t pause_lock;
    void (*on_pause)(void *ctx, uint32_t ms);
    void *on_pause_ctx;
    atomic_uint_least64_t requests, throttled, throttled_ms, retries, received_bytes, sent_bytes;
};

#endif
