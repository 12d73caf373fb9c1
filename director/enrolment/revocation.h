#ifndef LONGHAUL_DIRECTOR_ENROLMENT_REVOCATION_H
#define LONGHAUL_DIRECTOR_ENROLMENT_REVOCATION_H

/* Taking a node's right away, within seconds: refused by the director at once, its open connections dropped, and
 * the whole set pushed to every host. Loop thread, unless stated. */

#include "common/net/revocation_set.h"

struct revocation;
struct rpc_server;
struct store;

struct revocation_options {
    struct store *store; /* borrowed for life */
    /* The set has changed: send it to the hosts (Revocations). May be NULL. */
    void (*on_change)(void *ctx);
    void *on_change_ctx;
};

/* Reads the set from the store. NULL on failure. */
struct revocation *revocation_open(const struct revocation_options *options, struct error *err);
void revocation_free(struct revocation *revocation);

/* The server whose connections are dropped; NULL before it goes away. Its admit hook is revocation_set_admit() with
 * revocation_nodes(). */
void revocation_attach(struct revocation *revocation, struct rpc_server *server);

/* Durable first, then effective. ERROR_NOT_FOUND. */
int revocation_revoke(struct revocation *revocation, const char *node_id, struct error *err);

/* Valid as long as the revocation. Any thread. */
struct revocation_set *revocation_nodes(struct revocation *revocation);

#endif
