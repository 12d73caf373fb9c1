#include "common/base/clock.h"
#include "common/base/memory.h"
#include "tests/storage/conformance.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB      ((size_t)1 << 20)
#define MINUTE   INT64_C(60000)
#define DAY      INT64_C(86400000)
#define SHORT_MS 3000 /* storages count in seconds */

static int64_t
from_now(int64_t ms)
{
    return clock_wall_ms(clock_system()) + ms;
}

/* Locks may be rounded up, never down. */
static int64_t
expect_lock(const char *name, int64_t at_least)
{
    struct error err = ERROR_INIT;
    struct storage_stat stat;
    assert_ok(storage_stat(conformance.storage, name, &stat, &err), err);
    assert_true(stat.lock_until_ms >= at_least);
    assert_true(stat.lock_until_ms < at_least + DAY);
    return stat.lock_until_ms;
}

static void
without_locks_they_are_refused(void **state)
{
    struct storage *storage = conformance.storage;
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN], plain[STORAGE_NAME_LEN];
    (void)state;
    if (conformance.wants_locks)
        skip();
    assert_int_equal(storage->features & STORAGE_HAS_LOCKS, 0);
    assert_fails(storage_put(storage, conformance_name(name, "locks/a"), "x", 1, from_now(MINUTE), &err),
                 ERROR_UNSUPPORTED, err);
    conformance_expect_nothing(storage, name);
    assert_ok(storage_put(storage, conformance_name(plain, "locks/plain"), "x", 1, 0, &err), err);
    assert_fails(storage_extend(storage, plain, from_now(MINUTE), &err), ERROR_UNSUPPORTED, err);
}

/* Also for somebody else who opened the same location. */
static void
a_locked_object_stays(void **state)
{
    static const size_t sizes[] = { 5, 0, 20 * MIB + 1 };
    struct storage *storage = conformance.storage;
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN], rest[64];
    (void)state;
    if (!conformance.wants_locks)
        skip();
    assert_true((storage->features & STORAGE_HAS_LOCKS) != 0);
    uint8_t *data = malloc(20 * MIB + 1);
    assert_non_null(data);
    conformance_fill(data, 20 * MIB + 1, 9);
    struct storage *other = conformance_open(conformance.location, false, &err);
    assert_non_null(other);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        int64_t until = from_now(10 * MINUTE);
        snprintf(rest, sizeof(rest), "locks/held-%zu", sizes[i]);
        assert_ok(storage_put(storage, conformance_name(name, rest), data, sizes[i], until, &err), err);
        expect_lock(name, until);
        assert_fails(storage_remove(storage, name, &err), ERROR_LOCKED, err);
        assert_fails(storage_remove(other, name, &err), ERROR_LOCKED, err);
        assert_fails(storage_put(storage, name, "other", 5, 0, &err), ERROR_EXISTS, err);
        assert_fails(storage_put(other, name, "other", 5, until, &err), ERROR_EXISTS, err);
        conformance_expect(other, name, data, sizes[i]);
        expect_lock(name, until);
    }
    storage_close(other);
    free(data);
}

static void
a_file_is_put_with_its_lock(void **state)
{
    struct storage *storage = conformance.storage;
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN];
    (void)state;
    if (!conformance.wants_locks)
        skip();
    size_t len = 20 * MIB + 1;
    uint8_t *data = malloc(len);
    assert_non_null(data);
    conformance_fill(data, len, 11);
    int fd = conformance_file(data, len);
    int64_t until = from_now(10 * MINUTE);
    assert_ok(storage_put_file(storage, conformance_name(name, "locks/file"), fd, len, until, &err), err);
    close(fd);
    expect_lock(name, until);
    assert_fails(storage_remove(storage, name, &err), ERROR_LOCKED, err);
    conformance_expect(storage, name, data, len);
    free(data);
}

