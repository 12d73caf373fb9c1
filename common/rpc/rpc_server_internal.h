#ifndef LONGHAUL_COMMON_RPC_RPC_SERVER_INTERNAL_H
#define LONGHAUL_COMMON_RPC_RPC_SERVER_INTERNAL_H

/* What rpc_server, rpc_workers and rpc_health share. */

#include "common/rpc/rpc_call_internal.h"
#include "common/rpc/rpc_server.h"

struct rpc_dispatch;
struct rpc_health;
struct rpc_workers;

/* Threads that run `serve` methods. */
struct rpc_workers *rpc_workers_new(unsigned max_threads);
/* Waits for the threads; calls that none has taken are let go. */
void rpc_workers_free(struct rpc_workers *workers);
/* Loop thread. Takes a reference on success. -1: ERROR_UNAVAILABLE, too many wait. */
int rpc_workers_add(struct rpc_workers *workers, struct rpc_call *call, struct error *err);

/* From a request's headers to a call: the table of methods, and who serves them. */
struct rpc_dispatch *rpc_dispatch_new(struct event_loop *loop);
void rpc_dispatch_free(struct rpc_dispatch *dispatch);
/* Before there are requests. methods are borrowed. */
void rpc_dispatch_add(struct rpc_dispatch *dispatch, const struct rpc_method *methods, size_t count, void *ctx);
/* Loop thread. */
void rpc_dispatch_request(struct rpc_dispatch *dispatch, struct rpc_workers *workers, struct h2_connection *connection,
                          struct h2_stream *stream, const struct h2_headers *headers);
/* Is there a method of this service, as "longhaul.v1.Vault"? */
bool rpc_dispatch_has_service(const struct rpc_dispatch *dispatch, const char *name);

/* Loop thread. grpc.health.v1.Health on the methods of a table, which outlives it. */
struct rpc_health *rpc_health_new(const struct rpc_dispatch *dispatch);
void rpc_health_free(struct rpc_health *health);
extern const struct rpc_method rpc_health_methods[2];
/* From now on nothing is served; watchers are told so and let go. */
void rpc_health_stop(struct rpc_health *health);

#endif
