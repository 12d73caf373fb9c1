#ifndef LONGHAUL_TESTS_UNIT_DIRECTOR_JOBS_SCHEDULER_FIXTURE_H
#define LONGHAUL_TESTS_UNIT_DIRECTOR_JOBS_SCHEDULER_FIXTURE_H

/* A scheduler with two transporters near the data, a host, and the job "nightly" of two mailboxes. */

#include "director/jobs/run_start.h"
#include "director/jobs/scheduler_internal.h"
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

static inline size_t
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

static inline int
start(void *ctx, const struct store_task *task, struct error *err)
{
    struct world *w = ctx;

    if (w->refuse_start != ERROR_NONE)
        return FAIL(err, w->refuse_start, 0, "cannot be put together");
    w->started++;
    w->last_start = *task;
    return 0;
}

static inline void
cancel(void *ctx, const char *transporter, const char *task_id, uint64_t fence)
{
    struct world *w = ctx;

    (void)transporter;
    (void)task_id;
    (void)fence;
    w->cancelled++;
}

static inline void
raise_fence(void *ctx, const char *host, const char *vault, const char *scope, uint64_t fence)
{
    struct world *w = ctx;

    (void)scope;
    assert_string_equal(host, w->f->host.id);
    assert_string_equal(vault, w->f->vault.id);
    w->last_raise = fence;
}

static inline int
scheduler_fixture_setup(void **state)
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

static inline int
scheduler_fixture_teardown(void **state)
{
    struct world *w = *state;
    void *fixture = w->f;

    scheduler_free(w->scheduler);
    store_fixture_teardown(&fixture);
    free(w);
    return 0;
}

static inline void
start_job(struct world *w, char run[IDENTIFIER_LEN])
{
    struct error err = ERROR_INIT;
    assert_ok(run_start_backup(w->f->store, "nightly", NULL, "tester", run, &err));
}

static inline struct store_task
task_at(struct world *w, const char *id)
{
    struct error err = ERROR_INIT;
    struct store_task task;

    assert_ok(store_tasks_find(w->f->store, id, &task, &err));
    return task;
}

static inline struct store_run
run_at(struct world *w, const char *id)
{
    struct error err = ERROR_INIT;
    struct store_run run;

    assert_ok(store_runs_find(w->f->store, id, &run, &err));
    return run;
}

static inline struct scheduler_running
running_of(const struct store_task *task)
{
    struct scheduler_running running = { .fence = task->fence };

    memcpy(running.task, task->id, sizeof(running.task));
    return running;
}

static inline struct scheduler_result
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

#endif
