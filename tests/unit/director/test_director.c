#include "common/crypto/grant.h"
#include "director/store/store_jobs.h"
#include "director/store/store_points.h"
#include "tests/unit/director/director_fixture.h"

struct work {
    struct director_fixture *f;
    char run[IDENTIFIER_LEN];
    struct store_run row;
    uint64_t ms;
    struct error err;
    int result;
    const char *subject;
};

static void
add_job_and_start(void *ctx)
{
    struct work *w = ctx;
    struct store_job job = { .name = "nightly", .enabled = true };
    struct store_job_rule rule = { STORE_OBJECT_MAILBOX, "user0@*" };

    memcpy(job.tenant, w->f->world.tenant.id, sizeof(job.tenant));
    memcpy(job.vault, w->f->world.vault.id, sizeof(job.vault));
    w->result = store_jobs_add(w->f->world.store, &job, &rule, 1, &w->err);
    if (w->result == 0)
        w->result = director_run_start(w->f->director, "nightly", NULL, "tester", w->run, &w->err);
}

static void
read_run(void *ctx)
{
    struct work *w = ctx;
    w->result = store_runs_find(w->f->world.store, w->run, &w->row, &w->err);
}

static void
advance(void *ctx)
{
    struct work *w = ctx;

    fake_clock_advance(&w->f->world.clock, w->ms);
    director_secrets_changed(w->f->director);
}

static void
on_loop(struct work *w, event_fn *fn)
{
    director_fixture_call(w->f, fn, w);
    if (w->result != 0)
        fail_msg("%s", w->err.text);
}

static enum store_run_state
state_of(struct work *w)
{
    on_loop(w, read_run);
    return w->row.state;
}

/* What outlives the message it came in. */
struct started {
    char task[IDENTIFIER_LEN];
    uint64_t fence;
};

static struct started
expect_start(struct peer *peer)
{
    struct started started;
    Longhaul__V1__StartTask *start = peer_expect(peer, LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_START_TASK)->start_task;

    snprintf(started.task, sizeof(started.task), "%s", start->task_id);
    started.fence = start->fence;
    return started;
}

static void
check_start(struct director_fixture *f, const Longhaul__V1__StartTask *start)
{
    struct error err = ERROR_INIT;
    struct grant grant;
    uint8_t key[32];
    struct grant_check check = { .grant_key = authority_grant_key(director_authority(f->director)),
                                 .host_node_id = f->peer[PEER_HOST].id,
                                 .holder_node_id = f->peer[PEER_SOURCE0].id,
                                 .holder_key_sha256 = key,
                                 .now_ms = f->world.clock.wall_ms };

    assert_ok(grant_decode(start->vault->grant.data, start->vault->grant.len, &grant, &err));
    memcpy(key, grant.holder_key_sha256, sizeof(key));
    assert_ok(grant_verify(start->vault->grant.data, start->vault->grant.len, &check, &grant, &err));
    assert_int_equal(grant.operations, GRANT_READ | GRANT_APPEND);
    assert_string_equal(grant.vault_id, f->world.vault.id);
    assert_string_equal(grant.scope, f->world.mailbox[0].id);
    assert_int_equal(grant.fence, start->fence);
    assert_string_equal(start->vault->host_address, "127.0.0.1:9");
    assert_int_equal(start->n_secrets, 2);
    assert_string_equal(start->backup->object->external_id, "guid-0");
    assert_string_equal(start->backup->previous_point, "");
}

