#ifndef LONGHAUL_DIRECTOR_LINK_QUERY_RELAY_H
#define LONGHAUL_DIRECTOR_LINK_QUERY_RELAY_H

/* Questions that were sent to a transporter and wait for its reply. Loop thread. */

#include "common/base/error.h"
#include "director/director.h"

struct event_loop;
struct query_relay;

#define QUERY_RELAY_MAX 256 /* under way at a time */

struct query_relay *query_relay_new(struct event_loop *loop);
/* No question is answered any more. */
void query_relay_free(struct query_relay *relay);

/* ERROR_EXISTS, ERROR_USAGE for an id that is none, ERROR_UNAVAILABLE when too many wait. done is called exactly once,
 * later: with the reply, or with ERROR_TIMEOUT after timeout_ms, or when the transporter is lost. */
int query_relay_add(struct query_relay *relay, const char *query_id, const char *node_id, uint32_t timeout_ms,
                    director_query_fn *done, void *ctx, struct error *err);
/* Forget it; done is not called. */
void query_relay_drop(struct query_relay *relay, const char *query_id);

/* A reply: ignored when the question was put to another node, or is not known (any more). err NULL: it went well. */
void query_relay_reply(struct query_relay *relay, const char *node_id, const char *query_id, const uint8_t *sealed,
                       size_t len, const struct error *why);
/* Its questions end with ERROR_UNAVAILABLE. */
void query_relay_lose(struct query_relay *relay, const char *node_id);

#endif
