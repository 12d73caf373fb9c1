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

/* Throttled for longer than this without a break, a request gives up: its task is tried again later, and every run
 * ends. */
#define GRAPH_BUDGET_WAIT_MAX_MS (2u * 60 * 60 * 1000)

struct graph_budget_options {
    const struct clock *clock; /* borrowed for the budget's life */
    void (*wait_ms)(void *ctx, uint64_t ms, const atomic_bool *cancel);
    void *wait_ctx;
};

struct graph_budget *graph_budget_new(const struct graph_budget_options *options);
/* Nobody may be inside. */
void graph_budget_free(struct graph_budget *budget);

/* Waits for leave to send one request; mailbox may be NULL. *waited_ms is how long throttling held it back. 0 and a
 * graph_budget_leave() is owed, or -1 with ERROR_CANCELLED, or ERROR_THROTTLED when that takes longer than
 * GRAPH_BUDGET_WAIT_MAX_MS. */
int graph_budget_enter(struct graph_budget *budget, enum graph_service service, const char *mailbox,
                       const atomic_bool *cancel, uint64_t *waited_ms, struct error *err);
void graph_budget_leave(struct graph_budget *budget, const char *mailbox);
/* ERROR_THROTTLED with the hint. -1 */
int graph_budget_give_up(uint32_t retry_after_ms, struct error *err);

void graph_budget_pause(struct graph_budget *budget, enum graph_service service, const char *mailbox, uint32_t ms);
/* Spreads requests to the service: at least interval_ms apart, for the next for_ms. 0 ends it. */
void graph_budget_pace(struct graph_budget *budget, enum graph_service service, uint32_t interval_ms, uint32_t for_ms);

/* The default way to wait: real time, in slices, so that *cancel is noticed. */
void graph_budget_sleep(void *ctx, uint64_t ms, const atomic_bool *cancel);

#endif