static void
a_task_travels_from_job_to_acknowledgement(void **state)
{
    struct director_fixture *f = *state;
    struct work w = { .f = f };

    director_fixture_go(f);
    peer_serve(f, &f->peer[PEER_HOST]);
    peer_connect(f, &f->peer[PEER_SOURCE0]);
    peer_hello(&f->peer[PEER_SOURCE0], "", NULL, 0);
    on_loop(&w, add_job_and_start);
    Longhaul__V1__StartTask *start =
        peer_expect(&f->peer[PEER_SOURCE0], LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_START_TASK)->start_task;
    check_start(f, start);
    struct started at = { .fence = start->fence };
    snprintf(at.task, sizeof(at.task), "%s", start->task_id);
    assert_int_equal(state_of(&w), STORE_RUN_RUNNING);
    peer_finish(&f->peer[PEER_SOURCE0], at.task, at.fence, "point-1");
    assert_int_equal(state_of(&w), STORE_RUN_SUCCEEDED);
    assert_int_equal(w.row.totals.items_done, 5);
    peer_finish(&f->peer[PEER_SOURCE0], at.task, at.fence, "point-1");
    assert_int_equal(state_of(&w), STORE_RUN_SUCCEEDED);
}

static void
a_lost_task_goes_to_another_with_a_higher_fence(void **state)
{
    struct director_fixture *f = *state;
    struct work w = { .f = f };

    director_fixture_go(f);
    peer_serve(f, &f->peer[PEER_HOST]);
    peer_connect(f, &f->peer[PEER_SOURCE0]);
    peer_hello(&f->peer[PEER_SOURCE0], "", NULL, 0);
    on_loop(&w, add_job_and_start);
    struct started lost = expect_start(&f->peer[PEER_SOURCE0]);
    peer_disconnect(&f->peer[PEER_SOURCE0]);
    peer_connect(f, &f->peer[PEER_SOURCE1]);
    peer_hello(&f->peer[PEER_SOURCE1], "", NULL, 0);
    w.ms = f->config.lease_ms;
    on_loop(&w, advance);
    struct started again = expect_start(&f->peer[PEER_SOURCE1]);
    assert_string_equal(again.task, lost.task);
    assert_true(again.fence > lost.fence);
    Longhaul__V1__RaiseFence *raise =
        peer_expect(&f->peer[PEER_HOST], LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_RAISE_FENCE)->raise_fence;
    assert_int_equal(raise->fence, again.fence);
    assert_string_equal(raise->scope, f->world.mailbox[0].id);

    peer_connect(f, &f->peer[PEER_SOURCE0]);
    Longhaul__V1__Welcome *welcome = peer_hello(&f->peer[PEER_SOURCE0], "", lost.task, lost.fence);
    assert_int_equal(welcome->n_cancelled, 1);
    assert_string_equal(welcome->cancelled[0]->task_id, lost.task);
    peer_finish(&f->peer[PEER_SOURCE0], lost.task, lost.fence, "point-stale");
    assert_int_equal(state_of(&w), STORE_RUN_RUNNING);
    peer_finish(&f->peer[PEER_SOURCE1], again.task, again.fence, "point-1");
    assert_int_equal(state_of(&w), STORE_RUN_SUCCEEDED);
}

static void
a_new_director_adopts_what_runs(void **state)
{
    struct director_fixture *f = *state;
    struct work w = { .f = f };

    director_fixture_go(f);
    peer_serve(f, &f->peer[PEER_HOST]);
    peer_connect(f, &f->peer[PEER_SOURCE0]);
    peer_hello(&f->peer[PEER_SOURCE0], "", NULL, 0);
    on_loop(&w, add_job_and_start);
    struct started at = expect_start(&f->peer[PEER_SOURCE0]);
    director_fixture_stop(f);
    director_fixture_start(f);
    director_fixture_go(f);
    peer_connect(f, &f->peer[PEER_SOURCE0]);
    assert_int_equal(peer_hello(&f->peer[PEER_SOURCE0], "", at.task, at.fence)->n_cancelled, 0);
    Longhaul__V1__GrantUpdate *update =
        peer_expect(&f->peer[PEER_SOURCE0], LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_GRANT_UPDATE)->grant_update;
    assert_string_equal(update->task_id, at.task);
    peer_finish(&f->peer[PEER_SOURCE0], at.task, at.fence, "point-1");
    assert_int_equal(state_of(&w), STORE_RUN_SUCCEEDED);
}

static void
cancel(void *ctx)
{
    struct work *w = ctx;
    w->result = director_run_cancel(w->f->director, w->run, "tester", &w->err);
}

