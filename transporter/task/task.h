#ifndef LONGHAUL_TRANSPORTER_TASK_TASK_H
#define LONGHAUL_TRANSPORTER_TASK_TASK_H

/* One task on its way: the order, its end before time, its newest grant, and how far it is. */

#include "transporter/graph/graph_hold.h"
#include "transporter/task/cancel.h"
#include "transporter/task/task_order.h"
#include "transporter/task/task_result.h"

#include <pthread.h>
#include <stdatomic.h>

struct buffer;
struct clock;
struct event_loop;
struct graph_pool;
struct node_identity;
struct revocation_set;
struct transporter_config;
struct vault_keys;

/* What tasks and queries use of the process. Borrowed for its life; nothing here changes. */
struct task_services {
    const struct clock *clock;
    struct event_loop *loop;
    const struct transporter_config *config;
    struct node_identity *identity;
    struct graph_pool *graphs;
    struct vault_keys *keys;
    struct revocation_set *revoked; /* of the director; NULL: none */
    /* One serialised TransporterMessage to the director; any thread. ERROR_NETWORK while there is no connection. */
    int (*send)(void *ctx, const void *message, size_t len, struct error *err);
    void *send_ctx;
};

struct task {
    struct task_order *order; /* read-only */
    const struct task_services *services;
    struct cancel cancel;
    pthread_mutex_t lock; /* of the grants */
    uint8_t *grant;
    size_t grant_len;
    uint8_t *source_grant; /* of a copy */
    size_t source_grant_len;
    _Atomic(const char *) phase; /* a constant */
    atomic_uint_fast64_t items_done, items_total;
    atomic_uint_fast64_t locks_done, locks_total; /* objects; total 0: none are being extended */
    atomic_uint_fast64_t bytes_read, bytes_total, bytes_stored;
    atomic_uint_fast64_t requests;
    struct graph_hold hold; /* of its requests to Microsoft */
};

/* Takes the order, also when it fails. */
struct task *task_new(struct task_order *order, const struct task_services *services, struct error *err);
void task_free(struct task *task);

/* The director has made a newer grant. Any thread. */
void task_set_grant(struct task *task, const void *grant, size_t len);
/* As remote_vault_options.grant, with the task as ctx. */
int task_grant(void *task, struct buffer *out, struct error *err);
/* Same, of the vault that is copied from. */
int task_source_grant(void *task, struct buffer *out, struct error *err);

/* phase is a constant like "enumerate", "transfer", "commit". */
void task_phase(struct task *task, const char *phase);
/* Locks are made to last longer, which the phase says until another one begins. */
void task_locking(struct task *task, uint64_t done, uint64_t total);
void task_snapshot(struct task *task, struct task_progress *progress);

/* The whole task on the calling thread. The result is filled in either way. */
void task_run(struct task *task, struct task_result *result);

#endif
