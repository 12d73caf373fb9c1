#include "director/store/store_points.h"
#include "tests/unit/director/jobs/scheduler_fixture.h"

static struct store_vault
add_copy_job(struct world *w, struct store_secret *password)
{
    struct error err = ERROR_INIT;
    struct store_vault other = w->f->vault;
    struct store_job job = { .name = "away", .enabled = true, .all = true };
    struct store_point point = { .id = "point-first", .created_ms = 5 };
    store_fixture_secret(w->f, password, STORE_SECRET_VAULT_PASSWORD);
    other.id[0] = '\0';
    snprintf(other.name, sizeof(other.name), "other");
    memcpy(other.password_secret, password->id, sizeof(other.password_secret));
    assert_ok(store_vaults_add(w->f->store, &other, &err));
    assert_ok(store_vaults_set_state(w->f->store, other.id, STORE_VAULT_READY, &err));
    memcpy(job.tenant, w->f->tenant.id, sizeof(job.tenant));
    memcpy(point.tenant, w->f->tenant.id, sizeof(point.tenant));
    memcpy(job.vault, other.id, sizeof(job.vault));
    memcpy(job.source, w->f->vault.id, sizeof(job.source));
    memcpy(point.vault, w->f->vault.id, sizeof(point.vault));
    assert_ok(store_jobs_add(w->f->store, &job, NULL, 0, &err));
    memcpy(point.object, w->f->mailbox[0].id, sizeof(point.object));
    assert_ok(store_points_add(w->f->store, &point, &err));
    return other;
}

static void
a_copy_needs_both_passwords_and_what_it_brought_is_kept(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    struct store_secret password = { .id = "" };
    struct store_vault other = add_copy_job(w, &password);
    struct scheduler_copied copied = { .id = "point-first", .stored_bytes = 3 };
    struct store_point point;
    char run[IDENTIFIER_LEN];
    assert_ok(run_start_backup(w->f->store, "away", NULL, "tester", run, &err));
    scheduler_tick(w->scheduler);
    assert_int_equal(w->started, 0);
    store_fixture_seal(w->f, &password, w->source[1].id);
    scheduler_tick(w->scheduler);
    assert_string_equal(w->last_start.transporter, w->source[1].id);
    struct scheduler_result result = result_of(&w->last_start, false);
    result.copied = &copied, result.copied_count = 1;
    assert_ok(scheduler_on_finished(w->scheduler, w->source[1].id, &result, &err));
    assert_int_equal(task_at(w, w->last_start.id).state, STORE_TASK_QUEUED);
    assert_ok(store_points_latest(w->f->store, other.id, w->f->mailbox[0].id, &point, &err));
    assert_string_equal(store_points_stored_id(&point), "point-first");
}

/* As when there are more than an order holds, or one was made meanwhile. */
static void
a_copy_goes_on_until_no_point_is_left(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    struct store_secret password = { .id = "" };
    struct store_vault other = add_copy_job(w, &password);
    struct scheduler_copied copied[] = { { .id = "point-first" }, { .id = "point-second" } };
    struct store_point point = { .id = "" };
    char run[IDENTIFIER_LEN];
    assert_ok(store_points_latest(w->f->store, w->f->vault.id, w->f->mailbox[0].id, &point, &err));
    snprintf(point.id, sizeof(point.id), "point-second");
    point.created_ms++;
    store_fixture_seal(w->f, &password, w->source[1].id);
    assert_ok(run_start_backup(w->f->store, "away", NULL, "tester", run, &err));
    scheduler_tick(w->scheduler);
    assert_ok(store_points_add(w->f->store, &point, &err));
    const struct store_task first = w->last_start;
    struct scheduler_result result = result_of(&first, true);
    result.copied = copied, result.copied_count = 1;
    assert_ok(scheduler_on_finished(w->scheduler, first.transporter, &result, &err));
    assert_int_equal(task_at(w, first.id).state, STORE_TASK_DONE);
    assert_false(store_run_state_final(run_at(w, run).state));
    assert_int_equal(run_at(w, run).tasks, 2);
    scheduler_tick(w->scheduler);
    assert_string_not_equal(w->last_start.id, first.id);
    result = result_of(&w->last_start, true);
    result.copied = copied, result.copied_count = 2;
    assert_ok(scheduler_on_finished(w->scheduler, w->last_start.transporter, &result, &err));
    assert_int_equal(run_at(w, run).tasks, 2);
    assert_true(store_run_state_final(run_at(w, run).state));
    assert_ok(store_points_latest(w->f->store, other.id, w->f->mailbox[0].id, &point, &err));
    assert_string_equal(store_points_stored_id(&point), "point-second");
}

/* Else a point that is damaged in the source would keep the run for ever. */
static void
a_copy_that_brought_nothing_new_does_not_go_on(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    struct store_secret password = { .id = "" };
    char run[IDENTIFIER_LEN];
    add_copy_job(w, &password);
    store_fixture_seal(w->f, &password, w->source[1].id);
    assert_ok(run_start_backup(w->f->store, "away", NULL, "tester", run, &err));
    scheduler_tick(w->scheduler);
    struct scheduler_result result = result_of(&w->last_start, true);
    assert_ok(scheduler_on_finished(w->scheduler, w->last_start.transporter, &result, &err));
    assert_int_equal(run_at(w, run).tasks, 1);
    assert_true(store_run_state_final(run_at(w, run).state));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, scheduler_fixture_setup, scheduler_fixture_teardown)
        WITH_WORLD(a_copy_needs_both_passwords_and_what_it_brought_is_kept),
        WITH_WORLD(a_copy_goes_on_until_no_point_is_left),
        WITH_WORLD(a_copy_that_brought_nothing_new_does_not_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
