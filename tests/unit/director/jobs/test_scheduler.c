#include "director/jobs/run_start.h"
#include "director/jobs/scheduler_internal.h"
#include "director/store/store_internal.h"
#include "tests/unit/director/jobs/scheduler_fixture.h"

static void
a_run_goes_from_queued_to_succeeded(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    struct store_point point;
    char run[IDENTIFIER_LEN];

    start_job(w, run);
    scheduler_tick(w->scheduler);
    assert_int_equal(w->started, 2);
    assert_int_equal(run_at(w, run).state, STORE_RUN_RUNNING);
    struct store_task second = w->last_start;
    struct scheduler_result result = result_of(&second, true);
    assert_ok(scheduler_on_finished(w->scheduler, second.transporter, &result, &err));
    assert_ok(store_points_latest(w->f->store, w->f->vault.id, second.object, &point, &err));
    assert_string_equal(point.run, run);
    assert_int_equal(run_at(w, run).tasks_done, 1);
    scheduler_tick(w->scheduler);
    assert_int_equal(w->started, 2);
}

static int
keep_other(void *ctx, const struct store_task *task, struct error *err)
{
    struct store_task *at = ctx;

    (void)err;
    if (!store_task_state_final(task->state))
        *at = *task;
    return 0;
}

static void
a_result_said_twice_has_one_effect(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    struct store_task other;
    char run[IDENTIFIER_LEN];

    start_job(w, run);
    scheduler_tick(w->scheduler);
    struct store_task task = w->last_start;
    struct scheduler_result result = result_of(&task, true);
    assert_ok(scheduler_on_finished(w->scheduler, task.transporter, &result, &err));
    result.succeeded = false;
    assert_ok(scheduler_on_finished(w->scheduler, task.transporter, &result, &err));
    assert_int_equal(task_at(w, task.id).state, STORE_TASK_DONE);
    assert_ok(store_tasks_list(w->f->store, run, (struct store_page){ 0 }, keep_other, &other, &err));
    result = result_of(&other, true);
    result.counts.items_skipped = 1;
    assert_ok(scheduler_on_finished(w->scheduler, "transporter-x", &result, &err));
    assert_false(store_task_state_final(task_at(w, other.id).state));
    assert_ok(scheduler_on_finished(w->scheduler, other.transporter, &result, &err));
    assert_int_equal(run_at(w, run).state, STORE_RUN_WARNING);
    assert_int_equal(run_at(w, run).totals.items_done, 20);
}

static void
a_lost_task_goes_to_another_with_a_higher_fence(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    char run[IDENTIFIER_LEN];

    w->source_online[1] = false;
    start_job(w, run);
    scheduler_tick(w->scheduler);
    assert_int_equal(w->started, 1);
    struct store_task lost = w->last_start;
    assert_string_equal(lost.transporter, w->source[0].id);
    w->source_online[0] = false;
    w->source_online[1] = true;
    fake_clock_advance(&w->f->clock, LEASE_MS - 1);
    scheduler_tick(w->scheduler);
    assert_int_equal(task_at(w, lost.id).state, STORE_TASK_LEASED);
    struct scheduler_result result = result_of(&w->last_start, true);
    if (strcmp(w->last_start.id, lost.id) != 0)
        assert_ok(scheduler_on_finished(w->scheduler, w->last_start.transporter, &result, &err));
    fake_clock_advance(&w->f->clock, 1);
    scheduler_tick(w->scheduler);
    struct store_task again = task_at(w, lost.id);
    assert_string_equal(again.transporter, w->source[1].id);
    assert_int_equal(again.fence, lost.fence + 1);
    assert_int_equal(again.losses, 1);
    assert_int_equal(w->last_raise, again.fence);

    result = result_of(&lost, true);
    assert_ok(scheduler_on_finished(w->scheduler, w->source[0].id, &result, &err));
    assert_int_equal(task_at(w, lost.id).state, STORE_TASK_LEASED);
}

