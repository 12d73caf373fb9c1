#include "transporter/link/director_link.h"

#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/certificate.h"
#include "common/crypto/sealing_key.h"
#include "common/loop/event_loop.h"
#include "common/net/revocation_set.h"
#include "common/net/tls_context.h"
#include "common/rpc/rpc_channel.h"
#include "common/rpc/rpc_server.h"
#include "proto/control.pb-c.h"
#include "tests/fakes/rpc_fixture.h"
#include "tests/fakes/scratch_folder.h"
#include "transporter/host/vault_registry.h"
#include "transporter/link/finished_journal.h"
#include "transporter/link/node_identity.h"
#include "transporter/query/query_service.h"
#include "transporter/task/task_runner.h"
#include "transporter/transporter_config.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define DAY_MS  INT64_C(86400000)
#define WAIT_MS 20000

/* A director that talks in two conversations and writes down what it hears. */
struct director {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned conversations;
    unsigned hellos, results[2], refused, statuses, replies;
    char result_kind[2][32], refused_kind[32], status_kind[32], reply_kind[32], advertise[64];
    bool settled; /* a heartbeat came after everything */
    bool failed;
};

static int
say(struct rpc_call *call, Longhaul__V1__DirectorMessage *m, struct error *err)
{
    return rpc_call_send(call, &m->base, err);
}

static char task_text[] = "task-1", bad_task_text[] = "task-2", bad_text[] = "../x", repository_text[] = "repository-1",
            query_text[] = "query-1", purpose_text[] = "storage";
static uint8_t key_bytes[65] = { 4 };

static int
send_welcome(struct rpc_call *call, struct error *err)
{
    Longhaul__V1__Welcome welcome;
    Longhaul__V1__DirectorMessage m;
    longhaul__v1__welcome__init(&welcome);
    longhaul__v1__director_message__init(&m);
    welcome.heartbeat_ms = 100;
    welcome.lease_ms = 60000;
    m.kind_case = LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_WELCOME;
    m.welcome = &welcome;
    return say(call, &m, err);
}

static int
send_discover(struct rpc_call *call, char *task_id, char *run_id, struct error *err)
{
    Longhaul__V1__StartTask start;
    Longhaul__V1__DiscoverTask discover;
    Longhaul__V1__DirectorMessage m;
    longhaul__v1__start_task__init(&start);
    longhaul__v1__discover_task__init(&discover);
    longhaul__v1__director_message__init(&m);
    start.task_id = task_id;
    start.run_id = run_id;
    start.fence = 4;
    start.work_case = LONGHAUL__V1__START_TASK__WORK_DISCOVER;
    start.discover = &discover;
    m.kind_case = LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_START_TASK;
    m.start_task = &start;
    return say(call, &m, err);
}

static int
send_attach_and_query(struct rpc_call *call, struct error *err)
{
    Longhaul__V1__SealedSecret secret;
    Longhaul__V1__AttachRepository attach;
    Longhaul__V1__Query query;
    Longhaul__V1__DirectorMessage m;
    longhaul__v1__sealed_secret__init(&secret);
    longhaul__v1__attach_repository__init(&attach);
    longhaul__v1__query__init(&query);
    longhaul__v1__director_message__init(&m);
    secret.secret_id = repository_text;
    secret.purpose = purpose_text;
    attach.repository_id = repository_text;
    attach.location = &secret;
    m.kind_case = LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_ATTACH_REPOSITORY;
    m.attach_repository = &attach;
    if (say(call, &m, err) != 0)
        return -1;
    query.query_id = query_text;
    query.request = &secret;
    query.reply_key.data = key_bytes;
    query.reply_key.len = sizeof(key_bytes);
    m.kind_case = LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_QUERY;
    m.query = &query;
    return say(call, &m, err);
}

static int
send_ack(struct rpc_call *call, char *task_id, struct error *err)
{
    Longhaul__V1__FinishedAck ack;
    Longhaul__V1__DirectorMessage m;
    longhaul__v1__finished_ack__init(&ack);
    longhaul__v1__director_message__init(&m);
    ack.task_id = task_id;
    ack.fence = 4;
    m.kind_case = LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_FINISHED_ACK;
    m.finished_ack = &ack;
    return say(call, &m, err);
}

static void
hear_finished(struct director *d, unsigned conversation, const Longhaul__V1__TaskFinished *m)
{
    if (strcmp(m->task_id, task_text) == 0) {
        d->results[conversation]++;
        snprintf(d->result_kind[conversation], sizeof(d->result_kind[0]), "%s", m->error_kind);
    } else {
        d->refused++;
        snprintf(d->refused_kind, sizeof(d->refused_kind), "%s", m->error_kind);
    }
}

