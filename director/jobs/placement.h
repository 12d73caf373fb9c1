#ifndef LONGHAUL_DIRECTOR_JOBS_PLACEMENT_H
#define LONGHAUL_DIRECTOR_JOBS_PLACEMENT_H

/* Which transporter does a task. Pure: a function of what is asked and of who is there. */

#include "director/store/store.h"

struct placement_need {
    struct store_labels selector; /* every one of them must be the transporter's */
    const char *pinned;           /* the only one that may do it; empty: any */
    bool host_needed;             /* it works on a vault */
    bool host_online;             /* the vault's host is connected, serves, and has the repository attached */
    bool exclusive_busy;          /* another task works on the same object */
};

/* A connected transporter in good standing. */
struct placement_candidate {
    const char *id;
    const struct store_labels *labels;
    bool has_secrets; /* all that the task needs are sealed to it */
    unsigned slots;
    unsigned running;
};

/* Why nobody was chosen: what came nearest. In rising order of nearness. */
enum placement_reason {
    PLACEMENT_NO_TRANSPORTER, /* none is connected */
    PLACEMENT_PINNED_AWAY,
    PLACEMENT_NO_LABEL,
    PLACEMENT_NO_SECRET,
    PLACEMENT_HOST_AWAY,
    PLACEMENT_BUSY,
    PLACEMENT_NO_SLOT,
    PLACEMENT_FOUND
};

/* For an operator: what is missing and what to do. */
const char *placement_reason_text(enum placement_reason reason);

/* The index of the one with the smallest share of its slots in use (the first of equals), or -1. *reason may be
 * NULL. */
int placement_choose(const struct placement_need *need, const struct placement_candidate *candidates, size_t count,
                     enum placement_reason *reason);

#endif
