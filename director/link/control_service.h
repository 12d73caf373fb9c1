#ifndef LONGHAUL_DIRECTOR_LINK_CONTROL_SERVICE_H
#define LONGHAUL_DIRECTOR_LINK_CONTROL_SERVICE_H

/* longhaul.v1.Control for the director's rpc_server: every connected transporter is a session, the scheduler's orders
 * go out through here, and what transporters say goes to the scheduler and the store. Loop thread. */

#include "director/director.h"
#include "director/jobs/scheduler.h"

struct authority;
struct control_service;
struct event_loop;
struct revocation_set;
struct rpc_server;

struct control_service_options {
    struct event_loop *loop; /* borrowed for life, as all below */
    struct store *store;
    struct authority *authority;
    struct revocation_set *revoked;
    uint32_t heartbeat_ms;
    uint32_t lease_ms;
    /* Something changed that may let a waiting task go on: look at them soon. */
    void (*on_change)(void *ctx);
    void *on_change_ctx;
};

struct control_service *control_service_new(const struct control_service_options *options);
/* Sessions whose calls are not closed yet are let go of: their last events do nothing. */
void control_service_free(struct control_service *service);

/* For scheduler_options.links, with the service as ctx. */
struct scheduler_links control_service_links(struct control_service *service);
/* To be told before anybody connects. Borrowed. */
void control_service_use(struct control_service *service, struct scheduler *scheduler);
/* Adds the method. Before rpc_server_listen(). */
void control_service_attach(struct control_service *service, struct rpc_server *server);

/* Ends sessions that are silent and renews grants that grow old. Call it every few seconds. */
void control_service_tick(struct control_service *service);
/* Ends every session. */
void control_service_close_all(struct control_service *service);

/* The set of revoked nodes has changed: tell everybody. */
void control_service_push_revocations(struct control_service *service);

void control_service_state(struct control_service *service, const char *node_id,
                           struct director_transporter_state *state);
/* Nothing happens when the host is not connected. */
int control_service_attach_repository(struct control_service *service, const char *repository_id, struct error *err);
int control_service_detach_repository(struct control_service *service, const char *repository_id, struct error *err);

/* See director.h. */
int control_service_query(struct control_service *service, const struct director_query *query, director_query_fn *done,
                          void *ctx, struct error *err);
void control_service_query_cancel(struct control_service *service, const char *query_id);
int control_service_query_placement(struct control_service *service, const char *vault_id,
                                    char transporter[IDENTIFIER_LEN], struct error *err);

#endif