static void
hear(struct director *d, unsigned conversation, const Longhaul__V1__TransporterMessage *m)
{
    pthread_mutex_lock(&d->lock);
    if (m->kind_case == LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_HELLO) {
        d->hellos++;
        snprintf(d->advertise, sizeof(d->advertise), "%s", m->hello->advertise);
    } else if (m->kind_case == LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_FINISHED) {
        hear_finished(d, conversation, m->finished);
    } else if (m->kind_case == LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_REPOSITORY) {
        d->statuses++;
        snprintf(d->status_kind, sizeof(d->status_kind), "%s", m->repository->error_kind);
    } else if (m->kind_case == LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_QUERY_REPLY) {
        d->replies++;
        snprintf(d->reply_kind, sizeof(d->reply_kind), "%s", m->query_reply->error_kind);
    } else if (m->kind_case == LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_HEARTBEAT && conversation == 1 &&
               d->results[1] > 0 && d->refused > 1) {
        d->settled = true;
    }
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

/* The first conversation breaks off without acknowledging anything; in the second, results come again. */
static int
serve(void *ctx, struct rpc_call *call, struct error *err)
{
    struct director *d = ctx;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(1 << 20);
    unsigned conversation = d->conversations++;
    bool first = conversation == 0;
    if (conversation > 1)
        return FAIL(err, ERROR_UNAVAILABLE, 0, "enough");
    for (;;) {
        ProtobufCMessage *message = NULL;
        arena_reset(arena);
        if (rpc_call_receive(call, &longhaul__v1__transporter_message__descriptor, WAIT_MS, arena, &message, err) != 1)
            return -1;
        const Longhaul__V1__TransporterMessage *m = (const Longhaul__V1__TransporterMessage *)message;
        hear(d, conversation, m);
        if (m->kind_case == LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_HELLO &&
            (send_welcome(call, err) != 0 || (first && (send_discover(call, task_text, task_text, err) != 0 ||
                                                        send_discover(call, bad_task_text, bad_text, err) != 0 ||
                                                        send_attach_and_query(call, err) != 0))))
            return -1;
        if (first && d->results[0] > 0 && d->refused > 0 && d->statuses > 0 && d->replies > 0)
            return FAIL(err, ERROR_UNAVAILABLE, 0, "the director restarts");
        if (!first && m->kind_case == LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_FINISHED &&
            send_ack(call, m->finished->task_id, err) != 0)
            return -1;
    }
}

struct fixture {
    struct scratch_folder folder;
    struct key_pair *root_key;
    char *root;
    struct event_loop *loop, *director_loop;
    struct tls_context *director_tls;
    struct rpc_server *director;
    struct node_identity *identity;
};

static char *
issue(const struct fixture *f, const struct key_pair *key, const char *node_id)
{
    CLEANUP(buffer_clear) struct buffer request = BUFFER_INIT(CERTIFICATE_REQUEST_MAX);
    assert_int_equal(certificate_request_new(key, &request, NULL), 0);
    const struct certificate_issue how = { .clock = clock_system(),
                                           .authority_pem = f->root,
                                           .authority_key = f->root_key,
                                           .request_der = request.data,
                                           .request_len = request.len,
                                           .node_id = node_id,
                                           .lifetime_ms = DAY_MS };
    return certificate_issue(&how, NULL);
}

static struct event_loop *
start_loop(void)
{
    struct event_loop *loop = event_loop_new(NULL);
    assert_int_equal(event_loop_start_thread(loop, NULL), 0);
    return loop;
}

static void
stop_loop(struct event_loop *loop)
{
    event_loop_stop(loop);
    event_loop_join(loop);
    event_loop_free(loop);
}

static void
start_director(struct fixture *f, struct director *d)
{
    static const struct rpc_method methods[] = { { .path = "/longhaul.v1.Control/Connect", .serve = serve } };
    struct key_pair *key = key_pair_new(NULL);
    CLEANUP(memory_free_p) char *leaf = issue(f, key, "director-1");
    struct secret *pem = key_pair_to_pem(key, NULL);
    const struct tls_options tls = { .server = true, .certificate_pem = leaf, .key_pem = pem, .trust_pem = f->root };
    f->director_tls = tls_context_new(&tls, NULL);
    const struct rpc_server_options options = { .address = "127.0.0.1", .tls = f->director_tls, .workers = 2 };
    f->director = rpc_server_new(f->director_loop, &options, NULL);
    rpc_server_add(f->director, methods, 1, d);
    assert_int_equal(rpc_server_listen(f->director, NULL), 0);
    secret_free(pem);
    key_pair_free(key);
}

static void
make_identity(struct fixture *f)
{
    struct error err = ERROR_INIT;
    struct key_pair *key = NULL;
    struct sealing_key *sealing_key = NULL;
    assert_int_equal(node_identity_keys(f->folder.path, &key, &sealing_key, &err), 0);
    CLEANUP(memory_free_p) char *leaf = issue(f, key, "transporter-1");
    const struct node_identity_facts facts = { .node_id = "transporter-1",
                                               .name = "nas1",
                                               .director_node_id = "director-1",
                                               .director_host = "127.0.0.1",
                                               .director_port = rpc_server_port(f->director),
                                               .certificate_pem = leaf,
                                               .authority_pem = f->root,
                                               .grant_key = key_pair_point(f->root_key) };
    assert_int_equal(node_identity_create(f->folder.path, &facts, &err), 0);
    f->identity = node_identity_load(f->folder.path, clock_system(), &err);
    if (f->identity == NULL)
        fail_msg("%s", err.text);
    key_pair_free(key);
    sealing_key_free(sealing_key);
}

static void
fixture_init(struct fixture *f, struct director *d)
{
    *f = (struct fixture){ .root_key = key_pair_new(NULL) };
    *d = (struct director){ .conversations = 0 };
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->changed, NULL);
    scratch_folder_init(&f->folder);
    f->root = certificate_issue_authority(clock_system(), f->root_key, "test", 10 * DAY_MS, NULL);
    f->loop = start_loop();
    f->director_loop = start_loop();
    start_director(f, d);
    make_identity(f);
}

