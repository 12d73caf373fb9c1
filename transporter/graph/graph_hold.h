#ifndef LONGHAUL_TRANSPORTER_GRAPH_GRAPH_HOLD_H
#define LONGHAUL_TRANSPORTER_GRAPH_GRAPH_HOLD_H

/* How long a piece of work is held back by throttling, and when its patience is at an end. It is held from the first
 * throttled answer, or the first wait because of somebody else's, until the service answers one of its requests. Times
 * are milliseconds. Any thread. */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct clock;
struct error;

#define GRAPH_HOLD_PATIENCE_MS (30u * 60 * 1000) /* when nobody says otherwise */

/* The caller's; fields are for graph_hold.c only. */
struct graph_hold {
    pthread_mutex_t lock;
    uint64_t patience_ms;
    bool held;
    uint64_t since_ms, until_ms; /* monotonic: the first throttle, and when the service may be asked again */
    unsigned waiting;            /* requests */
    uint64_t waiting_since_ms, waited_ms;
};

void graph_hold_init(struct graph_hold *hold, uint64_t patience_ms);
/* Nobody may be inside. */
void graph_hold_clear(struct graph_hold *hold);

/* A throttled answer that asks for hint_ms. *wait_ms: how long to wait, which is the hint and as much of backoff_ms as
 * the patience has left. -1 with ERROR_THROTTLED and its retry_after_ms when the patience is used up, or the hint is
 * longer than what is left of it. */
int graph_hold_throttled(struct graph_hold *hold, const struct clock *clock, uint32_t hint_ms, uint32_t backoff_ms,
                         uint32_t *wait_ms, struct error *err);
/* A request is about to wait. asked: because of a throttled answer, its own or another's, and not only to spread
 * requests. 0 and graph_hold_wait_end() is owed, or -1 as above. */
int graph_hold_wait_begin(struct graph_hold *hold, const struct clock *clock, uint64_t ms, bool asked,
                          struct error *err);
void graph_hold_wait_end(struct graph_hold *hold, const struct clock *clock);
/* The service has answered, and not by throttling. */
void graph_hold_answered(struct graph_hold *hold);

struct graph_hold_state {
    bool held;
    uint64_t for_ms;    /* so far; 0 when it is not held */
    uint64_t wait_ms;   /* until the service is asked again; 0 when that is now, or it is not held */
    uint64_t waited_ms; /* in all: time in which at least one request waited */
};
void graph_hold_state(struct graph_hold *hold, const struct clock *clock, struct graph_hold_state *out);

#endif
