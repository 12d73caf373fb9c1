#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/vault_internal.h"
#include "tests/sweep/sim.h"
#include "transporter/host/vault_host.h"

#include <stdio.h>
#include <stdlib.h>

static int64_t
wall(void *ctx)
{
    const struct sim_host *host = ctx;
    return (int64_t)host->sim->now_ms + host->skew_ms;
}

static uint64_t
monotonic(void *ctx)
{
    const struct sim_host *host = ctx;
    return host->sim->now_ms - host->booted_ms + 5;
}

static void
fill_random(void *ctx, void *out, size_t len)
{
    struct sim_host *host = ctx;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = (uint8_t)sim_random(host->sim, 256);
}

void
sim_host_open(struct sim *sim, unsigned number)
{
    struct sim_host *host = &sim->hosts[number];
    struct error err = ERROR_INIT;
    char state[4200];
    host->booted_ms = sim->now_ms;
    host->mount = MEMORY_NEW(struct sim_mount);
    sim_mount_init(host->mount, &sim->disk);
    snprintf(state, sizeof(state), "%s/host-%u", sim->state_dir, number);
    const struct vault_host_options options = {
        .vault_id = SIM_VAULT,
        .state_dir = state,
        .merge_by_hand = true,
        .settle_ms = sim->fault == SIM_FAULT_NO_SETTLING ? 1 : SIM_SETTLE,
    };
    host->host = vault_host_open(&host->mount->storage, &host->clock, &options, &err);
    if (host->host == NULL) {
        fprintf(stderr, "seed %llu: the host does not open: %s\n", (unsigned long long)sim->seed, err.text);
        abort();
    }
}

void
sim_host_init(struct sim *sim, unsigned number)
{
    struct sim_host *host = &sim->hosts[number];
    host->sim = sim;
    host->number = number;
    host->clock = (struct clock){ host, wall, monotonic, fill_random };
    host->vault = vault_share(sim->vault, sim_backend(host, false));
    host->sweep_vault = vault_share(sim->vault, sim_backend(host, true));
    host->sweep_vault->clock = &host->clock;
}

void
sim_host_clear(struct sim *sim, unsigned number)
{
    if (sim->hosts[number].host != NULL)
        sim_host_close(sim, number);
    vault_close(sim->hosts[number].vault);
    vault_close(sim->hosts[number].sweep_vault);
}

void
sim_host_close(struct sim *sim, unsigned number)
{
    struct sim_host *host = &sim->hosts[number];
    vault_host_close(host->host);
    free(host->mount);
    host->host = NULL;
    host->mount = NULL;
}

void
sim_host_ensure(struct sim *sim, unsigned number)
{
    struct sim_host *host = &sim->hosts[number];
    if (host->host != NULL && !host->mount->crashed)
        return;
    sim_host_restart(sim, number);
}

void
sim_host_restart(struct sim *sim, unsigned number)
{
    if (sim->hosts[number].host != NULL)
        sim_host_close(sim, number);
    sim->counters->restarts++;
    sim_host_open(sim, number);
}
