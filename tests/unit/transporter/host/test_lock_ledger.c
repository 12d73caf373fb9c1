#include "transporter/host/lock_ledger.h"

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/scratch_folder.h"
#include "transporter/host/lock_policy.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MINUTE INT64_C(60000)
#define NOW    FAKE_CLOCK_START_MS

static struct scratch_folder folder;
static struct fake_clock fake;
static char path[5000];

static int
setup(void **state)
{
    (void)state;
    scratch_folder_init(&folder);
    fake_clock_init(&fake, 3);
    log_setup(2, LOG_ERROR);
    snprintf(path, sizeof(path), "%s/ledger", folder.path);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    scratch_folder_clear(&folder);
    return 0;
}

static struct lock_ledger *
reopen(struct lock_ledger *ledger)
{
    struct error err = ERROR_INIT;
    lock_ledger_close(ledger);
    ledger = lock_ledger_open(path, &fake.clock, &err);
    if (ledger == NULL)
        fail_msg("%s", err.text);
    return ledger;
}

static void
name_of(size_t i, char out[32])
{
    snprintf(out, 32, "vault-1/packs/%08zx", i);
}

static void
what_was_noted_is_known_after_opening_again(void **state)
{
    char name[32];
    struct lock_ledger *ledger = reopen(NULL);
    (void)state;
    for (size_t i = 0; i < 5000; i++) {
        name_of((i * 7919) % 5000, name);
        lock_ledger_note(ledger, name, NOW + (int64_t)((i * 7919) % 5000 + 1) * MINUTE);
    }
    lock_ledger_raise_promise(ledger, NOW + 90 * MINUTE);
    lock_ledger_raise_promise(ledger, NOW + 80 * MINUTE);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(lock_ledger_count(ledger), 5000);
        for (size_t i = 0; i < 5000; i++) {
            name_of(i, name);
            assert_int_equal(lock_ledger_until(ledger, name), NOW + (int64_t)(i + 1) * MINUTE);
        }
        assert_int_equal(lock_ledger_until(ledger, "vault-1/packs/none"), 0);
        assert_int_equal(lock_ledger_promise(ledger), NOW + 90 * MINUTE);
        ledger = reopen(ledger);
    }
    lock_ledger_close(ledger);
}

static void
a_time_is_rounded_down_and_never_lowered_by_a_note(void **state)
{
    struct lock_ledger *ledger = reopen(NULL);
    (void)state;
    lock_ledger_note(ledger, "a", NOW + 5 * MINUTE + 59999);
    assert_int_equal(lock_ledger_until(ledger, "a"), NOW + 5 * MINUTE);
    lock_ledger_note(ledger, "a", NOW + 2 * MINUTE);
    assert_int_equal(lock_ledger_until(ledger, "a"), NOW + 5 * MINUTE);
    ledger = reopen(ledger);
    assert_int_equal(lock_ledger_until(ledger, "a"), NOW + 5 * MINUTE);
    lock_ledger_close(ledger);
}

static void
what_the_storage_tells_counts_also_when_it_is_less(void **state)
{
    struct lock_ledger *ledger = reopen(NULL);
    (void)state;
    lock_ledger_note(ledger, "a", NOW + 50 * MINUTE);
    lock_ledger_correct(ledger, "a", NOW + 10 * MINUTE);
    ledger = reopen(ledger);
    assert_int_equal(lock_ledger_until(ledger, "a"), NOW + 10 * MINUTE);
    lock_ledger_correct(ledger, "a", 0);
    assert_int_equal(lock_ledger_until(ledger, "a"), 0);
    lock_ledger_close(ledger);
}

static void
what_is_buried_stays_dead(void **state)
{
    struct lock_ledger *ledger = reopen(NULL);
    (void)state;
    lock_ledger_note(ledger, "a", NOW + 50 * MINUTE);
    lock_ledger_bury(ledger, "a");
    lock_ledger_note(ledger, "a", NOW + 90 * MINUTE);
    lock_ledger_correct(ledger, "a", NOW + 90 * MINUTE);
    ledger = reopen(ledger);
    assert_true(lock_ledger_is_dead(ledger, "a"));
    assert_false(lock_ledger_is_dead(ledger, "b"));
    assert_int_equal(lock_ledger_until(ledger, "a"), 0);
    lock_ledger_close(ledger);
}

static size_t
file_size(void)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (size_t)st.st_size;
}

