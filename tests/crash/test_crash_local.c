#include "common/base/clock.h"
#include "common/base/memory.h"
#include "tests/crash/crash_world.h"
#include "tests/crash/power_cut.h"
#include "tests/fakes/scratch_folder.h"
#include "tests/fakes/shell_command.h"
#include "transporter/storage/storage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Vaults in folders, their hosts' own folders beside them; the power goes, or a system call fails, at every step. */

struct folder_place {
    struct scratch_folder folder;
    char root[PATH_MAX], saved[PATH_MAX];
};

#define MODE_MEMORY 5
static const char *const modes[] = { "power lost, all that was not synced",
                                     "power lost, names kept and bytes torn",
                                     "power lost, a random part",
                                     "call fails with EIO",
                                     "call fails with ENOSPC",
                                     "memory is refused",
                                     "a write is short",
                                     NULL };

static void
run(char *command)
{
    if (shell_command(command) != 0)
        fail_msg("%s", command);
    free(command);
}

static struct storage *
place_open(void *ctx, const char *repository, bool create, struct error *err)
{
    const struct folder_place *place = ctx;
    char location[PATH_MAX + 100];
    int n = snprintf(location, sizeof(location), "{\"driver\":\"local\",\"create\":true,\"path\":\"%s/%s/repository\"}",
                     place->root, repository);
    return storage_open(location, (size_t)n, clock_system(), create, err);
}

static void
place_state_dir(void *ctx, const char *repository, char *out)
{
    const struct folder_place *place = ctx;
    snprintf(out, PATH_MAX, "%.4000s/%s/state", place->root, repository);
}

static void
place_clear(void *ctx)
{
    const struct folder_place *place = ctx;
    run(memory_printf("rm -rf %s %s && mkdir -p %s/a/state %s/b/state", place->root, place->saved, place->root,
                      place->root));
}

static void
place_save(void *ctx)
{
    const struct folder_place *place = ctx;
    run(memory_printf("cp -a %s %s", place->root, place->saved));
}

static void
place_load(void *ctx)
{
    const struct folder_place *place = ctx;
    run(memory_printf("rm -rf %s && cp -a %s %s", place->root, place->saved, place->root));
}

static void
place_arm(void *ctx, const struct crash_fault *fault)
{
    static const struct power_cut_plan plans[] = {
        { .mode = POWER_CUT_LOSES },
        { .mode = POWER_CUT_KEEPS },
        { .mode = POWER_CUT_MIXES },
        { .mode = POWER_CUT_FAILS, .native = EIO },
        { .mode = POWER_CUT_FAILS, .native = ENOSPC },
        { .mode = POWER_CUT_MEMORY },
        { .mode = POWER_CUT_SHORT },
    };
    struct folder_place *place = ctx;
    struct power_cut_plan plan = plans[fault->mode];
    plan.at = fault->at;
    plan.seed = fault->seed;
    plan.within = fault->repository == 'a' ? "a" : "b";
    power_cut_begin(place->root, &plan);
}

static bool
place_struck(void *ctx)
{
    (void)ctx;
    return power_cut_struck();
}

static void
place_cut_at_end(void *ctx)
{
    (void)ctx;
    power_cut_now();
}

static void
place_recover(void *ctx)
{
    (void)ctx;
    power_cut_end();
}

/* Memory is asked for much more often than the disk. */
static unsigned
stride_of(unsigned mode)
{
    return mode == MODE_MEMORY ? 3 : 1;
}

static void
whatever_fails_nothing_committed_is_lost(void **state)
{
    struct folder_place folder = { .root = "" };
    const struct crash_place place = {
        .name = "local",
        .ctx = &folder,
        .modes = modes,
        .stride = stride_of,
        .open = place_open,
        .state_dir = place_state_dir,
        .clear = place_clear,
        .save = place_save,
        .load = place_load,
        .arm = place_arm,
        .struck = place_struck,
        .cut_at_end = place_cut_at_end,
        .recover = place_recover,
    };
    const struct crash_scenario *scenario = *state;
    scratch_folder_init(&folder.folder);
    snprintf(folder.root, sizeof(folder.root), "%.4000s/power", folder.folder.path);
    snprintf(folder.saved, sizeof(folder.saved), "%.4000s/power.saved", folder.folder.path);
    unsigned struck = crash_world_run(&place, scenario);
    print_message("%s: %u faults\n", scenario->name, struck);
    scratch_folder_clear(&folder.folder);
    if (scenario->needs_locks && !place.has_locks)
        skip();
    assert_true(struck > 30);
}

int
main(int argc, char **argv)
{
    return crash_world_main("crash_local", whatever_fails_nothing_committed_is_lost, argc > 1 ? argv[1] : NULL);
}
