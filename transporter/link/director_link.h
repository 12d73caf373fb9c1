#ifndef LONGHAUL_TRANSPORTER_LINK_DIRECTOR_LINK_H
#define LONGHAUL_TRANSPORTER_LINK_DIRECTOR_LINK_H

/* The one long conversation with the director: a thread that keeps the Connect stream, makes it again after a loss
 * with growing pauses, renews the leases of running tasks by its heartbeats, and hands the director's orders to
 * whoever carries them out. While the director cannot be reached tasks go on until their lease has ended. */

#include "transporter/task/task_result.h"

struct clock;
struct director_link;
struct finished_journal;
struct graph_pool;
struct node_identity;
struct query_service;
struct revocation_set;
struct rpc_channel;
struct rpc_server;
struct task_runner;
struct vault_registry;

/* All borrowed until director_link_free(). */
struct director_link_options {
    const struct clock *clock;
    struct node_identity *identity;
    struct rpc_channel *channel;
    struct finished_journal *journal;
    const char *advertise; /* "host:port" of our vault service; "" */
    unsigned task_slots;
};

/* Who carries orders out. All borrowed from director_link_start() to director_link_stop(). */
struct director_link_parts {
    struct task_runner *runner;
    struct query_service *queries;
    struct vault_registry *registry;
    struct revocation_set *revoked;
    struct graph_pool *graphs;
    struct vault_keys *keys;
    struct rpc_server *server; /* NULL: serves no vaults */
};

/* Does nothing yet; director_link_send() fails until it is started and welcomed. */
struct director_link *director_link_new(const struct director_link_options *options, struct error *err);
int director_link_start(struct director_link *link, const struct director_link_parts *parts, struct error *err);
/* Waits until every result is acknowledged, at most so long: before a stop, so that the director need not wait for a
 * lease to end. */
void director_link_settle(struct director_link *link, uint32_t ms);
/* Ends the conversation and waits for the thread. */
void director_link_stop(struct director_link *link);
void director_link_free(struct director_link *link);

/* As task_services.send, with the link as ctx. */
int director_link_send(void *link, const void *message, size_t len, struct error *err);
/* As task_runner_options.finished: keeps the result until the director has acknowledged it. */
void director_link_finished(void *link, const struct task_result *result);

#endif
