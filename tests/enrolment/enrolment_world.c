#include "tests/enrolment/enrolment_world.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/loop/event_loop.h"
#include "common/net/tls_context.h"
#include "common/rpc/rpc_channel.h"
#include "common/rpc/rpc_server.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

/* A call that stays open: what a revocation must end. */
static int
on_hold_open(void *ctx, struct rpc_call *call, void **state, struct error *err)
{
    (void)call;
    (void)err;
    *state = ctx;
    return 0;
}

static int
on_hold_message(void *state, struct rpc_call *call, const uint8_t *data, size_t len, struct error *err)
{
    (void)state;
    return rpc_call_send_bytes(call, data, len, err);
}

static void
on_hold_end(void *state, struct rpc_call *call)
{
    (void)state;
    rpc_call_end(call, NULL);
}

static void
on_hold_close(void *state)
{
    (void)state;
}

static const struct rpc_call_events hold = { on_hold_open, on_hold_message, on_hold_end, on_hold_close };
static const struct rpc_method methods[] = { { .path = "/test/Hold", .events = &hold } };

static void
count_enrolled(void *ctx, const char *node_id)
{
    struct enrolment_world *w = ctx;
    w->enrolled += *node_id != '\0';
}

static void
start_clock(struct fake_clock *fake, uint64_t seed)
{
    fake_clock_init(fake, seed);
    fake->wall_ms = clock_wall_ms(clock_system()) - 2 * WORLD_HOUR_MS;
}

static int
open_director(struct enrolment_world *w, struct error *err)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof(path), "%s/director.db", w->folder.path);
    struct authority_options authority = { .clock = &w->director_clock.clock,
                                           .state_dir = w->folder.path,
                                           .certificate_lifetime_ms = WORLD_LIFETIME_MS };
    w->store = store_open(path, &w->director_clock.clock, err);
    struct revocation_options revocation = { .store = w->store };
    if (w->store == NULL || (w->authority = authority_open(&authority, err)) == NULL ||
        (w->revocation = revocation_open(&revocation, err)) == NULL)
        return -1;
    struct enrolment_service_options service = { .clock = &w->director_clock.clock,
                                                 .authority = w->authority,
                                                 .store = w->store,
                                                 .revocation = w->revocation,
                                                 .on_enrolled = count_enrolled,
                                                 .on_enrolled_ctx = w };
    w->service = enrolment_service_new(&service);
    return 0;
}

static int
serve(struct enrolment_world *w, struct error *err)
{
    struct rpc_server_options options = { .address = "127.0.0.1",
                                          .tls = authority_tls(w->authority),
                                          .admit = revocation_set_admit,
                                          .admit_ctx = revocation_nodes(w->revocation) };
    w->server = rpc_server_new(w->loop, &options, err);
    if (w->server == NULL)
        return -1;
    enrolment_service_attach(w->service, w->server);
    rpc_server_add(w->server, methods, ARRAY_LEN(methods), w);
    revocation_attach(w->revocation, w->server);
    return rpc_server_listen(w->server, err);
}

int
enrolment_world_set_up(void **state)
{
    struct enrolment_world *w = MEMORY_NEW(struct enrolment_world);
    struct error err = ERROR_INIT;
    scratch_folder_init(&w->folder);
    for (int i = 0; i < 2; i++)
        snprintf(w->machine[i], sizeof(w->machine[i]), "%s/machine%d", w->folder.path, i);
    start_clock(&w->director_clock, 1);
    start_clock(&w->machine_clock, 2);
    w->loop = event_loop_new(&err);
    w->machine_loop = event_loop_new(&err);
    *state = w;
    if (w->loop != NULL && w->machine_loop != NULL && open_director(w, &err) == 0 && serve(w, &err) == 0 &&
        event_loop_start_thread(w->loop, &err) == 0 && event_loop_start_thread(w->machine_loop, &err) == 0)
        return 0;
    fprintf(stderr, "set-up: %s\n", err.text);
    return -1;
}

int
enrolment_world_tear_down(void **state)
{
    struct enrolment_world *w = *state;
    rpc_server_free(w->server);
    event_loop_stop(w->loop);
    event_loop_join(w->loop);
    event_loop_free(w->loop);
    event_loop_stop(w->machine_loop);
    event_loop_join(w->machine_loop);
    event_loop_free(w->machine_loop);
    enrolment_service_free(w->service);
    revocation_free(w->revocation);
    authority_free(w->authority);
    store_close(w->store);
    scratch_folder_clear(&w->folder);
    free(w);
    return 0;
}

struct errand {
    void (*fn)(void *ctx);
    void *ctx;
    sem_t done;
};

static void
on_post_errand(void *ctx)
{
    struct errand *errand = ctx;
    errand->fn(errand->ctx);
    sem_post(&errand->done);
}

void
enrolment_world_run(struct enrolment_world *w, void (*fn)(void *ctx), void *ctx)
{
    struct errand errand = { .fn = fn, .ctx = ctx };
    sem_init(&errand.done, 0, 0);
    event_loop_post(w->loop, on_post_errand, &errand);
    sem_wait(&errand.done);
    sem_destroy(&errand.done);
}

struct invitation {
    struct enrolment_world *w;
    const char *name;
};

static void
make_invite(void *ctx)
{
    const struct invitation *invitation = ctx;
    struct enrolment_world *w = invitation->w;
    struct store_invite row;
    struct error err = ERROR_INIT;
    if (invite_new(&w->director_clock.clock, invitation->name, NULL, INVITE_LIFETIME_MS, &row, w->token, &err) != 0 ||
        store_invites_add(w->store, &row, &err) != 0) {
        fprintf(stderr, "invite: %s\n", err.text);
        abort();
    }
}

void
enrolment_world_invite(struct enrolment_world *w, const char *name)
{
    struct invitation invitation = { w, name };
    enrolment_world_run(w, make_invite, &invitation);
}

struct enrol_options
enrolment_world_options(struct enrolment_world *w, unsigned machine)
{
    return (struct enrol_options){ .clock = &w->machine_clock.clock,
                                   .director_host = "127.0.0.1",
                                   .director_port = rpc_server_port(w->server),
                                   .fingerprint = authority_fingerprint(w->authority),
                                   .token = w->token,
                                   .state_dir = w->machine[machine] };
}

struct node_identity *
enrolment_world_enrolled(struct enrolment_world *w)
{
    struct error err = ERROR_INIT;
    struct enrol_result result;
    enrolment_world_invite(w, "nas1");
    struct enrol_options options = enrolment_world_options(w, 0);
    struct node_identity *identity = NULL;
    if (enrol_run(&options, &result, &err) == 0)
        identity = node_identity_load(w->machine[0], &w->machine_clock.clock, &err);
    if (identity == NULL)
        fprintf(stderr, "enrol: %s\n", err.text);
    return identity;
}

struct rpc_channel *
enrolment_world_channel(struct enrolment_world *w, struct node_identity *identity)
{
    struct rpc_channel_options options = { .host = node_identity_director_host(identity),
                                           .port = node_identity_director_port(identity),
                                           .tls = node_identity_tls_client(identity),
                                           .expected_node = node_identity_director_id(identity) };
    return rpc_channel_new(w->machine_loop, &options, NULL);
}
