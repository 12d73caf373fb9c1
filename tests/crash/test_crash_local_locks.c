#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "tests/crash/power_cut.h"
#include "tests/crash/power_cut_internal.h"
#include "tests/fakes/scratch_folder.h"
#include "transporter/storage/storage.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* Locks of local storage when the power goes, or a call fails, at every step: a lock that was acknowledged holds as
 * soon as somebody opens the repository again, and no object is left that can never be removed. */

#define HOUR INT64_C(3600000)

struct place {
    struct scratch_folder folder;
    char mount[PATH_MAX], root[PATH_MAX];
};

static struct storage *
attach(const struct place *place, struct error *err)
{
    char location[PATH_MAX + 100];
    int n = snprintf(location, sizeof(location),
                     "{\"driver\":\"local\",\"create\":true,\"path\":\"%s/repository\",\"lock_mode\":\"immutable\"}",
                     place->root);
    return storage_open(location, (size_t)n, clock_system(), true, err);
}

struct told {
    int64_t one, two; /* locks that were acknowledged; 0: none */
};

/* An object is put with its lock, another without; both are then extended. */
static void
work(const struct place *place, int64_t now, struct told *told)
{
    struct error err = ERROR_INIT;
    struct storage *storage = attach(place, &err);
    if (storage == NULL)
        return;
    if (storage_put(storage, "vault-1/packs/one", "11111", 5, now + HOUR, &err) == 0)
        told->one = now + HOUR;
    bool plain = storage_put(storage, "vault-1/packs/two", "22", 2, 0, NULL) == 0;
    if (storage_extend(storage, "vault-1/packs/one", now + 2 * HOUR, NULL) == 0)
        told->one = now + 2 * HOUR;
    if (plain && storage_extend(storage, "vault-1/packs/two", now + HOUR, NULL) == 0)
        told->two = now + HOUR;
    storage_close(storage);
}

static void
expect_lock(struct storage *storage, const char *name, int64_t until, const char *step)
{
    struct error err = ERROR_INIT;
    struct storage_stat stat = { 0 };
    if (until == 0)
        return;
    if (storage_stat(storage, name, &stat, &err) != 0)
        fail_msg("%s: %s: %s", step, name, err.text);
    if (stat.lock_until_ms < until)
        fail_msg("%s: %s is not held as was told", step, name);
    assert_int_equal(storage_remove(storage, name, &err), -1);
    assert_int_equal(err.kind, ERROR_LOCKED);
}

/* What was cut off can be done again. */
static void
expect_usable(struct storage *storage, const char *name, const char *bytes, int64_t until, const char *step)
{
    struct error err = ERROR_INIT;
    uint8_t *data = NULL;
    size_t len = 0;
    if (storage_put(storage, name, bytes, strlen(bytes), until, &err) != 0 && err.kind != ERROR_EXISTS)
        fail_msg("%s: %s", step, err.text);
    err = (struct error)ERROR_INIT;
    if (storage_extend(storage, name, until, &err) != 0 || storage_get(storage, name, 10, &data, &len, &err) != 0)
        fail_msg("%s: %s: %s", step, name, err.text);
    assert_int_equal(len, strlen(bytes));
    assert_memory_equal(data, bytes, len);
    free(data);
    expect_lock(storage, name, until, step);
}

static bool
try_fault(const struct place *place, const struct power_cut_plan *plan)
{
    struct error err = ERROR_INIT;
    struct told told = { 0, 0 };
    char step[80];
    int64_t now = clock_wall_ms(clock_system());
    snprintf(step, sizeof(step), "mode %d, call %llu", (int)plan->mode, (unsigned long long)plan->at);
    power_cut_remove_tree(place->root);
    assert_int_equal(mkdir(place->root, 0700), 0);
    power_cut_begin(place->root, plan);
    work(place, now, &told);
    bool struck = power_cut_struck();
    if (!struck)
        power_cut_now();
    power_cut_end();
    struct storage *storage = attach(place, &err);
    if (storage == NULL)
        fail_msg("%s: %s", step, err.text);
    expect_lock(storage, "vault-1/packs/one", told.one, step);
    expect_lock(storage, "vault-1/packs/two", told.two, step);
    expect_usable(storage, "vault-1/packs/one", "11111", now + 3 * HOUR, step);
    expect_usable(storage, "vault-1/packs/two", "22", now + 3 * HOUR, step);
    storage_close(storage);
    power_cut_remove_tree(place->root);
    return struck;
}

static void
acknowledged_locks_hold(void **state)
{
    static const struct power_cut_plan plans[] = {
        { .mode = POWER_CUT_LOSES },
        { .mode = POWER_CUT_KEEPS },
        { .mode = POWER_CUT_MIXES, .seed = 1 },
        { .mode = POWER_CUT_MIXES, .seed = 2 },
        { .mode = POWER_CUT_FAILS, .native = EIO },
        { .mode = POWER_CUT_FAILS, .native = ENOSPC },
        { .mode = POWER_CUT_FAILS, .native = EPERM },
        { .mode = POWER_CUT_SHORT },
    };
    struct place *place = *state;
    unsigned struck = 0;
    struct storage *storage;
    if (mount("none", place->mount, "tmpfs", 0, "size=16m") != 0)
        skip();
    mkdir(place->root, 0700);
    storage = attach(place, NULL);
    if (storage == NULL)
        skip();
    storage_close(storage);
    for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
        struct power_cut_plan plan = plans[i];
        for (plan.at = 0;; plan.at++) {
            plan.seed = plans[i].seed * 1000 + plan.at;
            if (!try_fault(place, &plan))
                break;
            struck++;
        }
    }
    print_message("%u faults\n", struck);
    assert_true(struck > 100);
}

static int
setup(void **state)
{
    struct place *place = MEMORY_NEW(struct place);
    scratch_folder_init(&place->folder);
    log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR);
    snprintf(place->mount, sizeof(place->mount), "%.4000s/mount", place->folder.path);
    snprintf(place->root, sizeof(place->root), "%.4000s/mount/power", place->folder.path);
    mkdir(place->mount, 0700);
    *state = place;
    return 0;
}

static int
teardown(void **state)
{
    struct place *place = *state;
    umount2(place->mount, MNT_DETACH); /* a test that failed has files open */
    scratch_folder_clear(&place->folder);
    free(place);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(acknowledged_locks_hold, setup, teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
