#ifndef LONGHAUL_TESTS_M365SIM_STATS_H
#define LONGHAUL_TESTS_M365SIM_STATS_H

/* What was asked for and answered, for tests to look at. Any thread. */

#include <jansson.h>
#include <stdint.h>

struct stats;

struct stats *stats_new(void);
void stats_free(struct stats *s);
void stats_reset(struct stats *s);

/* Around a request: kind is the route's ("messages/delta"), mailbox (may be NULL) the one it runs in. */
void stats_begin(struct stats *s, const char *kind, const char *mailbox);
void stats_end(struct stats *s, const char *kind, const char *mailbox, unsigned status, uint64_t bytes_in,
               uint64_t bytes_out);
/* {"requests": {kind: n}, "status": {"200": n}, "max_concurrent": {mailbox: n}, ...} */
json_t *stats_json(struct stats *s);

#endif
