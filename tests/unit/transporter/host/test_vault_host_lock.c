#include "transporter/host/vault_host_lock.h"

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/key_slot.h"
#include "common/vault/catalog_edit.h"
#include "common/vault/point.h"
#include "common/vault/vault.h"
#include "common/vault/vault_reader.h"
#include "common/vault/vault_sweep.h"
#include "common/vault/vault_writer.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/locking_storage.h"
#include "tests/fakes/scratch_folder.h"
#include "transporter/host/lock_policy.h"
#include "transporter/host/vault_host.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY LOCK_POLICY_DAY_MS

#define assert_ok(expression, error)                                                                                   \
    do {                                                                                                               \
        if ((expression) != 0)                                                                                         \
            fail_msg("%s: %s", #expression, (error).text);                                                             \
    } while (0)

static struct scratch_folder folder;
static struct fake_clock fake;
static struct secret *password;
static struct storage *storage;
static struct vault_host *host;
static struct vault *vault;
static struct vault_host_owner owner;
static int64_t locked_until; /* of the last commit */

/* As the vault service calls the host: with what the grant says. */
static int
on_put_pack(void *backend, const char *name, const uint8_t *data, size_t len, struct error *err)
{
    return vault_host_put_pack(backend, &owner, name, data, len, err);
}

static int
on_put_object(void *backend, enum object_class class, const char *name, const uint8_t *data, size_t len,
              struct error *err)
{
    return vault_host_put_object(backend, &owner, class, name, data, len, err);
}

static int
on_commit(void *backend, const struct vault_commit *commit, struct error *err)
{
    return vault_host_commit_point(backend, &owner, commit, &locked_until, err);
}

static void
open_host(void)
{
    struct error err = ERROR_INIT;
    static struct vault_backend_vtable vtable;
    CLEANUP(memory_free_p) char *state_dir = memory_printf("%s/state", folder.path);
    const struct vault_host_options options = { .vault_id = "vault-h", .state_dir = state_dir, .lock_max_days = 400 };
    host = vault_host_open(storage, &fake.clock, &options, &err);
    if (host == NULL)
        fail_msg("%s", err.text);
    struct vault_backend backend = vault_host_backend(host);
    vtable = *backend.vtable;
    vtable.put_pack = on_put_pack;
    vtable.put_object = on_put_object;
    vtable.commit_point = on_commit;
    backend.vtable = &vtable;
    vault = vault_open(backend, &fake.clock, "vault-h", password, &err);
    if (vault == NULL && err.kind == ERROR_NOT_FOUND) {
        error_clear(&err);
        const struct vault_params params = { .password_cost = &key_slot_cost_least };
        assert_ok(vault_create(backend, &fake.clock, "vault-h", password, &params, &err), err);
        vault = vault_open(backend, &fake.clock, "vault-h", password, &err);
    }
    if (vault == NULL)
        fail_msg("%s", err.text);
}

static void
close_host(void)
{
    vault_close(vault);
    vault_host_close(host);
}

static int
setup(void **state)
{
    struct error err = ERROR_INIT;
    (void)state;
    scratch_folder_init(&folder);
    fake_clock_init(&fake, 5);
    log_setup(2, LOG_ERROR);
    password = secret_new("correct horse", 13, NULL);
    CLEANUP(memory_free_p)
    char *location = memory_printf("{\"driver\":\"local\",\"create\":true,\"path\":\"%s/r\"}", folder.path);
    storage = storage_open(location, strlen(location), &fake.clock, true, &err);
    if (storage == NULL)
        fail_msg("%s", err.text);
    storage = locking_storage_new(storage, &fake.clock);
    owner = (struct vault_host_owner){ .scope = "object-1", .fence = 1, .lock_days = 30 };
    open_host();
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    close_host();
    storage_close(storage);
    secret_free(password);
    scratch_folder_clear(&folder);
    return 0;
}

/* A point with one content of its own, or one that is there already. */
static int
run(unsigned point_number, unsigned content, struct error *err)
{
    struct catalog_key_buffer key;
    struct catalog_item item = { .kind = CATALOG_FILE, .name = "file", .size = 3000 };
    struct point point = { .header = { .scope = "object-1", .fence = 1 } };
    struct vault_reader *reader = vault_reader_open(vault, 0, err);
    struct vault_writer *writer = vault_writer_open(vault, NULL, err);
    struct catalog_edit *edit = catalog_edit_begin(reader, writer, NULL, NULL, err);
    if (vault_begin(vault, &point.epoch, err) != 0)
        fail_msg("%s", err->text);
    uint8_t bytes[3000];
    memset(bytes, (int)(content & 0xff), sizeof(bytes));
    memcpy(bytes, &content, sizeof(content));
    snprintf(point.header.id, sizeof(point.header.id), "point-%u", point_number);
    assert_ok(catalog_key_make(CATALOG_FILE, &content, sizeof(content), &key, err), *err);
    item.key = catalog_key_of(&key);
    int failed = vault_writer_put(writer, VAULT_FILE, bytes, sizeof(bytes), &item.content, err);
    if (failed == 0)
        failed = catalog_edit_put(edit, &item, err);
    if (failed == 0)
        failed = vault_writer_flush(writer, err);
    if (failed == 0)
        failed = catalog_edit_commit(edit, &point.catalog, NULL, err);
    if (failed == 0)
        failed = point_commit(vault, writer, &point, point.header.id, strlen(point.header.id), err);
    catalog_edit_free(edit);
    vault_writer_close(writer);
    vault_reader_close(reader);
    return failed;
}

static void
must_run(unsigned point_number, unsigned content)
{
    struct error err = ERROR_INIT;
    assert_ok(run(point_number, content, &err), err);
}

struct least {
    const char *class;
    int64_t until;
    unsigned objects;
    char name[STORAGE_NAME_LEN];
};

static int
on_object(void *ctx, const char *name, const struct storage_stat *stat, struct error *err)
{
    struct least *least = ctx;
    int64_t until = locking_storage_until(storage, name);
    (void)stat;
    (void)err;
    least->objects++;
    if (until < least->until) {
        least->until = until;
        snprintf(least->name, sizeof(least->name), "%s", name);
    }
    return 0;
}

/* The shortest lock below a folder of the vault. */
static struct least
least_of(const char *class)
{
    struct error err = ERROR_INIT;
    struct least least = { .class = class, .until = INT64_MAX };
    CLEANUP(memory_free_p) char *prefix = memory_printf("vault-h/%s", class);
    assert_ok(storage_list(storage, prefix, on_object, &least, &err), err);
    assert_true(least.objects > 0);
    return least;
}

/* Needed objects are held as long as the newest point was promised. */
static void
assert_held(void)
{
    static const char *const needed[] = { "format", "keys", "packs" };
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        struct least least = least_of(needed[i]);
        if (least.until < locked_until)
            fail_msg("%s is held %lld ms too short", least.name, (long long)(locked_until - least.until));
    }
}

