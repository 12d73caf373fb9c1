#include "director/jobs/run_start.h"
#include "director/jobs/scheduler_internal.h"
#include "director/store/store_internal.h"
#include "director/store/store_jobs.h"
#include "tests/unit/director/store_fixture.h"

#define LEASE_MS 60000
#define GRACE_MS 3000
#define ATTEMPTS 5

/* The transporters, as the scheduler sees them, and what it has told them. */
struct world {
    struct store_fixture *f;
    struct scheduler *scheduler;
    struct store_transporter source[2];
    bool source_online[2], host_online;
    unsigned started, cancelled;
    struct store_task last_start;
    uint64_t last_raise;
    enum error_kind refuse_start; /* ERROR_NONE: does not */
};

static size_t
connected(void *ctx, struct scheduler_peer *out, size_t max)
{
    const struct world *w = ctx;
    size_t n = 0;

    (void)max;
    for (int i = 0; i < 2; i++)
        if (w->source_online[i]) {
            out[n].slots = 1;
            memcpy(out[n++].id, w->source[i].id, IDENTIFIER_LEN);
        }
    if (w->host_online) {
        out[n].slots = 4;
        memcpy(out[n++].id, w->f->host.id, IDENTIFIER_LEN);
    }
    return n;
}

static int
start(void *ctx, const struct store_task *task, struct error *err)
{
    struct world *w = ctx;

    if (w->refuse_start != ERROR_NONE)
        return FAIL(err, w->refuse_start, 0, "cannot be put together");
    w->started++;
    w->last_start = *task;
    return 0;
}

static void
cancel(void *ctx, const char *transporter, const char *task_id, uint64_t fence)
{
    struct world *w = ctx;

    (void)transporter;
    (void)task_id;
    (void)fence;
    w->cancelled++;
}

static void
raise_fence(void *ctx, const char *host, const char *vault, const char *scope, uint64_t fence)
{
    struct world *w = ctx;

    (void)scope;
    assert_string_equal(host, w->f->host.id);
    assert_string_equal(vault, w->f->vault.id);
    w->last_raise = fence;
}

static int
setup(void **state)
{
    struct error err = ERROR_INIT;
    struct world *w = MEMORY_NEW(struct world);
    void *fixture = NULL;

    if (store_fixture_setup_populated(&fixture) != 0)
        return -1;
    struct store_fixture *f = w->f = fixture;
    for (int i = 0; i < 2; i++) {
        store_fixture_transporter(f, &w->source[i], i == 0 ? "source0" : "source1");
        store_fixture_seal(f, &f->microsoft, w->source[i].id);
        store_fixture_seal(f, &f->password, w->source[i].id);
        w->source_online[i] = true;
    }
    assert_ok(store_transporters_set_hello(f->store, f->host.id, "127.0.0.1:1", "0", 4, &err));
    f->repository.state = STORE_REPOSITORY_ATTACHED;
    assert_ok(store_repositories_set_state(f->store, &f->repository, &err));
    w->host_online = true;
    struct store_job job = { .name = "nightly", .enabled = true, .all = true };
    memcpy(job.tenant, f->tenant.id, sizeof(job.tenant));
    memcpy(job.vault, f->vault.id, sizeof(job.vault));
    assert_ok(store_jobs_add(f->store, &job, NULL, 0, &err));
    struct scheduler_options options = { .store = f->store,
                                         .links = { w, connected, start, cancel, raise_fence },
                                         .retry = { .attempts = ATTEMPTS, .first_ms = 5000 },
                                         .lease_ms = LEASE_MS,
                                         .grace_ms = GRACE_MS };
    w->scheduler = scheduler_new(&options);
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;
    void *fixture = w->f;

    scheduler_free(w->scheduler);
    store_fixture_teardown(&fixture);
    free(w);
    return 0;
}

static void
start_job(struct world *w, char run[IDENTIFIER_LEN])
{
    struct error err = ERROR_INIT;
    assert_ok(run_start_backup(w->f->store, "nightly", NULL, "tester", run, &err));
}

static struct store_task
task_at(struct world *w, const char *id)
{
    struct error err = ERROR_INIT;
    struct store_task task;

    assert_ok(store_tasks_find(w->f->store, id, &task, &err));
    return task;
}

static struct store_run
run_at(struct world *w, const char *id)
{
    struct error err = ERROR_INIT;
    struct store_run run;

    assert_ok(store_runs_find(w->f->store, id, &run, &err));
    return run;
}

static struct scheduler_running
running_of(const struct store_task *task)
{
    struct scheduler_running running = { .fence = task->fence };

    memcpy(running.task, task->id, sizeof(running.task));
    return running;
}

static struct scheduler_result
result_of(const struct store_task *task, bool succeeded)
{
    struct scheduler_result result = { .task = running_of(task), .succeeded = succeeded };

    result.error_kind = succeeded ? ERROR_NONE : ERROR_NETWORK;
    snprintf(result.error_text, sizeof(result.error_text), "connection reset");
    result.has_point = succeeded;
    result.counts.items_done = 10;
    snprintf(result.point.id, sizeof(result.point.id), "point-%.30s", task->id);
    return result;
}

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
#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        WITH_WORLD(a_task_that_cannot_be_placed_holds_up_no_other),
        WITH_WORLD(a_run_goes_from_queued_to_succeeded),
        WITH_WORLD(a_result_said_twice_has_one_effect),
        WITH_WORLD(a_revoked_transporters_tasks_go_to_another_at_once),
        WITH_WORLD(a_point_committed_before_the_fence_rose_is_kept),
        WITH_WORLD(a_lost_task_goes_to_another_with_a_higher_fence),
        WITH_WORLD(a_copy_needs_both_passwords_and_what_it_brought_is_kept),
        WITH_WORLD(a_copy_goes_on_until_no_point_is_left),
        WITH_WORLD(a_copy_that_brought_nothing_new_does_not_go_on),
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
