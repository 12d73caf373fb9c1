#include "common/base/clock.h"
#include "common/base/error.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/torn_storage.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

struct trial {
    struct fake_clock clock;
    struct torn_storage *torn;
    struct storage *storage;
    struct storage_probe probe;
};

static void
begin(struct trial *trial, unsigned features, struct torn_lies lies)
{
    fake_clock_init(&trial->clock, 3);
    trial->torn = torn_storage_new(&trial->clock.clock, features);
    trial->storage = torn_storage_open(trial->torn);
    torn_storage_set_lies(trial->torn, &lies);
}

static int
try_it(struct trial *trial, struct error *err)
{
    *err = (struct error)ERROR_INIT;
    return storage_probe(trial->storage, &trial->clock.clock, &trial->probe, err);
}

static void
end(struct trial *trial)
{
    storage_close(trial->storage);
    torn_storage_free(trial->torn);
}

static void
good_storage_is_found_good(void **state)
{
    struct trial trial;
    struct error err = ERROR_INIT;
    (void)state;
    begin(&trial, STORAGE_HAS_LOCKS, (struct torn_lies){ 0 });
    assert_int_equal(try_it(&trial, &err), 0);
    assert_true(trial.probe.writes_once && trial.probe.locks);
    assert_non_null(strstr(trial.probe.words, "locks are enforced"));
    assert_int_equal(storage_probe_judge(trial.storage, &trial.probe, &err), 0);
    end(&trial);
}

/* The one that is held stays until its minute is over and somebody tries again. */
static void
leftovers_go_the_next_time(void **state)
{
    struct trial trial;
    struct error err = ERROR_INIT;
    (void)state;
    begin(&trial, STORAGE_HAS_LOCKS, (struct torn_lies){ 0 });
    assert_int_equal(try_it(&trial, &err), 0);
    assert_int_equal(torn_storage_objects(trial.torn), 1);
    assert_int_equal(try_it(&trial, &err), 0);
    assert_int_equal(torn_storage_objects(trial.torn), 2);
    fake_clock_advance(&trial.clock, 61000);
    assert_int_equal(try_it(&trial, &err), 0);
    assert_int_equal(torn_storage_objects(trial.torn), 1);
    end(&trial);
}

static void
storage_without_locks_is_good_and_says_so(void **state)
{
    struct trial trial;
    struct error err = ERROR_INIT;
    (void)state;
    begin(&trial, 0, (struct torn_lies){ 0 });
    assert_int_equal(try_it(&trial, &err), 0);
    assert_true(trial.probe.writes_once);
    assert_false(trial.probe.locks);
    assert_non_null(strstr(trial.probe.words, "no locks"));
    assert_int_equal(storage_probe_judge(trial.storage, &trial.probe, &err), 0);
    assert_int_equal(torn_storage_objects(trial.torn), 0);
    end(&trial);
}

static void
lies_are_found_and_refused(void **state)
{
    static const struct {
        struct torn_lies lies;
        bool writes_once, locks;
        const char *words;
    } rows[] = {
        { { .no_locks = true }, true, false, "locks are NOT enforced" },
        { { .hides_locks = true }, true, false, "tells a shorter one" },
        { { .replaces = true }, false, true, "REPLACED" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct trial trial;
        struct error err = ERROR_INIT;
        begin(&trial, STORAGE_HAS_LOCKS, rows[i].lies);
        assert_int_equal(try_it(&trial, &err), 0);
        assert_int_equal(trial.probe.writes_once, rows[i].writes_once);
        assert_int_equal(trial.probe.locks, rows[i].locks);
        assert_non_null(strstr(trial.probe.words, rows[i].words));
        assert_int_equal(storage_probe_judge(trial.storage, &trial.probe, &err), -1);
        assert_int_equal(err.kind, ERROR_UNSUPPORTED);
        assert_non_null(strstr(err.text, rows[i].words));
        end(&trial);
    }
}

static void
what_cannot_be_tried_is_an_error(void **state)
{
    static const struct {
        struct torn_lies lies;
        enum error_kind kind;
    } rows[] = { { { .read_only = true }, ERROR_DENIED }, { { .other_bytes = true }, ERROR_CORRUPT } };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct trial trial;
        struct error err = ERROR_INIT;
        begin(&trial, 0, rows[i].lies);
        assert_int_equal(try_it(&trial, &err), -1);
        assert_int_equal(err.kind, rows[i].kind);
        end(&trial);
    }
}

static void
storage_that_never_frees_is_told(void **state)
{
    struct trial trial;
    struct error err = ERROR_INIT;
    (void)state;
    begin(&trial, 0, (struct torn_lies){ .never_remove = true });
    assert_int_equal(try_it(&trial, &err), 0);
    assert_non_null(strstr(trial.probe.words, "cannot be removed"));
    assert_int_equal(storage_probe_judge(trial.storage, &trial.probe, &err), 0);
    end(&trial);
}

/* Each of its calls may fail: it says so, and never that all is well. */
static void
a_probe_that_fails_on_the_way_claims_nothing(void **state)
{
    bool struck = true;
    (void)state;
    for (uint64_t at = 0; struck; at++) {
        struct trial trial;
        struct error err = ERROR_INIT;
        struct torn_fault fault = { TORN_CALL_FAILS, at, ERROR_NETWORK };
        begin(&trial, STORAGE_HAS_LOCKS, (struct torn_lies){ 0 });
        torn_storage_set_fault(trial.torn, &fault);
        int failed = try_it(&trial, &err);
        struck = torn_storage_struck(trial.torn);
        bool good = failed == 0 && storage_probe_judge(trial.storage, &trial.probe, &err) == 0;
        /* Only tidying up may fail without being told. */
        if (struck && good)
            assert_non_null(strstr(trial.probe.words, "cannot be removed"));
        assert_true(struck || good);
        end(&trial);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_storage_is_found_good),
        cmocka_unit_test(leftovers_go_the_next_time),
        cmocka_unit_test(storage_without_locks_is_good_and_says_so),
        cmocka_unit_test(lies_are_found_and_refused),
        cmocka_unit_test(what_cannot_be_tried_is_an_error),
        cmocka_unit_test(storage_that_never_frees_is_told),
        cmocka_unit_test(a_probe_that_fails_on_the_way_claims_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
