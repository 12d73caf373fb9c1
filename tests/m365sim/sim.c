#include "tests/m365sim/sim.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/auth.h"
#include "tests/m365sim/faults.h"
#include "tests/m365sim/files.h"
#include "tests/m365sim/hashes.h"
#include "tests/m365sim/limits.h"
#include "tests/m365sim/stats.h"
#include "tests/m365sim/tenant.h"
#include "tests/m365sim/uploads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int
make_state(struct sim *sim, struct error *err)
{
    char pattern[] = "/tmp/m365sim-XXXXXX";
    if (sim->options.state != NULL) {
        sim->state = memory_strdup(sim->options.state);
    } else {
        if (mkdtemp(pattern) == NULL)
            return FAIL(err, ERROR_IO, errno, "%s: %s", pattern, strerror(errno));
        sim->state = memory_strdup(pattern);
        sim->state_is_ours = true;
    }
    sim->temporary = memory_printf("%s/temporary", sim->state);
    return files_make_folder(sim->temporary, err);
}

int
sim_open(struct sim *sim, const struct clock *clock, struct error *err)
{
    sim->clock = clock;
    if (make_state(sim, err) != 0)
        return -1;
    sim->stats = stats_new();
    sim->faults = faults_new();
    sim->uploads = uploads_new(clock);
    CLEANUP(memory_free_p) char *known = memory_printf("%s/hashes", sim->state);
    sim->hashes = hashes_open(sim->state_is_ours ? NULL : known);
    sim->limits = limits_open(sim->options.limits, clock, err);
    sim->auth = sim->limits == NULL ? NULL : auth_open(&sim->options, clock, err);
    sim->tenant = sim->auth == NULL ? NULL : tenant_open(sim->options.tenant, sim->state, clock, err);
    return sim->tenant == NULL ? -1 : 0;
}

void
sim_close(struct sim *sim)
{
    tenant_free(sim->tenant);
    auth_free(sim->auth);
    limits_free(sim->limits);
    uploads_free(sim->uploads);
    hashes_free(sim->hashes);
    faults_free(sim->faults);
    stats_free(sim->stats);
    if (sim->state_is_ours)
        files_remove_tree(sim->state, NULL);
    free(sim->temporary);
    free(sim->state);
    memset(sim, 0, sizeof(*sim));
}
