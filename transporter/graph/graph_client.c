#include "transporter/graph/graph_client.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "transporter/graph/graph_client_internal.h"
#include "transporter/graph/graph_credentials.h"
#include "transporter/graph/graph_token_reply.h"

#include <stdlib.h>
#include <string.h>

struct graph_client *
graph_client_new(const struct graph_client_options *options, struct error *err)
{
    struct graph_credentials *credentials = graph_credentials_new(options->credentials, err);
    if (credentials == NULL)
        return NULL;
    struct graph_client *client = MEMORY_NEW(struct graph_client);
    client->base = client;
    client->options = *options;
    client->options.credentials = NULL;
    if (client->options.wait_ms == NULL)
        client->options.wait_ms = graph_budget_sleep;
    client->credentials = credentials;
    pthread_mutex_init(&client->pause_lock, NULL);
    client->token = graph_token_new(&(struct graph_token_options){
        .credentials = credentials,
        .http = options->http,
        .clock = options->clock,
        .wait_ms = client->options.wait_ms,
        .wait_ctx = options->wait_ctx,
        .requests = &client->requests,
    });
    client->budget = graph_budget_new(&(struct graph_budget_options){
        .clock = options->clock,
        .wait_ms = client->options.wait_ms,
        .wait_ctx = options->wait_ctx,
    });
    graph_hold_init(&client->own_hold, options->patience_ms != 0 ? options->patience_ms : GRAPH_HOLD_PATIENCE_MS);
    client->hold = &client->own_hold;
    return client;
}

struct graph_client *
graph_client_share(struct graph_client *client, struct graph_hold *hold)
{
    struct graph_client *share = MEMORY_NEW(struct graph_client);

    share->base = client->base;
    share->options = client->options;
    share->credentials = client->credentials;
    share->token = client->token;
    share->budget = client->budget;
    share->hold = hold;
    return share;
}

struct graph_client *
graph_client_base(struct graph_client *client)
{
    return client->base;
}

void
graph_client_free(struct graph_client *client)
{
    if (client == NULL)
        return;
    if (client->base == client) {
        graph_budget_free(client->budget);
        graph_token_free(client->token);
        graph_credentials_free(client->credentials);
        pthread_mutex_destroy(&client->pause_lock);
        graph_hold_clear(&client->own_hold);
    }
    free(client);
}

void
graph_client_free_p(struct graph_client **client)
{
    graph_client_free(*client);
}

const char *
graph_client_origin(const struct graph_client *client)
{
    return client->credentials->graph_url;
}

const struct clock *
graph_client_clock(const struct graph_client *client)
{
    return client->options.clock;
}

int
graph_client_check(struct graph_client *client, const char *const *wanted, struct buffer *missing, struct error *err)
{
    CLEANUP(secret_free_p) struct secret *header = NULL;
    uint64_t generation;

    if (graph_token_header(client->token, NULL, &header, &generation, err) != 0)
        return -1;
    if (missing != NULL && wanted != NULL)
        return graph_token_reply_missing(header, wanted, missing, err);
    return 0;
}

void
graph_client_pause(struct graph_client *client, uint32_t ms)
{
    graph_budget_pause(client->budget, GRAPH_DRIVE, NULL, ms);
}

void
graph_client_on_pause(struct graph_client *client, void (*fn)(void *ctx, uint32_t ms), void *ctx)
{
    struct graph_client *base = client->base;

    pthread_mutex_lock(&base->pause_lock);
    base->on_pause = fn;
    base->on_pause_ctx = ctx;
    pthread_mutex_unlock(&base->pause_lock);
}

void
graph_client_counters(const struct graph_client *client, struct graph_counters *out)
{
    struct graph_hold_state hold;

    graph_hold_state(client->hold, client->options.clock, &hold);
    *out = (struct graph_counters){
        .requests = atomic_load(&client->requests),
        .throttled = atomic_load(&client->throttled),
        .throttled_ms = hold.waited_ms,
        .retries = atomic_load(&client->retries),
        .token_renewals = graph_token_renewals(client->token),
        .received_bytes = atomic_load(&client->received_bytes),
        .sent_bytes = atomic_load(&client->sent_bytes),
    };
}
