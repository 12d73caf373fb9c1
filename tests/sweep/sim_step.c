#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/vault_internal.h"
#include "tests/sweep/sim.h"
#include "transporter/host/vault_host_internal.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t
sim_random(void *ctx, uint64_t below)
{
    struct sim *sim = ctx;
    sim->random ^= sim->random << 13;
    sim->random ^= sim->random >> 7;
    sim->random ^= sim->random << 17;
    return (sim->random >> 11) % below;
}

static void
pass_time(struct sim *sim, uint64_t ms)
{
    sim->now_ms += ms;
    sim_disk_arrive(&sim->disk);
}

static int
on_wait(void *ctx, uint64_t ms, struct error *err)
{
    struct sim *sim = ctx;
    (void)err;
    uint64_t until = sim->now_ms + ms;
    for (int i = 0; !sim->quiet && sim->depth < 3 && i < 3 && sim->now_ms < until; i++) {
        sim->depth++;
        sim_step(sim);
        sim->depth--;
    }
    if (sim->now_ms < until)
        pass_time(sim, until - sim->now_ms);
    return 0;
}

void
sim_sweep(struct sim *sim, unsigned host, const struct vault_sweep_options *given)
{
    struct error err = ERROR_INIT;
    struct vault_sweep_result result;
    struct vault_sweep_options options = *given;
    if (sim->hosts[host].host == NULL)
        return;
    options.ctx = sim;
    options.wait = !sim->quiet && sim_random(sim, 8) == 0 ? NULL : on_wait;
    for (size_t i = 0; i < options.expire_count; i++)
        for (size_t p = 0; p < sim->point_count; p++)
            if (strcmp(sim->points[p].id, options.expire[i]) == 0)
                sim->points[p].expire_asked = true;
    sim->counters->sweeps++;
    int failed = vault_sweep(sim->hosts[host].sweep_vault, &options, &result, &err);
    sim->counters->sweeps_ended += failed == 0;
    sim->counters->expired += result.points_retired;
    sim->counters->rewritten_packs += result.packs_rewritten;
    sim->counters->kept_packs += result.packs_kept;
    sim->counters->held += result.held;
    if (failed != 0 && sim->quiet)
        sim_lose(sim, "a sweep fails in the end: %s", err.text);
    if (failed != 0 && (err.kind == ERROR_CORRUPT || err.kind == ERROR_FORMAT || err.kind == ERROR_INTERNAL))
        sim_lose(sim, "a sweep finds damage: %s", err.text);
}

/* How the operator sweeps: with or without something to expire, hasty or patient. */
static void
start_sweep(struct sim *sim)
{
    static const uint32_t dead[] = { 0, 300, 300, 700, 1001 };
    const char *expire[3];
    struct vault_sweep_options options = {
        .expire = expire,
        .undo_ms = sim_random(sim, 6) == 0 ? 0 : SIM_UNDO,
        .young_ms = sim_random(sim, 3) == 0 ? 2000 : 0,
        .dead_permille = dead[sim_random(sim, 5)],
    };
    for (uint64_t n = sim_random(sim, 4); n > 0 && sim->point_count > 0 && options.expire_count < 3; n--)
        expire[options.expire_count++] = sim->points[sim_random(sim, sim->point_count)].id;
    sim_sweep(sim, sim->hosts[1].host != NULL && sim_random(sim, 6) == 0 ? 1 : 0, &options);
}

static void
undo_something(struct sim *sim)
{
    struct error err = ERROR_INIT;
    uint64_t points, epoch = retire_state_epoch(sim->journal);
    if (vault_sweep_undo(sim->hosts[0].sweep_vault, epoch - 1 - (epoch > 3 ? sim_random(sim, 3) : 0), &points, &err) ==
        0)
        sim->counters->undone++;
}

/* The host is replaced, and the old one does not know: both serve. */
static void
lose_touch(struct sim *sim)
{
    if (sim->hosts[1].host != NULL) {
        sim_host_close(sim, 1);
        return;
    }
    sim_host_open(sim, 1);
    sim->was_out_of_touch = true;
    sim->hosts[1].skew_ms = (int64_t)sim_random(sim, 4000) - 2000;
    sim->counters->stale_hosts++;
}

static int
on_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    return at->level == 0 ? 0 : remove(path);
}

static void
restart(struct sim *sim, bool forgets)
{
    char state[4200];
    snprintf(state, sizeof(state), "%s/host-0", sim->state_dir);
    sim_host_close(sim, 0);
    if (forgets)
        (void)nftw(state, on_entry, 8, FTW_DEPTH | FTW_PHYS);
    sim_host_open(sim, 0);
    sim->counters->restarts++;
}