static void
a_lock_is_extended_and_never_shortened(void **state)
{
    struct storage *storage = conformance.storage;
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN], missing[STORAGE_NAME_LEN];
    (void)state;
    if (!conformance.wants_locks)
        skip();
    int64_t until = from_now(5 * MINUTE), later = from_now(12 * MINUTE);
    assert_ok(storage_put(storage, conformance_name(name, "locks/extended"), "x", 1, until, &err), err);
    assert_ok(storage_extend(storage, name, later, &err), err);
    int64_t held = expect_lock(name, later);
    assert_ok(storage_extend(storage, name, until, &err), err);
    assert_int_equal(expect_lock(name, later), held);
    assert_fails(storage_remove(storage, name, &err), ERROR_LOCKED, err);
    assert_fails(storage_extend(storage, conformance_name(missing, "locks/none"), later, &err), ERROR_NOT_FOUND, err);
    conformance_expect(storage, name, (const uint8_t *)"x", 1);
}

static void
an_object_without_a_lock_gets_one(void **state)
{
    struct storage *storage = conformance.storage;
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN];
    (void)state;
    if (!conformance.wants_locks)
        skip();
    assert_ok(storage_put(storage, conformance_name(name, "locks/late"), "x", 1, 0, &err), err);
    int64_t until = from_now(5 * MINUTE);
    assert_ok(storage_extend(storage, name, until, &err), err);
    expect_lock(name, until);
    assert_fails(storage_remove(storage, name, &err), ERROR_LOCKED, err);
}

/* The storage's own clock decides: what is waited for is its answer. */
static void
an_object_goes_when_its_lock_is_over(void **state)
{
    struct storage *storage = conformance.storage;
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN], extended[STORAGE_NAME_LEN];
    (void)state;
    if (!conformance.wants_locks)
        skip();
    int64_t until = from_now(SHORT_MS);
    assert_ok(storage_put(storage, conformance_name(name, "locks/short"), "x", 1, until, &err), err);
    assert_ok(storage_put(storage, conformance_name(extended, "locks/longer"), "x", 1, until, &err), err);
    assert_ok(storage_extend(storage, extended, from_now(10 * MINUTE), &err), err);
    int failed;
    do {
        (void)poll(NULL, 0, 200);
        err = (struct error)ERROR_INIT;
        failed = storage_remove(storage, name, &err);
    } while (failed != 0 && err.kind == ERROR_LOCKED && from_now(0) < until + 2 * MINUTE);
    assert_ok(failed, err);
    /* Not before: the lock was at least as long as asked for, give or take the storage's own clock. */
    assert_true(from_now(0) >= until - 1000);
    conformance_expect_nothing(storage, name);
    assert_fails(storage_remove(storage, extended, &err), ERROR_LOCKED, err);
}

static int
on_listed(void *ctx, const char *name, const struct storage_stat *stat, struct error *err)
{
    unsigned *count = ctx;
    (void)name;
    (void)err;
    assert_int_equal(stat->lock_until_ms, 0);
    ++*count;
    return 0;
}

static void
locked_objects_are_listed(void **state)
{
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN];
    unsigned count = 0;
    (void)state;
    if (!conformance.wants_locks)
        skip();
    uint64_t extends = conformance.storage->counters.extends;
    assert_ok(storage_list(conformance.storage, conformance_name(name, "locks"), on_listed, &count, &err), err);
    assert_int_equal(count, 7);
    assert_ok(storage_extend(conformance.storage, conformance_name(name, "locks/late"), from_now(MINUTE), &err), err);
    assert_int_equal(conformance.storage->counters.extends, extends + 1);
}

static void
the_probe_finds_what_is_true(void **state)
{
    struct error err = ERROR_INIT;
    struct storage_probe probe;
    (void)state;
    assert_ok(storage_probe(conformance.storage, clock_system(), &probe, &err), err);
    assert_true(probe.writes_once);
    assert_int_equal(probe.locks, conformance.wants_locks);
    assert_true(strlen(probe.words) > 0);
    assert_ok(storage_probe(conformance.storage, clock_system(), &probe, &err), err);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(without_locks_they_are_refused),    cmocka_unit_test(a_locked_object_stays),
    cmocka_unit_test(a_file_is_put_with_its_lock),       cmocka_unit_test(a_lock_is_extended_and_never_shortened),
    cmocka_unit_test(an_object_without_a_lock_gets_one), cmocka_unit_test(an_object_goes_when_its_lock_is_over),
    cmocka_unit_test(locked_objects_are_listed),         cmocka_unit_test(the_probe_finds_what_is_true),
};

const struct conformance_group conformance_locks = { "locks", tests, ARRAY_LEN(tests) };
