#ifndef LONGHAUL_TRANSPORTER_GRAPH_GRAPH_RETRY_H
#define LONGHAUL_TRANSPORTER_GRAPH_GRAPH_RETRY_H

/* How long to wait: hints of the service, and pauses of our own. Pure; any thread. */

#include <stdbool.h>
#include <stdint.h>

struct http_response;

#define GRAPH_RETRY_HINT_MAX_MS (24u * 60 * 60 * 1000) /* a longer wish is taken as this */

struct graph_hint {
    bool retry_after_seen;
    uint32_t retry_after_ms; /* the larger of Retry-After and, when nothing remains, RateLimit-Reset */
    bool limit_seen;         /* the three RateLimit headers */
    uint32_t limit, remaining, reset_ms;
};

/* now_ms: wall clock, for a Retry-After that is a date. Nonsense is treated as absent. */
struct graph_hint graph_retry_hint(const struct http_response *response, int64_t now_ms);

/* Pause between requests that makes `remaining` last until the reset; 0 while more than a fifth is left. */
uint32_t graph_retry_pace_ms(const struct graph_hint *hint);

/* Pause before attempt number `attempt` (1 = first repetition): 1 s doubling to 5 min, of which the upper half is
 * spread by `random`. */
uint32_t graph_retry_backoff_ms(unsigned attempt, uint32_t random);

#endif
