#include "director/link/query_relay.h"

#include "common/base/memory.h"
#include "common/loop/event_loop.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct query {
    char id[IDENTIFIER_LEN];
    char node_id[IDENTIFIER_LEN];
    struct query_relay *relay;
    director_query_fn *done;
    void *ctx;
    struct event_timer *timer;
    UT_hash_handle hh;
};

struct query_relay {
    struct event_loop *loop;
    struct query *queries;
};

struct query_relay *
query_relay_new(struct event_loop *loop)
{
    struct query_relay *relay = MEMORY_NEW(struct query_relay);

    relay->loop = loop;
    return relay;
}

static struct query *
find(struct query_relay *relay, const char *query_id)
{
    struct query *query = NULL;

    HASH_FIND_STR(relay->queries, query_id, query);
    return query;
}

static void
forget(struct query_relay *relay, struct query *query)
{
    HASH_DEL(relay->queries, query);
    event_timer_free(query->timer);
    free(query);
}

void
query_relay_free(struct query_relay *relay)
{
    struct query *query, *next;

    if (relay == NULL)
        return;
    HASH_ITER (hh, relay->queries, query, next)
        forget(relay, query);
    free(relay);
}

/* Forgotten first: done may ask the next question under the same id. */
static void
answer(struct query_relay *relay, struct query *query, const uint8_t *sealed, size_t len, const struct error *why)
{
    director_query_fn *done = query->done;
    void *ctx = query->ctx;

    forget(relay, query);
    done(ctx, sealed, len, why);
}

static void
on_timeout(void *ctx)
{
    struct query *query = ctx;
    struct error why = ERROR_INIT;

    FAIL(&why, ERROR_TIMEOUT, 0, "the transporter has not answered in time");
    answer(query->relay, query, NULL, 0, &why);
}

int
query_relay_add(struct query_relay *relay, const char *query_id, const char *node_id, uint32_t timeout_ms,
                director_query_fn *done, void *ctx, struct error *err)
{
    if (!identifier_valid(query_id))
        return FAIL(err, ERROR_USAGE, 0, "a query needs an identifier as its id");
    if (find(relay, query_id) != NULL)
        return FAIL(err, ERROR_EXISTS, 0, "query %s is under way already", query_id);
    if (HASH_COUNT(relay->queries) >= QUERY_RELAY_MAX)
        return FAIL(err, ERROR_UNAVAILABLE, 0, "too many queries are under way: try again");
    struct query *query = MEMORY_NEW(struct query);
    memcpy(query->id, query_id, strlen(query_id) + 1);
    memcpy(query->node_id, node_id, strlen(node_id) + 1);
    query->relay = relay;
    query->done = done;
    query->ctx = ctx;
    query->timer = event_timer_new(relay->loop, on_timeout, query);
    event_timer_start(query->timer, timeout_ms, 0);
    HASH_ADD_STR(relay->queries, id, query);
    return 0;
}

void
query_relay_drop(struct query_relay *relay, const char *query_id)
{
    struct query *query = find(relay, query_id);

    if (query != NULL)
        forget(relay, query);
}

void
query_relay_reply(struct query_relay *relay, const char *node_id, const char *query_id, const uint8_t *sealed,
                  size_t len, const struct error *why)
{
    struct query *query = find(relay, query_id);

    if (query != NULL && strcmp(query->node_id, node_id) == 0)
        answer(relay, query, sealed, len, why);
}

static struct query *
first_of(struct query_relay *relay, const char *node_id)
{
    struct query *query, *next;

    HASH_ITER (hh, relay->queries, query, next)
        if (strcmp(query->node_id, node_id) == 0)
            return query;
    return NULL;
}

/* The search begins anew each time, as answers may change the table. */
void
query_relay_lose(struct query_relay *relay, const char *node_id)
{
    struct query *query;

    while ((query = first_of(relay, node_id)) != NULL) {
        struct error why = ERROR_INIT;
        FAIL(&why, ERROR_UNAVAILABLE, 0, "the transporter was lost before it answered");
        answer(relay, query, NULL, 0, &why);
    }
}
