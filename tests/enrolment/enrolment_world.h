#ifndef LONGHAUL_TESTS_ENROLMENT_ENROLMENT_WORLD_H
#define LONGHAUL_TESTS_ENROLMENT_ENROLMENT_WORLD_H

/* The director's side of enrolment on a real store and a real RPC server on loopback, and state folders for machines
 * that want to become transporters. TLS looks at the machine's own time, so both fake clocks start near it. */

#include "director/enrolment/authority.h"
#include "director/enrolment/enrolment_service.h"
#include "director/enrolment/invite.h"
#include "director/enrolment/revocation.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/scratch_folder.h"
#include "transporter/link/enrol.h"
#include "transporter/link/node_identity.h"

#define WORLD_HOUR_MS     INT64_C(3600000)
#define WORLD_LIFETIME_MS (3 * WORLD_HOUR_MS)

struct event_loop;
struct rpc_channel;
struct rpc_server;

struct enrolment_world {
    struct scratch_folder folder;
    struct fake_clock director_clock, machine_clock; /* two hours behind the machine's own time */
    struct event_loop *loop, *machine_loop;
    struct store *store;
    struct authority *authority;
    struct revocation *revocation;
    struct enrolment_service *service;
    struct rpc_server *server;
    char machine[2][PATH_MAX + 16]; /* state folders */
    char token[INVITE_TOKEN_LEN];
    int enrolled; /* calls of on_enrolled */
};

/* setup and teardown of a cmocka test. */
int enrolment_world_set_up(void **state);
int enrolment_world_tear_down(void **state);

/* Run on the director's loop thread and wait for it: everything that touches the store. */
void enrolment_world_run(struct enrolment_world *w, void (*fn)(void *ctx), void *ctx);

/* A fresh token in w->token. */
void enrolment_world_invite(struct enrolment_world *w, const char *name);
/* What the machine's operator runs. */
struct enrol_options enrolment_world_options(struct enrolment_world *w, unsigned machine);
/* Enrols machine 0 as "nas1" and loads its identity. */
struct node_identity *enrolment_world_enrolled(struct enrolment_world *w);
/* From that machine to the director. */
struct rpc_channel *enrolment_world_channel(struct enrolment_world *w, struct node_identity *identity);

#endif
