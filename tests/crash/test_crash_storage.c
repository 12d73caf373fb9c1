#include "common/base/clock.h"
#include "common/base/memory.h"
#include "tests/crash/crash_world.h"
#include "tests/fakes/scratch_folder.h"
#include "tests/fakes/torn_storage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Every call to the storage fails once, in every way. */

struct memory_place {
    struct torn_storage *now[2], *saved[2];
    struct scratch_folder folder; /* of hosts; power goes on there */
    int victim;
};

enum mode { LOST, LOST_AFTER, TORN, ZEROED, ANSWER_LOST, FIRST_KIND };

static const enum error_kind kinds[] = { ERROR_IO, ERROR_UNAVAILABLE, ERROR_NO_SPACE };
static const char *const modes[] = {
    "power lost before a change",
    "power lost after a change",
    "power lost, object torn",
    "power lost, object half zeros",
    "answer lost",
    "call fails with io",
    "call fails with unavailable",
    "call fails with no_space",
    NULL,
};

static struct torn_storage *
of(const struct memory_place *place, const char *repository)
{
    return place->now[repository[0] - 'a'];
}

static struct storage *
place_open(void *ctx, const char *repository, bool create, struct error *err)
{
    (void)create;
    (void)err;
    return torn_storage_open(of(ctx, repository));
}

static void
place_state_dir(void *ctx, const char *repository, char *out)
{
    const struct memory_place *place = ctx;
    snprintf(out, PATH_MAX, "%.4000s/state-%s", place->folder.path, repository);
}

static void
place_clear(void *ctx)
{
    struct memory_place *place = ctx;
    for (int i = 0; i < 2; i++) {
        torn_storage_free(place->now[i]);
        torn_storage_free(place->saved[i]);
        place->now[i] = torn_storage_new(clock_system(), STORAGE_HAS_LOCKS);
        place->saved[i] = torn_storage_new(clock_system(), STORAGE_HAS_LOCKS);
    }
}

static void
place_save(void *ctx)
{
    struct memory_place *place = ctx;
    for (int i = 0; i < 2; i++)
        torn_storage_copy(place->saved[i], place->now[i]);
}

static void
place_recover(void *ctx)
{
    struct memory_place *place = ctx;
    for (int i = 0; i < 2; i++)
        torn_storage_set_fault(place->now[i], &(struct torn_fault){ TORN_NONE, 0, ERROR_NONE });
}

static void
place_load(void *ctx)
{
    struct memory_place *place = ctx;
    place_recover(ctx);
    for (int i = 0; i < 2; i++)
        torn_storage_copy(place->now[i], place->saved[i]);
    scratch_folder_clear(&place->folder);
    scratch_folder_init(&place->folder);
}

static void
place_arm(void *ctx, const struct crash_fault *fault)
{
    static const enum torn_mode torn_modes[] = { TORN_POWER_LOST, TORN_POWER_LOST_AFTER, TORN_WRITE_TORN,
                                                 TORN_WRITE_ZEROED, TORN_ANSWER_LOST };
    struct torn_fault torn = { TORN_CALL_FAILS, fault->at, ERROR_UNAVAILABLE };
    struct memory_place *place = ctx;
    if (fault->mode < FIRST_KIND)
        torn.mode = torn_modes[fault->mode];
    else
        torn.kind = kinds[fault->mode - FIRST_KIND];
    place->victim = fault->repository - 'a';
    torn_storage_set_fault(place->now[place->victim], &torn);
}

static bool
place_struck(void *ctx)
{
    const struct memory_place *place = ctx;
    return torn_storage_struck(place->now[place->victim]);
}

static bool
tears_objects(unsigned mode)
{
    return mode == TORN || mode == ZEROED;
}

static void
whatever_fails_nothing_committed_is_lost(void **state)
{
    struct memory_place memory = { .folder.path = "" };
    const struct crash_place place = {
        .name = "memory",
        .ctx = &memory,
        .has_locks = true,
        .modes = modes,
        .open = place_open,
        .state_dir = place_state_dir,
        .clear = place_clear,
        .save = place_save,
        .load = place_load,
        .arm = place_arm,
        .struck = place_struck,
        .recover = place_recover,
        .tears_objects = tears_objects,
    };
    const struct crash_scenario *scenario = *state;
    scratch_folder_init(&memory.folder);
    unsigned struck = crash_world_run(&place, scenario);
    print_message("%s: %u faults\n", scenario->name, struck);
    assert_true(struck > 10);
    for (int i = 0; i < 2; i++) {
        torn_storage_free(memory.now[i]);
        torn_storage_free(memory.saved[i]);
    }
    scratch_folder_clear(&memory.folder);
}

int
main(int argc, char **argv)
{
    return crash_world_main("crash_storage", whatever_fails_nothing_committed_is_lost, argc > 1 ? argv[1] : NULL);
}
