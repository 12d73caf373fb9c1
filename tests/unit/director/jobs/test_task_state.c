#include "director/jobs/task_state.h"
#include "tests/unit/director/store_fixture.h"

static void
final_states_lead_nowhere(void **state)
{
    (void)state;
    for (int from = STORE_TASK_QUEUED; from <= STORE_TASK_CANCELLED; from++) {
        bool leads = false;
        for (int to = STORE_TASK_QUEUED; to <= STORE_TASK_CANCELLED; to++)
            leads = leads || task_state_may_follow((enum store_task_state)from, (enum store_task_state)to);
        assert_int_equal(leads, !store_task_state_final((enum store_task_state)from));
    }
    for (int from = STORE_RUN_QUEUED; from <= STORE_RUN_CANCELLED; from++) {
        bool leads = false;
        for (int to = STORE_RUN_QUEUED; to <= STORE_RUN_CANCELLED; to++)
            leads = leads || task_state_run_may_follow((enum store_run_state)from, (enum store_run_state)to);
        assert_int_equal(leads, !store_run_state_final((enum store_run_state)from));
    }
}

static void
a_queued_task_cannot_be_done(void **state)
{
    (void)state;
    assert_false(task_state_may_follow(STORE_TASK_QUEUED, STORE_TASK_DONE));
    assert_false(task_state_may_follow(STORE_TASK_QUEUED, STORE_TASK_RUNNING));
    assert_true(task_state_may_follow(STORE_TASK_RUNNING, STORE_TASK_QUEUED));
}

static void
a_run_is_green_only_when_nothing_was_left_out(void **state)
{
    (void)state;
    struct store_run run = { .tasks = 3, .tasks_done = 2 };

    assert_int_equal(task_state_of_run(&run), STORE_RUN_RUNNING);
    run.tasks_done = 3;
    assert_int_equal(task_state_of_run(&run), STORE_RUN_SUCCEEDED);
    run.totals.items_skipped = 1;
    assert_int_equal(task_state_of_run(&run), STORE_RUN_WARNING);
    run.totals.damaged = 1;
    assert_int_equal(task_state_of_run(&run), STORE_RUN_FAILED);
    run = (struct store_run){ .tasks = 3, .tasks_done = 1, .tasks_cancelled = 2 };
    assert_int_equal(task_state_of_run(&run), STORE_RUN_CANCELLED);
    run = (struct store_run){ .tasks = 3, .tasks_done = 1, .tasks_cancelled = 1, .tasks_failed = 1 };
    assert_int_equal(task_state_of_run(&run), STORE_RUN_FAILED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(final_states_lead_nowhere),
        cmocka_unit_test(a_queued_task_cannot_be_done),
        cmocka_unit_test(a_run_is_green_only_when_nothing_was_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
