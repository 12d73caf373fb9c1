#ifndef LONGHAUL_TRANSPORTER_TASK_GRAPH_POOL_H
#define LONGHAUL_TRANSPORTER_TASK_GRAPH_POOL_H

/* One Graph client for each tenant's credentials, shared by all tasks, so that pauses, tokens and the request slots of
 * a mailbox are shared too. A client whose last user has gone is kept for the next one. Any thread. */

#include <stdint.h>

struct clock;
struct error;
struct graph_client;
struct graph_hold;
struct graph_pool;
struct secret;

/* extra_ca: path of a PEM file, or ""; copied. clock is borrowed for life. */
struct graph_pool *graph_pool_new(const struct clock *clock, const char *extra_ca, struct error *err);
/* No client may be out. */
void graph_pool_free(struct graph_pool *pool);

/* A share of the tenant's client. credentials: the unsealed "microsoft365" secret. hold is borrowed until it is given
 * back. */
struct graph_client *graph_pool_get(struct graph_pool *pool, const char *tenant_id, const struct secret *credentials,
                                    struct graph_hold *hold, struct error *err);
void graph_pool_put(struct graph_pool *pool, struct graph_client *client);
/* Another transporter was throttled in this tenant. */
void graph_pool_pause(struct graph_pool *pool, const char *tenant_id, uint32_t ms);

#endif