static void
a_revoked_transporters_tasks_go_to_another_at_once(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    char run[IDENTIFIER_LEN];

    w->source_online[1] = false;
    start_job(w, run);
    scheduler_tick(w->scheduler);
    struct store_task lost = w->last_start;
    w->source_online[0] = false;
    w->source_online[1] = true;
    assert_ok(scheduler_on_revoked(w->scheduler, w->source[0].id, &err));
    assert_int_equal(w->last_raise, lost.fence + 1);
    assert_int_equal(task_at(w, lost.id).state, STORE_TASK_QUEUED);
    scheduler_tick(w->scheduler);
    assert_int_equal(task_at(w, lost.id).state, STORE_TASK_LEASED);
    assert_string_equal(task_at(w, lost.id).transporter, w->source[1].id);
}

/* The former holder had committed; the task was cancelled, so nobody else will tell of the point. */
static void
a_point_committed_before_the_fence_rose_is_kept(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    struct store_point point;
    char run[IDENTIFIER_LEN];

    start_job(w, run);
    scheduler_tick(w->scheduler);
    struct store_task lost = w->last_start;
    struct scheduler_result result = result_of(&lost, true);
    w->source_online[0] = w->source_online[1] = false;
    fake_clock_advance(&w->f->clock, LEASE_MS);
    scheduler_tick(w->scheduler);
    assert_int_equal(task_at(w, lost.id).state, STORE_TASK_QUEUED);
    assert_ok(scheduler_cancel_run(w->scheduler, run, "tester", &err));
    assert_ok(scheduler_on_finished(w->scheduler, w->f->host.id, &result, &err));
    assert_int_equal(store_points_find(w->f->store, result.point.id, &point, &err), -1);
    error_clear(&err);
    assert_ok(scheduler_on_finished(w->scheduler, lost.transporter, &result, &err));
    assert_ok(store_points_find(w->f->store, result.point.id, &point, &err));
    assert_string_equal(point.object, lost.object);
    assert_int_equal(task_at(w, lost.id).state, STORE_TASK_CANCELLED);
}

static void
a_heartbeat_renews_and_tells_to_stop(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    char run[IDENTIFIER_LEN];

    start_job(w, run);
    scheduler_tick(w->scheduler);
    struct store_task task = w->last_start;
    struct scheduler_running named[2] = { running_of(&task), { .task = "task-x", .fence = 1 } };
    fake_clock_advance(&w->f->clock, LEASE_MS / 2);
    assert_ok(scheduler_on_heartbeat(w->scheduler, task.transporter, named, 2, &err));
    assert_int_equal(w->cancelled, 1);
    fake_clock_advance(&w->f->clock, LEASE_MS - 1);
    scheduler_tick(w->scheduler);
    assert_int_equal(task_at(w, task.id).state, STORE_TASK_RUNNING);
    named[0].fence--;
    assert_ok(scheduler_on_heartbeat(w->scheduler, task.transporter, named, 1, &err));
    assert_int_equal(w->cancelled, 2);
}

static void
a_failure_is_tried_again_and_in_the_end_final(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    char run[IDENTIFIER_LEN];

    start_job(w, run);
    scheduler_tick(w->scheduler);
    struct store_task task = w->last_start;
    for (unsigned i = 1; i <= ATTEMPTS; i++) {
        struct store_task at = task_at(w, task.id);
        assert_int_equal(at.state, STORE_TASK_LEASED);
        struct scheduler_result result = result_of(&at, false);
        assert_ok(scheduler_on_finished(w->scheduler, at.transporter, &result, &err));
        at = task_at(w, task.id);
        assert_int_equal(at.attempts, i);
        assert_string_equal(at.error_kind, "network");
        scheduler_tick(w->scheduler);
        if (i < ATTEMPTS)
            assert_int_equal(task_at(w, task.id).state, STORE_TASK_QUEUED);
        fake_clock_advance(
            &w->f->clock,
            (uint64_t)(at.not_before_ms - w->f->clock.wall_ms > 0 ? at.not_before_ms - w->f->clock.wall_ms : 0));
        scheduler_tick(w->scheduler);
    }
    assert_int_equal(task_at(w, task.id).state, STORE_TASK_FAILED);
    assert_string_equal(run_at(w, run).error_text, "connection reset");
}

