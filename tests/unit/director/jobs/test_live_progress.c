#include "director/jobs/live_progress.h"
#include "tests/unit/director/store_fixture.h"

static struct store_run
add_run(struct store_fixture *f, struct store_task tasks[2])
{
    struct error err = ERROR_INIT;
    struct store_run run = { .kind = STORE_RUN_BACKUP };

    memcpy(run.tenant, f->tenant.id, sizeof(run.tenant));
    assert_ok(store_runs_add(f->store, &run, &err));
    for (int i = 0; i < 2; i++) {
        memset(&tasks[i], 0, sizeof(tasks[i]));
        memcpy(tasks[i].run, run.id, sizeof(run.id));
        memcpy(tasks[i].tenant, f->tenant.id, sizeof(run.tenant));
        assert_ok(store_tasks_add(f->store, &tasks[i], &err));
    }
    return run;
}

static void
rate_and_time_left_come_from_the_last_half_minute(void **state)
{
    struct store_fixture *f = *state;
    struct store_task tasks[2];
    struct director_progress out;
    int64_t now = f->clock.wall_ms;
    struct live_progress *live = live_progress_new();

    add_run(f, tasks);
    for (uint64_t i = 0; i <= 100; i++)
        live_progress_put(live, &tasks[0], "transfer",
                          &(struct store_counts){ .bytes_read = i * 5000, .bytes_total = 1000000 },
                          now + (int64_t)i * 1000);
    live_progress_of_task(live, &tasks[0], now + 100000, &out);
    assert_int_equal(out.bytes_per_second, 5000);
    assert_int_equal(out.seconds_left, 100);
    assert_int_equal(out.updated_ms, now + 100000);
    live_progress_of_task(live, &tasks[0], now + 200000, &out);
    assert_int_equal(out.bytes_per_second, 0);
    assert_int_equal(out.seconds_left, -1);
    live_progress_free(live);
}

static void
a_runs_numbers_take_in_what_is_live(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_task tasks[2];
    struct director_progress out;
    struct live_progress *live = live_progress_new();
    struct store_run run = add_run(f, tasks);

    tasks[0].state = STORE_TASK_RUNNING;
    tasks[0].counts.bytes_read = 100;
    tasks[1].state = STORE_TASK_DONE;
    tasks[1].counts.bytes_read = 1000;
    assert_ok(store_tasks_update(f->store, &tasks[0], &err));
    assert_ok(store_tasks_update(f->store, &tasks[1], &err));
    live_progress_put(live, &tasks[0], "transfer", &(struct store_counts){ .bytes_read = 150 }, f->clock.wall_ms);
    assert_ok(live_progress_of_run(live, f->store, &run, f->clock.wall_ms, &out, &err));
    assert_int_equal(out.counts.bytes_read, 1150);
    assert_true(live_progress_get(live, &tasks[0]));
    assert_ok(store_tasks_update(f->store, &tasks[0], &err));
    live_progress_saved(live, &tasks[0]);
    assert_ok(live_progress_of_run(live, f->store, &run, f->clock.wall_ms, &out, &err));
    assert_int_equal(out.counts.bytes_read, 1150);
    live_progress_drop(live, tasks[0].id);
    assert_false(live_progress_get(live, &tasks[0]));
    live_progress_free(live);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rate_and_time_left_come_from_the_last_half_minute,
                                        store_fixture_setup_populated, store_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_runs_numbers_take_in_what_is_live, store_fixture_setup_populated,
                                        store_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
