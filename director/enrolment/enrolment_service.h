#ifndef LONGHAUL_DIRECTOR_ENROLMENT_ENROLMENT_SERVICE_H
#define LONGHAUL_DIRECTOR_ENROLMENT_ENROLMENT_SERVICE_H

/* longhaul.v1.Enrolment for the director's rpc_server: Enrol (anonymous) and Renew. Loop thread.
 *
 * What a stranger learns: that a token is not known, is expired, or is used; a token has 256 random bits, so these
 * answers are no help in guessing one. */

#include "common/base/identifier.h"

#include <stdint.h>

struct authority;
struct clock;
struct enrolment_service;
struct error;
struct revocation;
struct rpc_server;
struct store;

#define ENROLMENT_CLOCK_TOLERANCE_MS ((int64_t)5 * 60 * 1000)

struct enrolment_service_options {
    const struct clock *clock;
    struct authority *authority; /* borrowed for life, as the next two */
    struct store *store;
    struct revocation *revocation;
    void (*on_enrolled)(void *ctx, const char *node_id); /* may be NULL */
    void *on_enrolled_ctx;
};

struct enrolment_service *enrolment_service_new(const struct enrolment_service_options *options);
/* After the server it was attached to is gone. */
void enrolment_service_free(struct enrolment_service *service);
/* Adds the two methods. Before rpc_server_listen(). */
void enrolment_service_attach(struct enrolment_service *service, struct rpc_server *server);

#endif