static void
a_throttled_task_waits_for_the_time_microsoft_named(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    struct director_progress shown;
    char run[IDENTIFIER_LEN];

    start_job(w, run);
    scheduler_tick(w->scheduler);
    struct store_task task = w->last_start;
    struct scheduler_running running = running_of(&task);
    const struct scheduler_progress told = { .phase = "transfer",
                                             .throttled_for_ms = 60000,
                                             .throttled_wait_ms = 30000 };
    assert_ok(scheduler_on_progress(w->scheduler, task.transporter, &running, &told, &err));
    live_progress_of_task(scheduler_progress(w->scheduler), &task, w->f->clock.wall_ms, &shown);
    assert_int_equal(shown.throttled, 1);
    struct scheduler_result result = result_of(&task, false);
    result.error_kind = ERROR_THROTTLED;
    result.retry_after_ms = 3600000;
    assert_ok(scheduler_on_finished(w->scheduler, task.transporter, &result, &err));
    live_progress_of_task(scheduler_progress(w->scheduler), &task, w->f->clock.wall_ms, &shown);
    assert_int_equal(shown.throttled, 0);
    assert_in_range(task_at(w, task.id).not_before_ms - w->f->clock.wall_ms, 3600000, 3602000);
    fake_clock_advance(&w->f->clock, 3599000);
    scheduler_tick(w->scheduler);
    assert_int_equal(task_at(w, task.id).state, STORE_TASK_QUEUED);
    fake_clock_advance(&w->f->clock, 3000);
    scheduler_tick(w->scheduler);
    assert_int_equal(task_at(w, task.id).state, STORE_TASK_LEASED);
}

static void
a_cancelled_run_ends(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    char run[IDENTIFIER_LEN];

    w->source_online[1] = false;
    start_job(w, run);
    scheduler_tick(w->scheduler);
    struct store_task task = w->last_start;
    assert_ok(scheduler_cancel_run(w->scheduler, run, "tester", &err));
    assert_int_equal(w->cancelled, 1);
    assert_int_equal(run_at(w, run).state, STORE_RUN_RUNNING);
    assert_int_equal(run_at(w, run).tasks_cancelled, 1);
    struct scheduler_result result = result_of(&task, false);
    result.error_kind = ERROR_CANCELLED;
    assert_ok(scheduler_on_finished(w->scheduler, task.transporter, &result, &err));
    assert_int_equal(run_at(w, run).state, STORE_RUN_CANCELLED);
    assert_fails(scheduler_cancel_run(w->scheduler, run, "tester", &err), ERROR_CONFLICT);
    assert_fails(scheduler_cancel_run(w->scheduler, "run-x", "tester", &err), ERROR_NOT_FOUND);
}

static void
a_hello_keeps_what_it_names_and_shortens_the_rest(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    char run[IDENTIFIER_LEN];

    start_job(w, run);
    scheduler_tick(w->scheduler);
    struct store_task task = w->last_start;
    struct scheduler_running named[2] = { running_of(&task), running_of(&task) };
    named[1].fence = 77;
    assert_ok(scheduler_on_hello(w->scheduler, task.transporter, named, 2, &err));
    assert_false(named[0].stop);
    assert_true(named[1].stop);
    assert_int_equal(task_at(w, task.id).state, STORE_TASK_RUNNING);
    assert_ok(scheduler_on_hello(w->scheduler, task.transporter, NULL, 0, &err));
    fake_clock_advance(&w->f->clock, GRACE_MS);
    scheduler_tick(w->scheduler);
    assert_int_equal(task_at(w, task.id).losses, 1);
    assert_true(task_at(w, task.id).fence > task.fence);
}

static void
a_waiting_task_says_what_for(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    char run[IDENTIFIER_LEN];
    struct store_task task;

    w->source_online[0] = w->source_online[1] = false;
    start_job(w, run);
    scheduler_tick(w->scheduler);
    assert_ok(store_tasks_list(w->f->store, run, (struct store_page){ 0 }, keep_other, &task, &err));
    assert_non_null(strstr(task.waiting, "secrets"));
    w->host_online = false;
    scheduler_tick(w->scheduler);
    assert_non_null(strstr(task_at(w, task.id).waiting, "no transporter is connected"));
    w->source_online[0] = true;
    scheduler_tick(w->scheduler);
    assert_non_null(strstr(task_at(w, task.id).waiting, "host is not connected"));
    assert_int_equal(w->started, 0);
    w->host_online = w->source_online[1] = true;
    scheduler_tick(w->scheduler);
    assert_string_equal(task_at(w, task.id).waiting, "");
}

