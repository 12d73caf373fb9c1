#ifndef LONGHAUL_TESTS_M365SIM_ZONES_H
#define LONGHAUL_TESTS_M365SIM_ZONES_H

/* Time zones by the names that calendars and Graph use: IANA ("Europe/Berlin")
 * and Windows ("W. Europe Standard Time"). libical has locks of its own for its
 * zones, but one lock around everything that uses it is simpler to trust:
 * zones_lock(). */

#include <libical/ical.h>
#include <stdbool.h>

void zones_lock(void);
void zones_unlock(void);

/* NULL when the name is unknown. Locked. */
icaltimezone *zones_find(const char *name);

/* "2026-09-14T07:00:00.0000000" or less of it, down to the date, in the named zone, as UTC. false when either is
 * not understood. Locked. */
bool zones_read(const char *date_time, const char *zone, struct icaltimetype *utc);
/* A time in UTC as Graph writes it in the zone (NULL: UTC). Locked. */
void zones_write(struct icaltimetype utc, icaltimezone *zone, char out[32]);

#endif
