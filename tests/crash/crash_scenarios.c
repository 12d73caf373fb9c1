#include "common/base/memory.h"
#include "common/vault/point.h"
#include "common/vault/vault_copy.h"
#include "common/vault/vault_sweep.h"
#include "tests/crash/crash_world.h"
#include "transporter/host/index_merger.h"
#include "transporter/host/vault_host_internal.h"
#include "transporter/host/vault_host_lock.h"

#include <string.h>

static int
back_up_1(struct crash_world *world, struct error *err)
{
    return crash_world_backup(world, 'a', 1, err);
}

static int
back_up_2(struct crash_world *world, struct error *err)
{
    return crash_world_backup(world, 'a', 2, err);
}

static int
back_up_1_and_2(struct crash_world *world, struct error *err)
{
    return back_up_1(world, err) != 0 ? -1 : back_up_2(world, err);
}

struct copying {
    struct crash_world *world;
    const char *ids[CRASH_POINTS_MAX];
    unsigned versions[CRASH_POINTS_MAX];
    size_t count;
};

static int
on_copied(void *ctx, const char *id, const struct point *point, bool there, uint64_t bytes_stored, struct error *err)
{
    struct copying *copying = ctx;
    (void)point;
    (void)there;
    (void)bytes_stored;
    (void)err;
    for (size_t i = 0; i < copying->world->point_count; i++) {
        const struct crash_point *known = &copying->world->points[i];
        if (known->repository == 'b' && strcmp(known->id, id) == 0)
            return 0;
    }
    for (size_t i = 0; i < copying->count; i++)
        if (strcmp(copying->ids[i], id) == 0)
            crash_world_committed(copying->world, 'b', id, copying->versions[i]);
    return 0;
}

static struct copying
all_points_of_a(struct crash_world *world)
{
    struct copying copying = { .world = world };
    for (size_t i = 0; i < world->point_count; i++)
        if (world->points[i].repository == 'a') {
            copying.ids[copying.count] = world->points[i].id;
            copying.versions[copying.count++] = world->points[i].version;
        }
    return copying;
}

/* On copies of the ids: points are added while they are used. */
static int
copy_with(struct crash_world *world, bool verbatim, struct crash_engine *a, struct crash_engine *b, struct error *err)
{
    struct copying copying = all_points_of_a(world);
    struct vault_copy_counts counts = { 0 };
    struct vault_copy_options options = { .fence = 1, .ctx = &copying, .copied = on_copied };
    struct vault_copy_source from = { vault_host_backend(a->host), a->vault };
    if (verbatim)
        return vault_copy_verbatim(&from, vault_host_backend(b->host), copying.ids, copying.count, &options, &counts,
                                   err);
    return vault_copy_reseal(a->vault, b->vault, copying.ids, copying.count, &options, &counts, err);
}

static int
back_up_twice_and_make_b(struct crash_world *world, struct error *err)
{
    struct crash_engine b;
    if (back_up_1_and_2(world, err) != 0 || crash_engine_open(world, 'b', false, true, &b, err) != 0)
        return -1;
    crash_engine_close(&b);
    return 0;
}

static int
copy_reseal(struct crash_world *world, struct error *err)
{
    struct crash_engine a, b;
    if (crash_engine_open(world, 'a', false, false, &a, err) != 0)
        return -1;
    int failed = crash_engine_open(world, 'b', false, false, &b, err);
    if (failed == 0) {
        failed = copy_with(world, false, &a, &b, err);
        crash_engine_close(&b);
    }
    crash_engine_close(&a);
    return failed;
}

static int
copy_verbatim(struct crash_world *world, struct error *err)
{
    struct crash_engine a, b;
    if (crash_engine_open(world, 'a', false, false, &a, err) != 0)
        return -1;
    int failed = crash_engine_open_host(world, 'b', true, true, &b, err);
    if (failed == 0) {
        failed = copy_with(world, true, &a, &b, err);
        crash_engine_close(&b);
    }
    crash_engine_close(&a);
    return failed;
}

