#ifndef LONGHAUL_TRANSPORTER_LINK_DIRECTOR_LINK_INTERNAL_H
#define LONGHAUL_TRANSPORTER_LINK_DIRECTOR_LINK_INTERNAL_H

#include "transporter/link/control_messages.h"
#include "transporter/link/director_link.h"
#include "transporter/task/cancel.h"

#include <pthread.h>
#include <stdbool.h>

struct rpc_call;

/* What was last said of a task, so that silence stays silence. */
struct director_link_told {
    struct control_task_ref ref;
    struct task_progress progress;
};

struct director_link {
    struct director_link_options options;
    struct director_link_parts parts;
    struct cancel stop;
    pthread_t thread;
    bool running;

    pthread_mutex_t lock;  /* of call and senders */
    pthread_cond_t idle;   /* senders is zero */
    struct rpc_call *call; /* NULL while there is no conversation */
    unsigned senders;

    /* The link's thread only. */
    bool welcomed;
    uint32_t heartbeat_ms, lease_ms;
    uint64_t contact_ms; /* monotonic time of the last sign of the director */
    struct director_link_told *told;
    size_t told_count;
};

/* One message of the director. What cannot be carried out is told to the director; -1 only when the conversation is
 * not worth going on with. */
int director_link_dispatch(struct director_link *link, const uint8_t *data, size_t len, struct error *err);

/* What to say without being asked. */
int director_link_say_hello(struct director_link *link, struct rpc_call *call, struct error *err);
int director_link_say_heartbeat(struct director_link *link, struct error *err);
int director_link_say_progress(struct director_link *link, struct error *err);
int director_link_say_results(struct director_link *link, struct error *err);

#endif
