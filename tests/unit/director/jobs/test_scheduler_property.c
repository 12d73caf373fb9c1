/* Transporters that vanish, stall, fail and come back at random, under a clock that the test moves. After every step:
 * nobody works on an object under a fence that somebody else has or had, and at most one task an object is held. In
 * the end every run is over. */

#include "director/jobs/run_start.h"
#include "director/jobs/scheduler.h"
#include "director/store/store_internal.h"
#include "director/store/store_jobs.h"
#include "tests/unit/director/store_fixture.h"

#define LEASE_MS    60000
#define GRACE_MS    5000
#define NODES       4
#define OBJECTS     6
#define HISTORY_MAX 4096
#define STEPS       250

struct lease {
    char scope[IDENTIFIER_LEN];
    char node[IDENTIFIER_LEN];
    uint64_t fence;
};

struct doing {
    struct scheduler_running task;
    bool busy;
};

struct node {
    char id[IDENTIFIER_LEN];
    bool online;
    struct doing doing[2];
};

struct sim {
    struct store_fixture *f;
    struct scheduler *scheduler;
    struct node node[NODES];
    struct lease history[HISTORY_MAX];
    size_t leases;
};

static uint32_t
draw(struct sim *s, uint32_t below)
{
    uint32_t r;

    clock_random(&s->f->clock.clock, &r, sizeof(r));
    return r % below;
}

static size_t
connected(void *ctx, struct scheduler_peer *out, size_t max)
{
    struct sim *s = ctx;
    size_t n = 0;

    (void)max;
    for (int i = 0; i < NODES; i++)
        if (s->node[i].online) {
            out[n].slots = 2;
            memcpy(out[n++].id, s->node[i].id, IDENTIFIER_LEN);
        }
    return n;
}

static struct node *
node_of(struct sim *s, const char *id)
{
    for (int i = 0; i < NODES; i++)
        if (strcmp(s->node[i].id, id) == 0)
            return &s->node[i];
    fail_msg("a task for an unknown node");
    return NULL;
}

static int
start(void *ctx, const struct store_task *task, struct error *err)
{
    struct sim *s = ctx;
    struct node *node = node_of(s, task->transporter);

    assert_true(node->online);
    for (size_t i = 0; i < s->leases; i++)
        if (strcmp(s->history[i].scope, task->scope) == 0)
            assert_true(task->fence > s->history[i].fence);
    assert_true(s->leases < HISTORY_MAX);
    struct lease *lease = &s->history[s->leases++];
    memcpy(lease->scope, task->scope, sizeof(lease->scope));
    memcpy(lease->node, task->transporter, sizeof(lease->node));
    lease->fence = task->fence;
    if (draw(s, 10) == 0)
        return 0; /* it never arrives */
    for (int i = 0; i < 2; i++)
        if (!node->doing[i].busy) {
            node->doing[i].busy = true;
            node->doing[i].task.fence = task->fence;
            memcpy(node->doing[i].task.task, task->id, IDENTIFIER_LEN);
            return 0;
        }
    return FAIL(err, ERROR_UNAVAILABLE, 0, "no room");
}

static void
cancel(void *ctx, const char *transporter, const char *task_id, uint64_t fence)
{
    struct node *node = node_of(ctx, transporter);

    for (int i = 0; i < 2; i++)
        if (node->online && node->doing[i].task.fence == fence && strcmp(node->doing[i].task.task, task_id) == 0)
            node->doing[i].busy = false;
}

static void
raise_fence(void *ctx, const char *host, const char *vault, const char *scope, uint64_t fence)
{
    (void)ctx;
    (void)host;
    (void)vault;
    (void)scope;
    assert_true(fence > 0);
}

static void
finish(struct sim *s, struct node *node, struct doing *doing)
{
    struct scheduler_result result = { .task = doing->task, .succeeded = draw(s, 6) != 0 };
    static const enum error_kind kinds[] = { ERROR_NETWORK, ERROR_THROTTLED, ERROR_DENIED, ERROR_UNAUTHENTICATED };
    struct error err = ERROR_INIT;

    result.error_kind = result.succeeded ? ERROR_NONE : kinds[draw(s, 4)];
    assert_ok(scheduler_on_finished(s->scheduler, node->id, &result, &err));
    if (draw(s, 4) == 0) /* the acknowledgement was lost */
        assert_ok(scheduler_on_finished(s->scheduler, node->id, &result, &err));
    doing->busy = false;
}

static void
say(struct sim *s, struct node *node, bool hello)
{
    struct scheduler_running named[2];
    struct error err = ERROR_INIT;
    size_t n = 0;

    for (int i = 0; i < 2; i++)
        if (node->doing[i].busy)
            named[n++] = node->doing[i].task;
    if (!hello) {
        assert_ok(scheduler_on_heartbeat(s->scheduler, node->id, named, n, &err));
        return;
    }
    assert_ok(scheduler_on_hello(s->scheduler, node->id, named, n, &err));
    for (size_t i = 0; i < n; i++)
        if (named[i].stop)
            cancel(s, node->id, named[i].task, named[i].fence);
}

static void
act(struct sim *s, struct node *node)
{
    switch (draw(s, 12)) {
    case 0: /* killed */
        node->online = false;
        memset(node->doing, 0, sizeof(node->doing));
        break;
    case 1: /* cut off: goes on working */
        node->online = false;
        break;
    case 2:
    case 3:
        if (!node->online) {
            node->online = true;
            say(s, node, true);
        }
        break;
    case 4:
    case 5:
        for (int i = 0; i < 2; i++)
            if (node->online && node->doing[i].busy) {
                finish(s, node, &node->doing[i]);
                break;
            }
        break;
    default:
        if (node->online)
            say(s, node, false);
        break;
    }
}

