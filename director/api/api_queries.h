#ifndef LONGHAUL_DIRECTOR_API_API_QUERIES_H
#define LONGHAUL_DIRECTOR_API_API_QUERIES_H

/* Sealed questions on their way, and sealed replies until they are fetched: bounded in number, bytes and time. Loop
 * thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define API_QUERIES_OPEN      64
#define API_QUERIES_BYTES     ((size_t)32 << 20) /* replies kept */
#define API_QUERIES_LINGER_MS 300000             /* a reply nobody fetched */

struct api_queries;
struct director;
struct director_query;
struct error;

/* changed is called when a reply or a failure came in. director is borrowed. */
struct api_queries *api_queries_new(struct director *director, void (*changed)(void *ctx), void *ctx);
/* Cancels what is open. NULL is fine. */
void api_queries_free(struct api_queries *queries);

/* owner: the token's name; nobody else finds the query. ERROR_THROTTLED when too many are open, ERROR_EXISTS. */
int api_queries_start(struct api_queries *queries, const struct director_query *query, const char *owner,
                      struct error *err);
/* 1: the reply is here (borrowed until api_queries_drop). 0: not yet. -1: it failed, or ERROR_NOT_FOUND. */
int api_queries_look(struct api_queries *queries, const char *query_id, const char *owner, const uint8_t **sealed,
                     size_t *len, struct error *err);
/* Cancels and forgets. Unknown ids are fine. */
void api_queries_drop(struct api_queries *queries, const char *query_id, const char *owner);

#endif