static void
lock_something(struct sim *sim)
{
    uint64_t at = sim_random(sim, HASH_COUNT(sim->disk.objects) + 1), i = 0;
    struct sim_object *object, *next;
    HASH_ITER (hh, sim->disk.objects, object, next) {
        if (i++ == at)
            object->lock_until_ms = (int64_t)(sim->now_ms + sim_random(sim, 8000));
    }
}

static void
act(struct sim *sim)
{
    uint64_t what = sim_random(sim, 100);
    struct error err = ERROR_INIT;
    if (what < 68)
        sim_writer_step(sim, &sim->writers[sim_random(sim, SIM_WRITERS)]);
    else if (what < 78 && sim->depth < 2)
        start_sweep(sim);
    else if (what < 81)
        undo_something(sim);
    else if (what < 84)
        restart(sim, sim_random(sim, 4) == 0);
    else if (what < 88)
        sim->hosts[sim_random(sim, SIM_HOSTS) == 0 ? 1 : 0].skew_ms += (int64_t)sim_random(sim, 20000) - 10000;
    else if (what < 90)
        lose_touch(sim);
    else if (what < 93)
        lock_something(sim);
    else if (what < 96)
        (void)index_merger_run(sim->hosts[0].host->merger, &err);
    else if (sim->hosts[0].mount->writes_left < 0)
        sim->hosts[0].mount->writes_left = (int)sim_random(sim, 7);
}

void
sim_step(struct sim *sim)
{
    if (sim->lost)
        return;
    sim->counters->steps++;
    pass_time(sim, sim_random(sim, 8) == 0 ? sim_random(sim, 1500) : sim_random(sim, 60));
    sim_host_ensure(sim, 0);
    if (sim->hosts[1].host != NULL)
        sim_host_ensure(sim, 1);
    act(sim);
    sim_check(sim);
}

static void
end_quietly(struct sim *sim)
{
    const char *expire[SIM_POINTS];
    struct vault_sweep_options options = { .expire = expire, .undo_ms = SIM_UNDO, .dead_permille = VAULT_SWEEP_DEAD };
    sim->quiet = true;
    if (sim->hosts[1].host != NULL)
        sim_host_close(sim, 1);
    memset(sim->writers, 0, sizeof(sim->writers));
    pass_time(sim, 100000);
    restart(sim, false);
    sim_check_reading(sim);
    /* Half of what is left expires; then everything that can go must be gone. */
    for (size_t i = 0; i < sim->point_count; i++) {
        char name[STORAGE_NAME_LEN];
        snprintf(name, sizeof(name), SIM_VAULT "/points/%s", sim->points[i].id);
        if (i % 2 == 0 && sim_disk_find(&sim->disk, name) != NULL)
            expire[options.expire_count++] = sim->points[i].id;
    }
    sim->hosts[0].skew_ms = 0;
    for (int round = 0; round < 6 && !sim->lost; round++) {
        sim_sweep(sim, 0, &options);
        options.expire_count = 0;
        sim_check(sim);
        pass_time(sim, 40000);
        if (round > 0 && retire_state_packs(sim->journal) + retire_state_points(sim->journal) == 0)
            break;
    }
    if (!sim->lost)
        sim_check_reading(sim);
    if (!sim->lost)
        sim_check_freed(sim);
}

bool
sim_run(struct sim *sim, unsigned steps)
{
    sim->disk = (struct sim_disk){
        .now_ms = &sim->now_ms, .random = sim_random, .random_ctx = sim, .longest_late_ms = SIM_SETTLE / 4 * 3
    };
    sim->random = sim->seed * 0x9e3779b97f4a7c15u + 1;
    sim->now_ms = 1000000;
    sim->journal = retire_state_new();
    for (int i = 0; i < 10; i++)
        sim_random(sim, 2);
    sim->counters->schedules++;
    for (unsigned i = 0; i < SIM_HOSTS; i++)
        sim_host_init(sim, i);
    sim_host_open(sim, 0);
    for (unsigned i = 0; i < steps && !sim->lost; i++)
        sim_step(sim);
    if (!sim->lost)
        end_quietly(sim);
    for (unsigned i = 0; i < SIM_HOSTS; i++)
        sim_host_clear(sim, i);
    sim->counters->removed_packs += sim->disk.removed_packs;
    sim->counters->late_puts += sim->disk.late_puts;
    retire_state_free(sim->journal);
    sim_disk_clear(&sim->disk);
    return !sim->lost;
}