static void
a_cancel_reaches_the_transporter(void **state)
{
    struct director_fixture *f = *state;
    struct work w = { .f = f };

    director_fixture_go(f);
    peer_serve(f, &f->peer[PEER_HOST]);
    peer_connect(f, &f->peer[PEER_SOURCE0]);
    peer_hello(&f->peer[PEER_SOURCE0], "", NULL, 0);
    on_loop(&w, add_job_and_start);
    struct started at = expect_start(&f->peer[PEER_SOURCE0]);
    on_loop(&w, cancel);
    Longhaul__V1__CancelTask *cancelled =
        peer_expect(&f->peer[PEER_SOURCE0], LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_CANCEL_TASK)->cancel_task;
    assert_string_equal(cancelled->task_id, at.task);
    assert_int_equal(cancelled->fence, at.fence);
}

static void
revoke_subject(void *ctx)
{
    struct work *w = ctx;
    w->result = director_transporter_revoke(w->f->director, w->subject, "tester", &w->err);
}

static void
a_revoked_transporter_is_out_at_once(void **state)
{
    struct director_fixture *f = *state;
    struct work w = { .f = f, .subject = f->peer[PEER_SOURCE0].id };
    struct error err = ERROR_INIT;

    director_fixture_go(f);
    peer_serve(f, &f->peer[PEER_HOST]);
    Longhaul__V1__Revocations *set;
    peer_connect(f, &f->peer[PEER_SOURCE0]);
    peer_hello(&f->peer[PEER_SOURCE0], "", NULL, 0);
    on_loop(&w, revoke_subject);
    set = peer_expect(&f->peer[PEER_HOST], LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_REVOCATIONS)->revocations;
    assert_int_equal(set->n_node_ids, 1);
    assert_string_equal(set->node_ids[0], f->peer[PEER_SOURCE0].id);
    while (peer_try(&f->peer[PEER_SOURCE0], &err) != NULL)
        ;
    assert_true(error_is_set(&err));
    struct rpc_call *again =
        rpc_channel_open(f->peer[PEER_SOURCE0].channel, "/longhaul.v1.Control/Connect", NULL, NULL);
    if (again != NULL) {
        error_clear(&err);
        rpc_call_free(f->peer[PEER_SOURCE0].call);
        f->peer[PEER_SOURCE0].call = again;
        assert_null(peer_try(&f->peer[PEER_SOURCE0], &err));
        assert_true(error_is_set(&err));
    }
}

struct question {
    struct director_fixture *f;
    int result;
    struct error err;
    uint8_t reply[16];
    size_t reply_len;
    enum error_kind failed;
    uv_sem_t answered;
    char placed[IDENTIFIER_LEN];
};

static void
on_answer(void *ctx, const uint8_t *sealed, size_t len, const struct error *why)
{
    struct question *q = ctx;

    q->failed = why != NULL ? why->kind : ERROR_NONE;
    q->reply_len = len < sizeof(q->reply) ? len : sizeof(q->reply);
    if (q->reply_len > 0)
        memcpy(q->reply, sealed, q->reply_len);
    uv_sem_post(&q->answered);
}

static void
ask(void *ctx)
{
    static const uint8_t reply_key[KEY_POINT_LEN] = { 4 };
    struct question *q = ctx;
    struct director_query query = { .query_id = "query-1",
                                    .vault_id = q->f->world.vault.id,
                                    .request = (const uint8_t *)"closed",
                                    .request_len = 6,
                                    .reply_key = reply_key };

    q->result = director_query_placement(q->f->director, q->f->world.vault.id, q->placed, &q->err);
    query.transporter = q->placed;
    if (q->result == 0)
        q->result = director_query_start(q->f->director, &query, on_answer, q, &q->err);
}

