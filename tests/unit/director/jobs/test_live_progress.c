#include "director/jobs/live_progress.h"
#include "director/api/api_throttle.h"
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

static void
a_throttled_task_shows_until_it_is_answered(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_task tasks[2];
    struct director_progress out;
    const struct store_counts counts = { .items_done = 1 };
    int64_t now = f->clock.wall_ms;
    struct live_progress *live = live_progress_new();
    struct store_run run = add_run(f, tasks);
    char remark[STORE_TEXT_LEN];

    for (int i = 0; i < 2; i++)
        live_progress_put(live, &tasks[i], "transfer", &counts, now);
    live_progress_throttled(live, tasks[0].id, 100, 2000, now);
    live_progress_of_task(live, &tasks[0], now, &out);
    assert_int_equal(out.throttled, 0);
    live_progress_throttled(live, tasks[0].id, 720000, 190000, now);
    live_progress_throttled(live, tasks[0].id, 721000, 188500, now + 1200);
    live_progress_throttled(live, tasks[1].id, 60000, 30000, now);
    live_progress_of_task(live, &tasks[0], now, &out);
    assert_int_equal(out.throttled, 1);
    assert_int_equal(out.throttled_since_ms, now - 720000);
    assert_int_equal(out.throttled_until_ms, now + 190000);
    api_throttle_remark(&out, now, remark);
    assert_non_null(strstr(remark, "throttled by Microsoft 365: waiting until "));
    assert_non_null(strstr(remark, " UTC (12 min so far)"));
    assert_ok(live_progress_of_run(live, f->store, &run, now, &out, &err));
    assert_int_equal(out.throttled, 2);
    assert_int_equal(out.throttled_since_ms, now - 720000);
    assert_int_equal(out.throttled_until_ms, now + 30000);
    api_throttle_remark(&out, now + 31000, remark);
    assert_string_equal(remark, "throttled by Microsoft 365: asking again now (12 min so far, 2 objects)");
    live_progress_throttled(live, tasks[0].id, 0, 0, now);
    live_progress_drop(live, tasks[1].id);
    assert_ok(live_progress_of_run(live, f->store, &run, now, &out, &err));
    assert_int_equal(out.throttled, 0);
    api_throttle_remark(&out, now, remark);
    assert_string_equal(remark, "");
    live_progress_free(live);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rate_and_time_left_come_from_the_last_half_minute,
                                        store_fixture_setup_populated, store_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_throttled_task_shows_until_it_is_answered, store_fixture_setup_populated,
                                        store_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_runs_numbers_take_in_what_is_live, store_fixture_setup_populated,
                                        store_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
