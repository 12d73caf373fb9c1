#include "director/api/api_queries.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/identifier.h"
#include "common/base/memory.h"
#include "director/director.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct query {
    struct api_queries *queries;
    char id[IDENTIFIER_LEN]; /* empty: free place */
    char owner[STORE_NAME_LEN];
    bool done;
    uint64_t done_ms;
    struct error failure;
    uint8_t *sealed;
    size_t len;
};

struct api_queries {
    struct director *director;
    void (*changed)(void *ctx);
    void *ctx;
    size_t bytes;
    struct query at[API_QUERIES_OPEN];
};

static void
query_clear(struct query *query)
{
    struct api_queries *queries = query->queries;

    if (query->id[0] != '\0' && !query->done)
        director_query_cancel(queries->director, query->id);
    queries->bytes -= query->len;
    free(query->sealed);
    memset(query, 0, sizeof(*query));
    query->queries = queries;
}

struct api_queries *
api_queries_new(struct director *director, void (*changed)(void *ctx), void *ctx)
{
    struct api_queries *queries = MEMORY_NEW(struct api_queries);

    queries->director = director;
    queries->changed = changed;
    queries->ctx = ctx;
    for (size_t i = 0; i < API_QUERIES_OPEN; i++)
        queries->at[i].queries = queries;
    return queries;
}

void
api_queries_free(struct api_queries *queries)
{
    if (queries == NULL)
        return;
    for (size_t i = 0; i < API_QUERIES_OPEN; i++)
        query_clear(&queries->at[i]);
    free(queries);
}

static struct query *
query_find(struct api_queries *queries, const char *query_id)
{
    for (size_t i = 0; i < API_QUERIES_OPEN; i++)
        if (strcmp(queries->at[i].id, query_id) == 0)
            return &queries->at[i];
    return NULL;
}

static void
drop_old(struct api_queries *queries)
{
    uint64_t now = clock_monotonic_ms(director_clock(queries->director));

    for (size_t i = 0; i < API_QUERIES_OPEN; i++)
        if (queries->at[i].done && now - queries->at[i].done_ms > API_QUERIES_LINGER_MS)
            query_clear(&queries->at[i]);
}

static void
on_director_reply(void *ctx, const uint8_t *sealed, size_t len, const struct error *err)
{
    struct query *query = ctx;
    struct api_queries *queries = query->queries;

    query->done = true;
    query->done_ms = clock_monotonic_ms(director_clock(queries->director));
    if (err != NULL) {
        query->failure = *err;
    } else if (queries->bytes + len > API_QUERIES_BYTES) {
        FAIL(&query->failure, ERROR_THROTTLED, 0, "too many large replies wait to be fetched; try again");
    } else if ((query->sealed = memory_array(len, 1, API_QUERIES_BYTES, &query->failure)) != NULL) {
        memcpy(query->sealed, sealed, len);
        query->len = len;
        queries->bytes += len;
    }
    queries->changed(queries->ctx);
}

int
api_queries_start(struct api_queries *queries, const struct director_query *request, const char *owner,
                  struct error *err)
{
    drop_old(queries);
    if (query_find(queries, request->query_id) != NULL)
        return FAIL(err, ERROR_EXISTS, 0, "a query with this id exists");
    struct query *query = query_find(queries, "");
    if (query == NULL)
        return FAIL(err, ERROR_THROTTLED, 0, "%d queries are open; try again", API_QUERIES_OPEN);
    if (director_query_start(queries->director, request, on_director_reply, query, err) != 0)
        return -1;
    snprintf(query->id, sizeof(query->id), "%s", request->query_id);
    snprintf(query->owner, sizeof(query->owner), "%s", owner);
    return 0;
}

static struct query *
query_find_own(struct api_queries *queries, const char *query_id, const char *owner)
{
    struct query *query = query_id[0] == '\0' ? NULL : query_find(queries, query_id);

    return query != NULL && strcmp(query->owner, owner) == 0 ? query : NULL;
}

int
api_queries_look(struct api_queries *queries, const char *query_id, const char *owner, const uint8_t **sealed,
                 size_t *len, struct error *err)
{
    struct query *query = query_find_own(queries, query_id, owner);

    if (query == NULL)
        return FAIL(err, ERROR_NOT_FOUND, 0, "no such query, or its reply was fetched already");
    if (!query->done)
        return 0;
    if (query->sealed == NULL) {
        *err = query->failure;
        query_clear(query);
        return -1;
    }
    *sealed = query->sealed;
    *len = query->len;
    return 1;
}

void
api_queries_drop(struct api_queries *queries, const char *query_id, const char *owner)
{
    struct query *query = query_find_own(queries, query_id, owner);

    if (query != NULL)
        query_clear(query);
}