static void
fixture_clear(struct fixture *f, struct director *d)
{
    rpc_server_free(f->director);
    stop_loop(f->loop);
    stop_loop(f->director_loop);
    tls_context_free(f->director_tls);
    node_identity_free(f->identity);
    key_pair_free(f->root_key);
    free(f->root);
    scratch_folder_clear(&f->folder);
    pthread_cond_destroy(&d->changed);
    pthread_mutex_destroy(&d->lock);
}

static void
await_settled(struct director *d)
{
    pthread_mutex_lock(&d->lock);
    while (!d->settled)
        pthread_cond_wait(&d->changed, &d->lock);
    pthread_mutex_unlock(&d->lock);
}

/* Everything of a transporter that the link talks to. */
static void
run_link(struct fixture *f, struct director *d)
{
    struct error err = ERROR_INIT;
    struct transporter_config config = { .state_dir = f->folder.path, .task_slots = 2, .pipeline_threads = 1 };
    CLEANUP(memory_free_p) char *results = memory_printf("%s/results", f->folder.path);
    struct finished_journal *journal = finished_journal_open(results, &err);
    const struct rpc_channel_options channel_options = { .host = "127.0.0.1",
                                                         .port = rpc_server_port(f->director),
                                                         .tls = node_identity_tls_client(f->identity),
                                                         .expected_node = "director-1" };
    struct rpc_channel *channel = rpc_channel_new(f->loop, &channel_options, &err);
    const struct director_link_options options = { .clock = clock_system(),
                                                   .identity = f->identity,
                                                   .channel = channel,
                                                   .journal = journal,
                                                   .advertise = "nas1.example:8443",
                                                   .task_slots = 2 };
    struct director_link *link = director_link_new(&options, &err);
    const struct task_services services = { .clock = clock_system(),
                                            .loop = f->loop,
                                            .config = &config,
                                            .identity = f->identity,
                                            .send = director_link_send,
                                            .send_ctx = link };
    const struct task_runner_options runner_options = {
        .slots = 2, .services = &services, .finished = director_link_finished, .finished_ctx = link
    };
    const struct query_service_options query_options = { .services = &services, .threads = 1 };
    const struct director_link_parts parts = { .runner = task_runner_new(&runner_options, &err),
                                               .queries = query_service_new(&query_options, &err),
                                               .registry = vault_registry_new(clock_system(), f->folder.path, 0),
                                               .revoked = revocation_set_new() };
    assert_int_equal(director_link_start(link, &parts, &err), 0);
    await_settled(d);
    director_link_settle(link, WAIT_MS);
    assert_true(finished_journal_is_empty(journal));
    task_runner_free(parts.runner);
    director_link_stop(link);
    query_service_free(parts.queries);
    director_link_free(link);
    rpc_channel_free(channel);
    vault_registry_free(parts.registry);
    revocation_set_free(parts.revoked);
    finished_journal_close(journal);
}

static void
orders_are_answered_and_results_come_again_until_acknowledged(void **state)
{
    (void)state;
    struct fixture f;
    struct director d;
    fixture_init(&f, &d);
    run_link(&f, &d);
    assert_int_equal(d.hellos, 2);
    assert_string_equal(d.advertise, "nas1.example:8443");
    assert_true(d.results[0] >= 1);
    assert_int_equal(d.results[1], 1);
    assert_string_equal(d.result_kind[0], "config"); /* no credentials in the order */
    assert_string_equal(d.result_kind[1], "config");
    assert_string_equal(d.refused_kind, "format");
    assert_string_equal(d.status_kind, "config"); /* serves no vaults */
    assert_string_equal(d.reply_kind, "format");  /* an empty box */
    fixture_clear(&f, &d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_answered_and_results_come_again_until_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