static void
a_file_that_is_cut_anywhere_loses_its_end_only(void **state)
{
    char name[32];
    struct lock_ledger *ledger = reopen(NULL);
    (void)state;
    for (size_t i = 0; i < 20; i++) {
        name_of(i, name);
        lock_ledger_note(ledger, name, NOW + 10 * MINUTE);
    }
    lock_ledger_close(ledger);
    for (size_t size = file_size(); size-- > 0;) {
        assert_int_equal(truncate(path, (off_t)size), 0);
        ledger = reopen(NULL);
        size_t whole = size < 48 ? 0 : (size - 48) / 16;
        assert_int_equal(lock_ledger_count(ledger), whole);
        lock_ledger_close(ledger);
        if (file_size() < size)
            size = file_size();
        else if (size < 48)
            break; /* it was made anew */
    }
}

/* Believing a lock that is not there would be the one dangerous error. */
static void
a_flipped_bit_never_makes_a_lock_longer(void **state)
{
    uint8_t good[256], bad[256];
    struct lock_ledger *ledger = reopen(NULL);
    (void)state;
    lock_ledger_note(ledger, "a", NOW + 10 * MINUTE);
    lock_ledger_note(ledger, "b", NOW + 20 * MINUTE);
    lock_ledger_close(ledger);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    ssize_t len = pread(fd, good, sizeof(good), 0);
    assert_true(len == 80);
    for (size_t bit = 0; bit < (size_t)len * 8; bit++) {
        memcpy(bad, good, (size_t)len);
        bad[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        assert_int_equal(pwrite(fd, bad, (size_t)len, 0), len);
        ledger = reopen(NULL);
        assert_true(lock_ledger_until(ledger, "a") <= NOW + 10 * MINUTE);
        assert_true(lock_ledger_until(ledger, "b") <= NOW + 20 * MINUTE);
        assert_int_equal(lock_ledger_promise(ledger), 0);
        lock_ledger_close(ledger);
        close(fd);
        fd = open(path, O_RDWR | O_CLOEXEC | O_CREAT, 0600);
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, good, (size_t)len, 0), len);
    }
    close(fd);
}

static void
what_has_ended_leaves_the_file_when_much_is_outdated(void **state)
{
    char name[32];
    struct lock_ledger *ledger = reopen(NULL);
    (void)state;
    for (int round = 1; round <= 30; round++)
        for (size_t i = 0; i < 200; i++) {
            name_of(i, name);
            lock_ledger_note(ledger, name, NOW + (i < 100 ? 1 : round) * MINUTE);
        }
    size_t before = file_size();
    fake_clock_advance(&fake, 5 * 60000);
    for (size_t i = 100; i < 200; i++)
        for (int round = 31; round <= 60; round++) {
            name_of(i, name);
            lock_ledger_note(ledger, name, NOW + round * MINUTE);
        }
    assert_true(file_size() > before);
    ledger = reopen(ledger);
    assert_int_equal(lock_ledger_count(ledger), 100);
    assert_true(file_size() < before);
    name_of(150, name);
    assert_int_equal(lock_ledger_until(ledger, name), NOW + 60 * MINUTE);
    lock_ledger_close(ledger);
}

static void
locks_are_given_with_headroom(void **state)
{
    (void)state;
    const int64_t day = LOCK_POLICY_DAY_MS;
    assert_int_equal(lock_policy_promise(NOW, 30), NOW + 30 * day);
    assert_int_equal(lock_policy_ahead_ms(1), 7 * day);
    assert_int_equal(lock_policy_ahead_ms(28), 7 * day);
    assert_int_equal(lock_policy_ahead_ms(400), 100 * day);
    assert_int_equal(lock_policy_give(NOW, 400), NOW + 500 * day);
    assert_int_equal(lock_policy_give(NOW, LOCK_POLICY_DAYS_MAX), NOW + (INT64_C(36500) + 9125) * day);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_noted_is_known_after_opening_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_time_is_rounded_down_and_never_lowered_by_a_note, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_storage_tells_counts_also_when_it_is_less, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_buried_stays_dead, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_cut_anywhere_loses_its_end_only, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flipped_bit_never_makes_a_lock_longer, setup, teardown),
        cmocka_unit_test_setup_teardown(what_has_ended_leaves_the_file_when_much_is_outdated, setup, teardown),
        cmocka_unit_test(locks_are_given_with_headroom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