static void
every_object_of_a_locked_run_has_its_lock(void **state)
{
    static const char *const all[] = { "format", "keys", "packs", "points" };
    (void)state;
    must_run(1, 1);
    assert_int_equal(locked_until, FAKE_CLOCK_START_MS + 30 * DAY);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        assert_int_equal(least_of(all[i]).until, lock_policy_give(FAKE_CLOCK_START_MS, 30));
}

static void
what_an_older_run_left_without_lock_is_locked_before_the_commit_is_acknowledged(void **state)
{
    (void)state;
    owner.lock_days = 0;
    must_run(1, 1);
    assert_int_equal(locked_until, 0);
    assert_int_equal(least_of("packs").until, 0);
    owner.lock_days = 30;
    must_run(2, 1); /* the content is in the first run's pack */
    assert_held();
    assert_true(locked_until > 0);
}

static void
steady_runs_extend_nothing_and_list_nothing(void **state)
{
    (void)state;
    must_run(1, 1);
    uint64_t extends = storage->counters.extends, lists = storage->counters.lists;
    for (unsigned i = 2; i < 8; i++) {
        fake_clock_advance(&fake, (uint64_t)DAY);
        must_run(i, i);
    }
    assert_held(); /* lists, by itself */
    lists += 3;
    assert_int_equal(storage->counters.extends, extends);
    assert_int_equal(storage->counters.lists, lists);
}

static void
each_object_is_extended_once_in_the_time_ahead(void **state)
{
    (void)state;
    owner.lock_days = 100; /* ahead: 25 days */
    uint64_t before = storage->counters.extends;
    for (unsigned i = 0; i < 20; i++) {
        must_run(i, i % 5);
        assert_held();
        fake_clock_advance(&fake, 5 * (uint64_t)DAY);
    }
    struct vault_host_locks locks;
    struct error err = ERROR_INIT;
    assert_ok(vault_host_locks(host, false, &locks, &err), err);
    uint64_t extends = storage->counters.extends - before;
    /* 100 days, 25 days ahead: each of the objects that were there from the beginning thrice. */
    assert_true(extends <= 4 * locks.objects);
    assert_int_equal(locks.short_of_promise, 0);
    assert_int_equal(locks.without, 0);
}

