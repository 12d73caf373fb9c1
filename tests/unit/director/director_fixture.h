#ifndef LONGHAUL_TESTS_UNIT_DIRECTOR_DIRECTOR_FIXTURE_H
#define LONGHAUL_TESTS_UNIT_DIRECTOR_DIRECTOR_FIXTURE_H

/* A whole director on a thread of its own, on loopback, under a clock that the test moves; and peers that play
 * transporters over real connections with real certificates. */

#include "common/base/buffer.h"
#include "common/base/secret.h"
#include "common/crypto/certificate.h"
#include "common/loop/event_loop.h"
#include "common/net/tls_context.h"
#include "director/director.h"
#include "director/director_config.h"
#include "director/enrolment/authority.h"
#include "tests/unit/director/peer.h"
#include "tests/unit/director/store_fixture.h"

#include <pthread.h>

#define PEERS 3 /* host, source0, source1 */

enum { PEER_HOST, PEER_SOURCE0, PEER_SOURCE1 };

struct director_fixture {
    struct store_fixture world; /* its store is the director's: only on the loop thread once it runs */
    struct director_config config;
    struct config *values;
    struct director *director;
    pthread_t thread;
    struct event_loop *loop; /* of the peers */
    struct peer peer[PEERS];
};

static inline void *
director_fixture_run(void *director)
{
    director_run(director);
    director_free(director);
    return NULL;
}

static inline void
director_fixture_start(struct director_fixture *f)
{
    struct error err = ERROR_INIT;

    f->director = director_new(&f->config, &f->world.clock.clock, &err);
    if (f->director == NULL)
        fail_msg("%s", err.text);
    f->world.store = director_store(f->director);
}

static inline void
director_fixture_go(struct director_fixture *f)
{
    assert_int_equal(pthread_create(&f->thread, NULL, director_fixture_run, f->director), 0);
}

static inline void
director_fixture_stop(struct director_fixture *f)
{
    director_stop(f->director);
    pthread_join(f->thread, NULL);
    f->director = NULL;
}

/* Runs fn(ctx) on the director's loop thread. */
static inline void
director_fixture_call(struct director_fixture *f, event_fn *fn, void *ctx)
{
    event_loop_call(director_loop(f->director), fn, ctx);
}

/* A certificate of the director's authority for a fresh key, and the row that makes it a transporter. */
static inline void
director_fixture_enrol(struct director_fixture *f, struct peer *peer, const char *name, bool known)
{
    struct error err = ERROR_INIT;
    CLEANUP(key_pair_free_p) struct key_pair *key = key_pair_new(&err);
    CLEANUP(buffer_clear) struct buffer request = BUFFER_INIT(CERTIFICATE_REQUEST_MAX);
    CLEANUP(secret_free_p) struct secret *pem = key_pair_to_pem(key, &err);
    struct store_transporter row = { .task_slots = 1 };
    int64_t expires;

    identifier_new(clock_system(), "transporter", peer->id);
    assert_ok(certificate_request_new(key, &request, &err));
    CLEANUP(memory_free_p)
    char *certificate =
        authority_issue_node(director_authority(f->director), request.data, request.len, peer->id, &expires, &err);
    assert_non_null(certificate);
    struct tls_options options = { .certificate_pem = certificate,
                                   .key_pem = pem,
                                   .trust_pem = authority_root_pem(director_authority(f->director)) };
    peer->tls = tls_context_new(&options, &err);
    assert_non_null(peer->tls);
    peer->arena = arena_new((size_t)8 << 20);
    memcpy(row.id, peer->id, sizeof(row.id));
    snprintf(row.name, sizeof(row.name), "%s", name);
    key_pair_spki_sha256(key, row.key_sha256);
    if (known)
        assert_ok(store_transporters_add(f->world.store, &row, &err));
}

static inline void
peer_connect(struct director_fixture *f, struct peer *peer)
{
    peer_dial(f->loop, director_rpc_port(f->director), peer);
}

/* The host attaches its repository. */
static inline void
peer_serve(struct director_fixture *f, struct peer *host)
{
    Longhaul__V1__TransporterMessage message = LONGHAUL__V1__TRANSPORTER_MESSAGE__INIT;
    Longhaul__V1__RepositoryStatus status = LONGHAUL__V1__REPOSITORY_STATUS__INIT;

    peer_connect(f, host);
    peer_hello(host, "127.0.0.1:9", NULL, 0);
    Longhaul__V1__AttachRepository *attach =
        peer_expect(host, LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_ATTACH_REPOSITORY)->attach_repository;
    assert_string_equal(attach->repository_id, f->world.repository.id);
    assert_string_equal(attach->location->purpose, "storage");
    assert_int_equal(attach->location->sealed.len, 6);
    status.repository_id = f->world.repository.id;
    status.attached = true;
    message.kind_case = LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_REPOSITORY;
    message.repository = &status;
    peer_send(host, &message);
}

static inline int
director_fixture_setup(void **state)
{
    struct director_fixture *f = MEMORY_NEW(struct director_fixture);
    static const char *const names[] = { "storage-host", "source0", "source1" };
    static const char *const settings[] = { "rpc.listen=127.0.0.1:0", "api.listen=127.0.0.1:0",
                                            "rpc.advertise=127.0.0.1:1", "heartbeat.interval=20s" };
    struct error err = ERROR_INIT;

    scratch_folder_init(&f->world.folder);
    fake_clock_init(&f->world.clock, 7);
    f->world.clock.wall_ms = clock_wall_ms(clock_system()); /* TLS knows no other time */
    f->values = config_new(&director_config_schema);
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        assert_ok(config_set(f->values, settings[i], &err));
    config_store(f->values, &f->config);
    f->config.state_dir = f->world.folder.path;
    f->loop = event_loop_new(&err);
    assert_ok(event_loop_start_thread(f->loop, &err));
    director_fixture_start(f);
    for (int i = 0; i < PEERS; i++)
        director_fixture_enrol(f, &f->peer[i], names[i], true);
    memcpy(f->world.host.id, f->peer[PEER_HOST].id, sizeof(f->world.host.id));
    store_fixture_populate(&f->world);
    for (int i = PEER_SOURCE0; i < PEERS; i++) {
        store_fixture_seal(&f->world, &f->world.microsoft, f->peer[i].id);
        store_fixture_seal(&f->world, &f->world.password, f->peer[i].id);
    }
    *state = f;
    return 0;
}

static inline int
director_fixture_teardown(void **state)
{
    struct director_fixture *f = *state;

    for (int i = 0; i < PEERS; i++) {
        peer_disconnect(&f->peer[i]);
        tls_context_free(f->peer[i].tls);
        arena_free(f->peer[i].arena);
    }
    if (f->director != NULL)
        director_fixture_stop(f);
    event_loop_stop(f->loop);
    event_loop_join(f->loop);
    event_loop_free(f->loop);
    config_free(f->values);
    scratch_folder_clear(&f->world.folder);
    free(f);
    return 0;
}

#endif
