#ifndef LONGHAUL_TRANSPORTER_GRAPH_GRAPH_BUDGET_H
#define LONGHAUL_TRANSPORTER_GRAPH_GRAPH_BUDGET_H

/* When a request may leave: pauses that the service asked for, pacing when its allowance runs low, and the slots of
 * a mailbox. A pause of drives and sites holds for the whole tenant; one of a mailbox for that mailbox. Any thread. */

#include "transporter/graph/graph_client.h"
#include "transporter/graph/graph_retry.h"

#include <stdatomic.h>
#include <stdint.h>

struct error;
struct graph_budget;
struct graph_hold;

struct graph_budget_options {
    const struct clock *clock; /* borrowed for the budget's life */
    void (*wait_ms)(void *ctx, uint64_t ms, const atomic_bool *cancel);
    void *wait_ctx;
};

struct graph_budget *graph_budget_new(const struct graph_budget_options *options);
/* Nobody may be inside. */
void graph_budget_free(struct graph_budget *budget);

/* Waits for leave to send one request; mailbox may be NULL. The hold is told of the waits. 0 and a
 * graph_budget_leave() is owed, or -1 with ERROR_CANCELLED, or ERROR_THROTTLED when a wait is longer than what is left
 * of the hold's patience. */
int graph_budget_enter(struct graph_budget *budget, enum graph_service service, const char *mailbox,
                       struct graph_hold *hold, const atomic_bool *cancel, struct error *err);
void graph_budget_leave(struct graph_budget *budget, const char *mailbox);

void graph_budget_pause(struct graph_budget *budget, enum graph_service service, const char *mailbox, uint32_t ms);
/* Spreads requests to the service: at least interval_ms apart, for the next for_ms. 0 ends it. */
void graph_budget_pace(struct graph_budget *budget, enum graph_service service, uint32_t interval_ms, uint32_t for_ms);

/* The default way to wait: real time, in slices, so that *cancel is noticed. */
void graph_budget_sleep(void *ctx, uint64_t ms, const atomic_bool *cancel);

#endif
