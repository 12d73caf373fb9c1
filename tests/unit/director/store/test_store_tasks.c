#include "director/store/store_tasks.h"
#include "tests/unit/director/store_fixture.h"

STORE_FIXTURE_COUNT(count_tasks, store_task);
STORE_FIXTURE_COUNT(count_gaps, store_gap);

static struct store_task
add_task(struct store_fixture *f, const struct store_run *run, const char *exclusive)
{
    struct error err = ERROR_INIT;
    struct store_task task = { .kind = STORE_RUN_BACKUP };

    memcpy(task.run, run->id, sizeof(task.run));
    memcpy(task.tenant, f->tenant.id, sizeof(task.tenant));
    memcpy(task.object, f->mailbox[0].id, sizeof(task.object));
    memcpy(task.vault, f->vault.id, sizeof(task.vault));
    snprintf(task.exclusive, sizeof(task.exclusive), "%s", exclusive);
    assert_ok(store_tasks_add(f->store, &task, &err));
    return task;
}

static struct store_run
add_run(struct store_fixture *f)
{
    struct error err = ERROR_INIT;
    struct store_run run = { .kind = STORE_RUN_BACKUP };

    memcpy(run.tenant, f->tenant.id, sizeof(run.tenant));
    assert_ok(store_runs_add(f->store, &run, &err));
    return run;
}

static void
the_database_refuses_two_tasks_on_one_object(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_run run = add_run(f);
    struct store_task a = add_task(f, &run, "object/1"), b = add_task(f, &run, "object/1"), c = add_task(f, &run, "");

    a.state = STORE_TASK_LEASED;
    assert_ok(store_tasks_update(f->store, &a, &err));
    assert_int_equal(store_tasks_is_busy(f->store, "object/1", &err), 1);
    b.state = STORE_TASK_RUNNING;
    assert_fails(store_tasks_update(f->store, &b, &err), ERROR_CONFLICT);
    c.state = STORE_TASK_RUNNING;
    assert_ok(store_tasks_update(f->store, &c, &err));
    a.state = STORE_TASK_DONE;
    assert_ok(store_tasks_update(f->store, &a, &err));
    assert_int_equal(store_tasks_is_busy(f->store, "object/1", &err), 0);
    assert_ok(store_tasks_update(f->store, &b, &err));
}

static void
fences_only_rise(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    uint64_t fence = 0;

    for (uint64_t i = 1; i <= 3; i++) {
        assert_ok(store_tasks_next_fence(f->store, f->vault.id, f->mailbox[0].id, &fence, &err));
        assert_int_equal(fence, i);
    }
    assert_ok(store_tasks_next_fence(f->store, f->vault.id, f->mailbox[1].id, &fence, &err));
    assert_int_equal(fence, 1);
    store_fixture_reopen(f);
    assert_ok(store_tasks_next_fence(f->store, f->vault.id, f->mailbox[0].id, &fence, &err));
    assert_int_equal(fence, 4);
}

static void
due_and_held_tasks_are_found(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_run run = add_run(f);
    struct store_task a = add_task(f, &run, ""), b = add_task(f, &run, ""), at;
    unsigned count = 0;

    a.not_before_ms = f->clock.wall_ms + 10;
    a.counts.bytes_read = 77;
    snprintf(a.phase, sizeof(a.phase), "transfer");
    assert_ok(store_tasks_update(f->store, &a, &err));
    assert_ok(store_tasks_due(f->store, f->clock.wall_ms, (struct store_page){ 0 }, count_tasks, &count, &err));
    assert_int_equal(count, 1);
    b.state = STORE_TASK_RUNNING;
    memcpy(b.transporter, f->host.id, sizeof(b.transporter));
    assert_ok(store_tasks_update(f->store, &b, &err));
    count = 0;
    assert_ok(store_tasks_held(f->store, f->host.id, count_tasks, &count, &err));
    assert_int_equal(count, 1);
    assert_ok(store_tasks_held(f->store, "transporter-x", count_tasks, &count, &err));
    assert_int_equal(count, 1);
    assert_ok(store_tasks_find(f->store, a.id, &at, &err));
    assert_memory_equal(&at, &a, sizeof(a));
}

static void
a_run_is_the_sum_of_its_tasks(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_run run = add_run(f);
    struct store_task a = add_task(f, &run, ""), b = add_task(f, &run, "");

    a.state = STORE_TASK_DONE;
    a.counts = (struct store_counts){ .items_done = 5, .bytes_read = INT64_MAX };
    b.state = STORE_TASK_FAILED;
    b.counts = (struct store_counts){ .items_done = 2, .bytes_read = INT64_MAX, .damaged = 1 };
    snprintf(b.error_kind, sizeof(b.error_kind), "denied");
    snprintf(b.error_text, sizeof(b.error_text), "no licence");
    assert_ok(store_tasks_update(f->store, &a, &err));
    assert_ok(store_tasks_update(f->store, &b, &err));
    assert_ok(store_tasks_sum(f->store, &run, &err));
    assert_int_equal(run.tasks, 2);
    assert_int_equal(run.tasks_done, 1);
    assert_int_equal(run.tasks_failed, 1);
    assert_int_equal(run.totals.items_done, 7);
    assert_int_equal(run.totals.damaged, 1);
    assert_true(run.totals.bytes_read > INT64_MAX / 2 && run.totals.bytes_read <= INT64_MAX);
    assert_string_equal(run.error_kind, "denied");
}

static void
gaps_are_replaced(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_run run = add_run(f);
    struct store_task task = add_task(f, &run, "");
    struct store_gap gaps[2] = { { "malware", 2 }, { "corrupt_item", 1 } };
    unsigned count = 0;

    assert_ok(store_tasks_set_gaps(f->store, task.id, gaps, 2, &err));
    assert_ok(store_tasks_set_gaps(f->store, task.id, gaps, 1, &err));
    assert_ok(store_tasks_list_gaps(f->store, task.id, count_gaps, &count, &err));
    assert_int_equal(count, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, store_fixture_setup_populated, store_fixture_teardown)
        WITH_WORLD(the_database_refuses_two_tasks_on_one_object),
        WITH_WORLD(fences_only_rise),
        WITH_WORLD(due_and_held_tasks_are_found),
        WITH_WORLD(a_run_is_the_sum_of_its_tasks),
        WITH_WORLD(gaps_are_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
