#include "transporter/task/graph_pool.h"

#include "common/base/error.h"
#include "common/base/identifier.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/digest.h"
#include "transporter/graph/graph_client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Clients without a user that are kept; the one unused for longest goes. */
#define IDLE_MAX 16

struct member {
    char tenant_id[IDENTIFIER_LEN];
    uint8_t credentials_sha256[DIGEST_LEN];
    struct graph_client *client;
    unsigned users;
    uint64_t last_use; /* a counter */
    struct member *next;
};

struct graph_pool {
    const struct clock *clock;
    struct http_client *http;
    pthread_mutex_t lock;
    struct member *members;
    unsigned idle;
    uint64_t uses;
};

struct graph_pool *
graph_pool_new(const struct clock *clock, const char *extra_ca, struct error *err)
{
    const struct http_client_options options = { .extra_ca = extra_ca[0] != '\0' ? extra_ca : NULL };
    struct http_client *http = http_client_new(&options, err);
    if (http == NULL)
        return NULL;
    struct graph_pool *pool = MEMORY_NEW(struct graph_pool);
    pool->clock = clock;
    pool->http = http;
    pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

static void
member_free(struct member *member)
{
    graph_client_free(member->client);
    free(member);
}

void
graph_pool_free(struct graph_pool *pool)
{
    if (pool == NULL)
        return;
    for (struct member *m = pool->members, *next; m != NULL; m = next) {
        next = m->next;
        member_free(m);
    }
    http_client_free(pool->http);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static struct member *
find_locked(struct graph_pool *pool, const char *tenant_id, const uint8_t sha256[DIGEST_LEN])
{
    for (struct member *m = pool->members; m != NULL; m = m->next)
        if (strcmp(m->tenant_id, tenant_id) == 0 && memcmp(m->credentials_sha256, sha256, DIGEST_LEN) == 0)
            return m;
    return NULL;
}

static struct member *
add_locked(struct graph_pool *pool, const char *tenant_id, const uint8_t sha256[DIGEST_LEN],
           const struct secret *credentials, struct error *err)
{
    const struct graph_client_options options = { .credentials = credentials,
                                                  .http = pool->http,
                                                  .clock = pool->clock };
    struct graph_client *client = graph_client_new(&options, err);
    if (client == NULL)
        return NULL;
    struct member *member = MEMORY_NEW(struct member);
    snprintf(member->tenant_id, sizeof(member->tenant_id), "%s", tenant_id);
    memcpy(member->credentials_sha256, sha256, DIGEST_LEN);
    member->client = client;
    member->next = pool->members;
    pool->members = member;
    pool->idle++;
    return member;
}

struct graph_client *
graph_pool_get(struct graph_pool *pool, const char *tenant_id, const struct secret *credentials,
               struct graph_hold *hold, struct error *err)
{
    uint8_t sha256[DIGEST_LEN];
    digest_sha256(secret_bytes(credentials), secret_len(credentials), sha256);
    pthread_mutex_lock(&pool->lock);
    struct member *member = find_locked(pool, tenant_id, sha256);
    if (member == NULL)
        member = add_locked(pool, tenant_id, sha256, credentials, err);
    if (member != NULL && member->users++ == 0)
        pool->idle--;
    pthread_mutex_unlock(&pool->lock);
    return member != NULL ? graph_client_share(member->client, hold) : NULL;
}

/* Takes the idle member that was used longest ago out of the list. */
static struct member *
take_oldest_locked(struct graph_pool *pool)
{
    struct member **oldest = NULL;
    for (struct member **at = &pool->members; *at != NULL; at = &(*at)->next)
        if ((*at)->users == 0 && (oldest == NULL || (*at)->last_use < (*oldest)->last_use))
            oldest = at;
    struct member *member = *oldest;
    *oldest = member->next;
    pool->idle--;
    return member;
}

void
graph_pool_put(struct graph_pool *pool, struct graph_client *client)
{
    if (client == NULL)
        return;
    struct member *old = NULL;
    struct graph_client *base = graph_client_base(client);
    graph_client_free(client);
    pthread_mutex_lock(&pool->lock);
    struct member *member = pool->members;
    while (member->client != base)
        member = member->next;
    member->last_use = ++pool->uses;
    if (--member->users == 0 && ++pool->idle > IDLE_MAX)
        old = take_oldest_locked(pool);
    pthread_mutex_unlock(&pool->lock);
    if (old != NULL)
        member_free(old);
}

void
graph_pool_pause(struct graph_pool *pool, const char *tenant_id, uint32_t ms)
{
    pthread_mutex_lock(&pool->lock);
    for (struct member *m = pool->members; m != NULL; m = m->next)
        if (strcmp(m->tenant_id, tenant_id) == 0)
            graph_client_pause(m->client, ms);
    pthread_mutex_unlock(&pool->lock);
}