static int
back_up_3_times(struct crash_world *world, struct error *err)
{
    return back_up_1_and_2(world, err) != 0 ? -1 : crash_world_backup(world, 'a', 3, err);
}

static int
settle(void *ctx, uint64_t ms, struct error *err)
{
    struct crash_world *world = ctx;
    (void)err;
    fake_clock_advance(world->clock, ms);
    return 0;
}

static int
sweep(struct crash_world *world, struct vault *vault, unsigned version, struct error *err)
{
    char id[40];
    const char *expired = crash_world_expire(world, 'a', version, id);
    struct vault_sweep_result result;
    struct vault_sweep_options options = { .expire = &expired,
                                           .expire_count = expired == NULL ? 0 : 1,
                                           .undo_ms = VAULT_SWEEP_UNDO_MS,
                                           .young_ms = VAULT_SWEEP_YOUNG_MS,
                                           .dead_permille = VAULT_SWEEP_DEAD,
                                           .ctx = world,
                                           .wait = settle };
    return vault_sweep(vault, &options, &result, err);
}

static int
sweep_version(struct crash_world *world, unsigned version, uint64_t after_ms, struct error *err)
{
    struct crash_engine a;
    if (crash_engine_open(world, 'a', false, false, &a, err) != 0)
        return -1;
    fake_clock_advance(world->clock, after_ms);
    int failed = sweep(world, a.vault, version, err);
    crash_engine_close(&a);
    return failed;
}

static int
retire_1_of_3(struct crash_world *world, struct error *err)
{
    return back_up_3_times(world, err) != 0 ? -1 : sweep_version(world, 1, 0, err);
}

/* Retires one point and rewrites what is mostly dead; closes and removes what was retired a week ago. */
static int
retire_2_and_remove_1(struct crash_world *world, struct error *err)
{
    return sweep_version(world, 2, VAULT_SWEEP_UNDO_MS + 1, err);
}

/* A fourth segment, and all four become one. */
static int
back_up_and_merge(struct crash_world *world, struct error *err)
{
    struct crash_engine a;
    if (crash_world_backup(world, 'a', 4, err) != 0 || crash_engine_open(world, 'a', false, false, &a, err) != 0)
        return -1;
    int merged;
    do {
        merged = index_merger_run(a.host->merger, err);
    } while (merged == 1);
    crash_engine_close(&a);
    return merged;
}

/* Everything that is needed is held, and the host may say so. */
static int
hold(struct crash_world *world, struct error *err)
{
    struct crash_engine a;
    struct vault_host_owner owner = { .scope = "object-1", .fence = 1, .lock_days = 30 };
    int64_t until = 0;
    if (crash_engine_open(world, 'a', false, false, &a, err) != 0)
        return -1;
    int failed = vault_host_hold(a.host, &owner, NULL, NULL, &until, err);
    if (failed == 0)
        world->held_until = until;
    crash_engine_close(&a);
    return failed;
}

const struct crash_scenario crash_scenarios[] = {
    { "a vault and its first backup", 5, false, false, "a", NULL, back_up_1 },
    { "an incremental backup", 1, false, false, "a", back_up_1, back_up_2 },
    { "a copy under other keys", 1, false, false, "ab", back_up_twice_and_make_b, copy_reseal },
    { "a copy byte by byte", 1, true, false, "ab", back_up_1_and_2, copy_verbatim },
    { "a sweep", 1, false, false, "a", retire_1_of_3, retire_2_and_remove_1 },
    { "an extension of locks", 1, false, true, "a", back_up_1_and_2, hold },
    { "a merge of index segments", 1, false, false, "a", back_up_3_times, back_up_and_merge },
};
const size_t crash_scenarios_count = ARRAY_LEN(crash_scenarios);