static void
a_question_is_relayed_unopened(void **state)
{
    struct director_fixture *f = *state;
    struct question q = { .f = f };
    Longhaul__V1__TransporterMessage message = LONGHAUL__V1__TRANSPORTER_MESSAGE__INIT;
    Longhaul__V1__QueryReply reply = LONGHAUL__V1__QUERY_REPLY__INIT;
    uint8_t sealed[] = "sealed";
    char id[] = "query-1";

    uv_sem_init(&q.answered, 0);
    director_fixture_go(f);
    peer_serve(f, &f->peer[PEER_HOST]);
    director_fixture_call(f, ask, &q);
    assert_int_equal(q.result, -1);
    assert_int_equal(q.err.kind, ERROR_UNAVAILABLE);
    error_clear(&q.err);
    peer_connect(f, &f->peer[PEER_SOURCE1]);
    peer_hello(&f->peer[PEER_SOURCE1], "", NULL, 0);
    director_fixture_call(f, ask, &q);
    assert_int_equal(q.result, 0);
    assert_string_equal(q.placed, f->peer[PEER_SOURCE1].id);
    Longhaul__V1__Query *query = peer_expect(&f->peer[PEER_SOURCE1], LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_QUERY)->query;
    assert_memory_equal(query->request->sealed.data, "closed", 6);
    assert_int_equal(query->n_secrets, 1);
    reply.query_id = id;
    reply.sealed = (ProtobufCBinaryData){ 6, sealed };
    message.kind_case = LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_QUERY_REPLY;
    message.query_reply = &reply;
    peer_send(&f->peer[PEER_SOURCE1], &message);
    uv_sem_wait(&q.answered);
    assert_int_equal(q.failed, ERROR_NONE);
    assert_memory_equal(q.reply, "sealed", 6);

    director_fixture_call(f, ask, &q);
    assert_int_equal(q.result, 0);
    peer_disconnect(&f->peer[PEER_SOURCE1]);
    uv_sem_wait(&q.answered);
    assert_int_equal(q.failed, ERROR_UNAVAILABLE);
    uv_sem_destroy(&q.answered);
}

static void
strangers_and_nonsense_are_refused(void **state)
{
    struct director_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct peer stranger = { .call = NULL };
    Longhaul__V1__TransporterMessage message = LONGHAUL__V1__TRANSPORTER_MESSAGE__INIT;
    Longhaul__V1__Heartbeat beat = LONGHAUL__V1__HEARTBEAT__INIT;

    director_fixture_enrol(f, &stranger, "stranger", false);
    director_fixture_go(f);
    peer_connect(f, &stranger);
    assert_null(peer_try(&stranger, &err));
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    peer_disconnect(&stranger);
    tls_context_free(stranger.tls);
    arena_free(stranger.arena);

    error_clear(&err);
    peer_connect(f, &f->peer[PEER_SOURCE0]);
    message.kind_case = LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_HEARTBEAT;
    message.heartbeat = &beat;
    peer_send(&f->peer[PEER_SOURCE0], &message);
    assert_null(peer_try(&f->peer[PEER_SOURCE0], &err));
    assert_int_equal(err.kind, ERROR_FORMAT);
}

static void
a_second_director_on_the_same_state_is_refused(void **state)
{
    struct director_fixture *f = *state;
    struct error err = ERROR_INIT;

    assert_null(director_new(&f->config, &f->world.clock.clock, &err));
    assert_int_equal(err.kind, ERROR_CONFLICT);
    director_free(f->director);
    f->director = NULL;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_DIRECTOR(name) cmocka_unit_test_setup_teardown(name, director_fixture_setup, director_fixture_teardown)
        WITH_DIRECTOR(a_task_travels_from_job_to_acknowledgement),
        WITH_DIRECTOR(a_lost_task_goes_to_another_with_a_higher_fence),
        WITH_DIRECTOR(a_new_director_adopts_what_runs),
        WITH_DIRECTOR(a_cancel_reaches_the_transporter),
        WITH_DIRECTOR(a_revoked_transporter_is_out_at_once),
        WITH_DIRECTOR(a_question_is_relayed_unopened),
        WITH_DIRECTOR(strangers_and_nonsense_are_refused),
        WITH_DIRECTOR(a_second_director_on_the_same_state_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
