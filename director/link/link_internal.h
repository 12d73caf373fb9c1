#ifndef LONGHAUL_DIRECTOR_LINK_LINK_INTERNAL_H
#define LONGHAUL_DIRECTOR_LINK_LINK_INTERNAL_H

/* What the files of this folder share. */

#include "common/base/error.h"
#include "common/net/tls_context.h"
#include "director/link/control_service.h"

#include <uthash.h>

struct arena;
struct query_relay;
struct rpc_call;

#define LINK_MESSAGE_BUDGET ((size_t)32 << 20) /* bytes that unpacking one message may take */
#define LINK_RUNNING_MAX    10000
#define LINK_SLOTS_MAX      1000

/*   opened ──► welcomed ──► over
 *      └──────────────────────►                */
enum session_state { SESSION_OPENED, SESSION_WELCOMED, SESSION_OVER };

/* One connected transporter. Lives from on_open to on_close of its call. */
struct session {
    struct control_service *service; /* NULL once the service is gone */
    struct rpc_call *call;           /* NULL once it is ended by us */
    enum session_state state;
    char node_id[IDENTIFIER_LEN];
    struct tls_peer peer;
    int64_t connected_ms;
    uint64_t heard_ms;  /* monotonic: last message */
    uint64_t grants_ms; /* monotonic: when its tasks' grants were renewed */
    uint64_t attach_ms; /* monotonic: when it was last asked to attach what it could not */
    unsigned slots, running;
    uint64_t resident_bytes;
    double cpu_seconds;
    struct session *next, **link; /* of all sessions */
    UT_hash_handle hh;            /* of welcomed ones, by node_id */
};

struct control_service {
    struct control_service_options options;
    struct scheduler *scheduler;
    struct session *sessions;
    struct session *welcomed;
    struct query_relay *queries;
    struct arena *arena; /* for one message at a time */
};

/* control_service.c */
struct session *control_service_find(const struct control_service *service, const char *node_id);

/* transporter_session.c */
extern const struct rpc_call_events transporter_session_events;
/* Ends its call; err says why. on_close comes later. */
void transporter_session_end(struct session *session, const struct error *err);
/* After Welcome, and when the queue of what is to be said has an error: the session is ended then. */
void transporter_session_check(struct session *session, int sent, const struct error *err);

/* session_hello.c: everything a transporter is told when it connects. */
struct session_hello {
    uint32_t protocol;
    const char *software_version;
    const char *advertise;
    uint32_t task_slots;
    int64_t clock_ms;
    struct scheduler_running *running;
    size_t running_count;
};
int session_hello_receive(struct session *session, const struct session_hello *hello, struct error *err);
/* Fresh grants for all tasks it holds. */
int session_hello_renew_grants(struct session *session, struct error *err);
int session_hello_attach(struct session *session, const char *repository_id, struct error *err);
/* Once more what could not be attached: its disk may have been mounted since. */
int session_hello_attach_again(struct session *session, struct error *err);

#endif
