#ifndef LONGHAUL_TESTS_M365SIM_RECURRENCE_H
#define LONGHAUL_TESTS_M365SIM_RECURRENCE_H

/* Recurrence between iCalendar and Graph. The lock of zones.h is held for all
 * of these. */

#include <jansson.h>
#include <libical/ical.h>
#include <stdbool.h>

#define RECURRENCE_LIMIT 20000 /* occurrences looked at */

/* start: the first one in its own zone, whose name goes into the range. NULL
 * when Graph cannot express it. */
json_t *recurrence_from_rule(const struct icalrecurrencetype *rule, struct icaltimetype start, const char *zone);

/* Calls back with each start (in UTC) of a series until it says false. start:
 * as stored, in UTC. false when the recurrence is not understood. */
bool recurrence_expand(const json_t *recurrence, struct icaltimetype start, icaltimezone *zone,
                       bool (*on_start)(void *ctx, struct icaltimetype utc, struct icaltimetype local), void *ctx);

#endif