static void
a_task_that_cannot_be_sent_is_an_error_like_any_other(void **state)
{
    struct world *w = *state;
    char run[IDENTIFIER_LEN];

    start_job(w, run);
    w->refuse_start = ERROR_CONFIG;
    scheduler_tick(w->scheduler);
    assert_int_equal(run_at(w, run).state, STORE_RUN_FAILED);
    assert_string_equal(run_at(w, run).error_kind, "config");
}

static void
a_new_director_goes_on_where_the_old_one_was(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    char run[IDENTIFIER_LEN];

    start_job(w, run);
    scheduler_tick(w->scheduler);
    struct store_task task = w->last_start;
    struct scheduler_options options = { .links = { w, connected, start, cancel, raise_fence },
                                         .retry = { .attempts = ATTEMPTS, .first_ms = 5000 },
                                         .lease_ms = LEASE_MS,
                                         .grace_ms = GRACE_MS };
    scheduler_free(w->scheduler);
    store_fixture_reopen(w->f);
    options.store = w->f->store;
    w->scheduler = scheduler_new(&options);
    scheduler_tick(w->scheduler);
    assert_int_equal(w->started, 2);
    struct scheduler_running named = running_of(&task);
    assert_ok(scheduler_on_hello(w->scheduler, task.transporter, &named, 1, &err));
    assert_false(named.stop);
    struct scheduler_result result = result_of(&task, true);
    assert_ok(scheduler_on_finished(w->scheduler, task.transporter, &result, &err));
    assert_int_equal(task_at(w, task.id).state, STORE_TASK_DONE);
}

static void
a_task_that_cannot_be_placed_holds_up_no_other(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    struct scheduler_ids due = { .count = 0 };
    char run[IDENTIFIER_LEN];

    start_job(w, run);
    int64_t now = clock_wall_ms(store_clock(w->f->store));
    assert_ok(store_tasks_due(w->f->store, now, (struct store_page){ 0 }, scheduler_collect, &due, &err));
    assert_int_equal(due.count, 2);
    struct store_query spoil =
        *STORE_QUERY("UPDATE task SET selector = 'not a label' WHERE id = ?1", STORE_TEXT(due.at[0]));
    assert_ok(store_statement_change(w->f->store, &spoil, NULL, &err));
    scheduler_tick(w->scheduler);
    assert_int_equal(w->started, 1);
    assert_string_equal(w->last_start.id, due.at[1]);
    assert_int_equal(task_at(w, due.at[0]).state, STORE_TASK_QUEUED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, scheduler_fixture_setup, scheduler_fixture_teardown)
        WITH_WORLD(a_task_that_cannot_be_placed_holds_up_no_other),
        WITH_WORLD(a_run_goes_from_queued_to_succeeded),
        WITH_WORLD(a_result_said_twice_has_one_effect),
        WITH_WORLD(a_revoked_transporters_tasks_go_to_another_at_once),
        WITH_WORLD(a_point_committed_before_the_fence_rose_is_kept),
        WITH_WORLD(a_lost_task_goes_to_another_with_a_higher_fence),
        WITH_WORLD(a_heartbeat_renews_and_tells_to_stop),
        WITH_WORLD(a_failure_is_tried_again_and_in_the_end_final),
        WITH_WORLD(a_throttled_task_waits_for_the_time_microsoft_named),
        WITH_WORLD(a_cancelled_run_ends),
        WITH_WORLD(a_hello_keeps_what_it_names_and_shortens_the_rest),
        WITH_WORLD(a_waiting_task_says_what_for),
        WITH_WORLD(a_task_that_cannot_be_sent_is_an_error_like_any_other),
        WITH_WORLD(a_new_director_goes_on_where_the_old_one_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
