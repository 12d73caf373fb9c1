#ifndef LONGHAUL_TESTS_M365SIM_SIM_H
#define LONGHAUL_TESTS_M365SIM_SIM_H

/* A Microsoft 365 tenant served from a folder. Requests run on a thread per connection; each part below
 * locks for itself. */

#include "tests/m365sim/options.h"

struct auth;
struct clock;
struct error;
struct faults;
struct limits;
struct stats;
struct tenant;
struct uploads;
struct hashes;

struct sim {
    const struct clock *clock;
    struct options options;
    char *state;        /* folder of what was made through the API */
    char *temporary;    /* folder for spooled bodies, inside state */
    bool state_is_ours; /* made for this run, removed at the end */
    struct auth *auth;
    struct tenant *tenant;
    struct faults *faults;
    struct limits *limits;
    struct stats *stats;
    struct uploads *uploads;
    struct hashes *hashes;
};

/* Reads the options' files and opens the tenant. sim_close() is fine after a failure. */
int sim_open(struct sim *sim, const struct clock *clock, struct error *err);
void sim_close(struct sim *sim);

#endif