struct held {
    char object[64][IDENTIFIER_LEN];
    size_t count;
};

static int
on_held(void *ctx, const struct store_task *task, struct error *err)
{
    struct held *held = ctx;

    (void)err;
    for (size_t i = 0; i < held->count; i++)
        assert_string_not_equal(held->object[i], task->object);
    memcpy(held->object[held->count++], task->object, IDENTIFIER_LEN);
    return 0;
}

static void
check(struct sim *s)
{
    struct held held = { .count = 0 };
    struct error err = ERROR_INIT;

    assert_ok(store_tasks_held(s->f->store, NULL, on_held, &held, &err));
}

STORE_FIXTURE_COUNT(count_runs, store_run);

static unsigned
unfinished(struct sim *s)
{
    struct store_run_filter filter = { .unfinished = true };
    struct error err = ERROR_INIT;
    unsigned count = 0;

    assert_ok(store_runs_list(s->f->store, &filter, (struct store_page){ 0 }, count_runs, &count, &err));
    return count;
}

static void
populate(struct sim *s)
{
    struct store_fixture *f = s->f;
    struct error err = ERROR_INIT;

    store_fixture_populate(f);
    for (int i = 0; i < OBJECTS; i++) {
        struct store_object object = { .kind = STORE_OBJECT_DRIVE };
        memcpy(object.tenant, f->tenant.id, sizeof(object.tenant));
        snprintf(object.name, sizeof(object.name), "drive%d", i);
        snprintf(object.external_id, sizeof(object.external_id), "drive%d", i);
        assert_ok(store_objects_put(f->store, &object, &err));
    }
    for (int i = 0; i < 2; i++) {
        struct store_job job = { .enabled = true, .all = true };
        snprintf(job.name, sizeof(job.name), "job%d", i);
        memcpy(job.tenant, f->tenant.id, sizeof(job.tenant));
        memcpy(job.vault, f->vault.id, sizeof(job.vault));
        assert_ok(store_jobs_add(f->store, &job, NULL, 0, &err));
    }
    for (int i = 0; i < NODES; i++) {
        struct store_transporter row = f->host;
        char name[16];
        snprintf(name, sizeof(name), "node%d", i);
        if (i > 0)
            store_fixture_transporter(f, &row, name);
        memcpy(s->node[i].id, row.id, IDENTIFIER_LEN);
        store_fixture_seal(f, &f->microsoft, row.id);
        store_fixture_seal(f, &f->password, row.id);
    }
    assert_ok(store_transporters_set_hello(f->store, f->host.id, "127.0.0.1:1", "0", 2, &err));
    f->repository.state = STORE_REPOSITORY_ATTACHED;
    assert_ok(store_repositories_set_state(f->store, &f->repository, &err));
}

/* Thousands of commits, none of which has to outlive the power: only the order counts here. */
static void
open_scheduler(struct sim *s)
{
    struct store_query fast = { "PRAGMA synchronous = OFF", NULL, 0 };
    struct error err = ERROR_INIT;

    assert_ok(store_statement_change(s->f->store, &fast, NULL, &err));
    struct scheduler_options options = { .store = s->f->store,
                                         .retry = { .attempts = 5, .first_ms = 5000 },
                                         .links = { s, connected, start, cancel, raise_fence },
                                         .lease_ms = LEASE_MS,
                                         .grace_ms = GRACE_MS };
    s->scheduler = scheduler_new(&options);
}

static void
settle(struct sim *s)
{
    for (int step = 0; step < 2000 && unfinished(s) > 0; step++) {
        for (int i = 0; i < NODES; i++) {
            struct node *node = &s->node[i];
            bool was = node->online;
            node->online = true;
            say(s, node, !was);
            for (int k = 0; k < 2; k++)
                if (node->doing[k].busy)
                    finish(s, node, &node->doing[k]);
        }
        fake_clock_advance(&s->f->clock, 20000);
        scheduler_tick(s->scheduler);
        check(s);
    }
    assert_int_equal(unfinished(s), 0);
}

static void
simulate(uint64_t seed)
{
    struct sim *s = MEMORY_NEW(struct sim);
    char run[IDENTIFIER_LEN] = "";
    void *fixture = NULL;

    assert_int_equal(store_fixture_setup(&fixture), 0);
    s->f = fixture;
    s->f->clock.seed = seed;
    populate(s);
    open_scheduler(s);
    for (int step = 0; step < STEPS; step++) {
        if (draw(s, 20) == 0) {
            char job[8];
            snprintf(job, sizeof(job), "job%u", draw(s, 2));
            (void)run_start_backup(s->f->store, job, NULL, "tester", run, NULL);
        }
        if (draw(s, 60) == 0 && run[0] != '\0')
            (void)scheduler_cancel_run(s->scheduler, run, "tester", NULL);
        if (draw(s, 50) == 0) { /* the director is killed and starts again */
            scheduler_free(s->scheduler);
            store_fixture_reopen(s->f);
            open_scheduler(s);
            for (int i = 0; i < NODES; i++)
                if (s->node[i].online)
                    say(s, &s->node[i], true);
        }
        act(s, &s->node[draw(s, NODES)]);
        fake_clock_advance(&s->f->clock, draw(s, 15000));
        scheduler_tick(s->scheduler);
        check(s);
    }
    settle(s);
    assert_true(s->leases > 0);
    scheduler_free(s->scheduler);
    store_fixture_teardown(&fixture);
    free(s);
}

static void
no_two_transporters_share_a_fence_and_every_run_ends(void **state)
{
    const char *only = getenv("LONGHAUL_SEED");

    (void)state;
    if (only != NULL) {
        simulate(strtoull(only, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= 4; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        simulate(seed);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(no_two_transporters_share_a_fence_and_every_run_ends) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