static void
a_lock_that_the_storage_does_not_take_fails_the_run(void **state)
{
    struct error err = ERROR_INIT;
    (void)state;
    locking_storage_refuse(storage, true);
    assert_int_equal(run(1, 1, &err), -1);
    assert_int_equal(err.kind, ERROR_UNSUPPORTED);
    struct vault_host_locks locks;
    error_clear(&err);
    assert_ok(vault_host_locks(host, false, &locks, &err), err);
    assert_int_equal(locks.promise, 0);
    uint8_t *data = NULL;
    size_t len = 0;
    assert_int_equal(vault_host_get_object(host, OBJECT_POINT, "point-1", &data, &len, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

static void
an_extension_that_fails_goes_on_where_it_ended(void **state)
{
    struct error err = ERROR_INIT;
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        must_run(i, i);
    fake_clock_advance(&fake, 20 * (uint64_t)DAY);
    uint64_t before = storage->counters.extends;
    locking_storage_fail_extend(storage, 12);
    assert_int_equal(run(100, 100, &err), -1);
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    uint64_t first = storage->counters.extends - before;
    assert_true(first >= 12);
    error_clear(&err);
    must_run(100, 100);
    assert_held();
    struct vault_host_locks locks;
    assert_ok(vault_host_locks(host, false, &locks, &err), err);
    /* Nothing but what failed was done twice. */
    assert_true(storage->counters.extends - before <= locks.objects + 1);
}

static void
a_lost_ledger_costs_calls_and_nothing_else(void **state)
{
    (void)state;
    CLEANUP(memory_free_p) char *ledger = memory_printf("%s/state/locks/vault-h", folder.path);
    must_run(1, 1);
    must_run(2, 2);
    close_host();
    assert_int_equal(unlink(ledger), 0);
    open_host();
    fake_clock_advance(&fake, (uint64_t)DAY);
    must_run(3, 3);
    assert_held();
    uint64_t extends = storage->counters.extends;
    must_run(4, 4);
    assert_int_equal(storage->counters.extends, extends);
}

static void
a_lock_that_somebody_took_away_is_found_and_mended_by_a_check(void **state)
{
    struct error err = ERROR_INIT;
    struct vault_host_locks locks;
    (void)state;
    must_run(1, 1);
    struct least victim = least_of("packs");
    locking_storage_strip(storage, victim.name);
    assert_ok(vault_host_locks(host, true, &locks, &err), err);
    assert_int_equal(locks.checked, locks.objects);
    assert_int_equal(locks.extended, 1);
    assert_int_equal(locks.short_of_promise, 0);
    assert_int_equal(locks.locked, locks.objects);
    assert_held();
}

static void
locks_that_have_ended_are_reported_and_normal(void **state)
{
    struct error err = ERROR_INIT;
    struct vault_host_locks locks;
    (void)state;
    must_run(1, 1);
    fake_clock_advance(&fake, 40 * (uint64_t)DAY);
    assert_ok(vault_host_locks(host, true, &locks, &err), err);
    assert_int_equal(locks.without, locks.objects);
    assert_int_equal(locks.extended, 0);
    struct least pack = least_of("packs");
    assert_ok(storage_remove(storage, pack.name, &err), err);
}

static void
a_pack_that_the_storage_lost_fails_the_run_and_is_stored_again(void **state)
{
    struct error err = ERROR_INIT;
    (void)state;
    must_run(1, 1);
    struct least victim = least_of("packs");
    locking_storage_destroy(storage, victim.name);
    fake_clock_advance(&fake, 8 * (uint64_t)DAY);
    assert_int_equal(run(2, 1, &err), -1);
    assert_int_equal(err.kind, ERROR_CONFLICT);
    error_clear(&err);
    must_run(2, 1);
    assert_held();
}

static void
what_is_buried_is_not_extended(void **state)
{
    struct error err = ERROR_INIT;
    struct vault_host_locks locks;
    (void)state;
    must_run(1, 1);
    struct least victim = least_of("packs");
    vault_host_bury(host, OBJECT_PACK, strrchr(victim.name, '/') + 1);
    fake_clock_advance(&fake, 10 * (uint64_t)DAY);
    must_run(2, 2);
    assert_int_equal(locking_storage_until(storage, victim.name), victim.until);
    assert_ok(vault_host_locks(host, false, &locks, &err), err);
    assert_int_equal(locks.dead, 1);
    assert_int_equal(locks.short_of_promise, 0);
}

static int
wait_settled(void *ctx, uint64_t ms, struct error *err)
{
    (void)ctx;
    (void)err;
    fake_clock_advance(&fake, ms);
    return 0;
}

static struct vault_sweep_result
sweep(const char *expire)
{
    struct error err = ERROR_INIT;
    struct vault_sweep_result result;
    const struct vault_sweep_options options = {
        .expire = &expire, .expire_count = expire == NULL ? 0 : 1, .dead_permille = 2000, .wait = wait_settled
    };
    assert_ok(vault_sweep(vault, &options, &result, &err), err);
    return result;
}

static void
a_sweep_gets_what_it_retired_when_the_locks_have_ended(void **state)
{
    struct error err = ERROR_INIT;
    struct vault_host_locks locks;
    (void)state;
    must_run(1, 1);
    struct least victim = least_of("packs");
    must_run(2, 2);
    fake_clock_advance(&fake, 2 * (uint64_t)DAY);
    struct vault_sweep_result result = sweep("point-1");
    assert_int_equal(result.points_retired, 1);
    assert_true(result.packs_retired > 0);
    assert_int_equal(result.points_removed, 0);
    assert_true(result.held > 0);
    unsigned day = 0, buried_on = 0, removed_on = 0;
    for (; removed_on == 0 && day < 200; day += 5) {
        struct storage_stat stat;
        fake_clock_advance(&fake, 5 * (uint64_t)DAY);
        must_run(10 + day, 2);
        sweep(NULL);
        assert_ok(vault_host_locks(host, false, &locks, &err), err);
        assert_int_equal(locks.short_of_promise, 0);
        if (locks.dead > 0 && buried_on == 0)
            buried_on = day;
        if (storage_stat(storage, victim.name, &stat, NULL) != 0)
            removed_on = day;
    }
    /* Held until the point's own lock has ended; then found to be dead, and gone when its last extension has ended. */
    assert_true(buried_on >= 30 && buried_on <= 45);
    assert_true(removed_on > buried_on && removed_on <= buried_on + 45);
}

static void
a_run_without_locks_in_a_locked_vault_takes_part_in_the_promise(void **state)
{
    (void)state;
    must_run(1, 1);
    int64_t promised = locked_until;
    owner.lock_days = 0;
    fake_clock_advance(&fake, (uint64_t)DAY);
    must_run(2, 2);
    assert_int_equal(locked_until, 0);
    assert_int_equal(least_of("packs").until, promised);
}

static void
locks_beyond_what_the_host_allows_are_refused(void **state)
{
    struct error err = ERROR_INIT;
    (void)state;
    owner.lock_days = 401;
    assert_int_equal(run(1, 1, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_non_null(strstr(err.text, "vault.lock_max"));
    error_clear(&err);
    owner.lock_days = 400;
    storage->features &= ~STORAGE_HAS_LOCKS;
    assert_int_equal(run(1, 1, &err), -1);
    assert_int_equal(err.kind, ERROR_UNSUPPORTED);
    storage->features |= STORAGE_HAS_LOCKS;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_object_of_a_locked_run_has_its_lock, setup, teardown),
        cmocka_unit_test_setup_teardown(what_an_older_run_left_without_lock_is_locked_before_the_commit_is_acknowledged,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(steady_runs_extend_nothing_and_list_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(each_object_is_extended_once_in_the_time_ahead, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lock_that_the_storage_does_not_take_fails_the_run, setup, teardown),
        cmocka_unit_test_setup_teardown(an_extension_that_fails_goes_on_where_it_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_ledger_costs_calls_and_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lock_that_somebody_took_away_is_found_and_mended_by_a_check, setup, teardown),
        cmocka_unit_test_setup_teardown(locks_that_have_ended_are_reported_and_normal, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pack_that_the_storage_lost_fails_the_run_and_is_stored_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_buried_is_not_extended, setup, teardown),
        cmocka_unit_test_setup_teardown(a_sweep_gets_what_it_retired_when_the_locks_have_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(a_run_without_locks_in_a_locked_vault_takes_part_in_the_promise, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(locks_beyond_what_the_host_allows_are_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
