/* A tour: director_new() builds, from below, the store (what is remembered), the authority and revocations (who may
 * connect), the scheduler (what is to be done by whom), the control service (the transporters that are connected), the
 * RPC server in front of them, and the API in front of everything. director_free() takes it down the other way round.
 * All of it lives on one loop thread. */

#include "director/director.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/loop/event_loop.h"
#include "common/net/revocation_set.h"
#include "common/rpc/rpc_server.h"
#include "director/api/api_server.h"
#include "director/api/api_token.h"
#include "director/director_config.h"
#include "director/enrolment/authority.h"
#include "director/enrolment/enrolment_service.h"
#include "director/enrolment/revocation.h"
#include "director/jobs/run_start.h"
#include "director/jobs/scheduler.h"
#include "director/link/control_service.h"
#include "director/store/store_events.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TICK_MS     1000
#define DRAIN_MS    10000
#define GRACE_BEATS 1 /* after a hello, for results that were not acknowledged */

struct director {
    const struct director_config *config;
    const struct clock *clock;
    int lock_fd;
    struct event_loop *loop;
    struct store *store;
    struct authority *authority;
    struct revocation *revocation;
    struct scheduler *scheduler;
    struct control_service *control;
    struct enrolment_service *enrolment;
    struct rpc_server *rpc;
    struct api_server *api;
    struct event_timer *tick, *soon, *deadline;
    bool draining;
};

/* A second director on the same state would give every task away twice. */
static int
lock_state(struct director *director, struct error *err)
{
    CLEANUP(memory_free_p) char *path = memory_printf("%s/director.lock", director->config->state_dir);

    if (mkdir(director->config->state_dir, 0700) != 0 && errno != EEXIST)
        return FAIL(err, error_kind_from_errno(errno), errno, "%s: %s", director->config->state_dir, strerror(errno));
    director->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (director->lock_fd < 0)
        return FAIL(err, error_kind_from_errno(errno), errno, "%s: %s", path, strerror(errno));
    if (flock(director->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return FAIL(err, ERROR_CONFLICT, errno, "another director is running on %s", director->config->state_dir);
    return 0;
}

static void
on_tick(void *ctx)
{
    struct director *director = ctx;

    if (director->draining)
        return;
    scheduler_tick(director->scheduler);
    control_service_tick(director->control);
}

static void
on_soon(void *ctx)
{
    struct director *director = ctx;

    if (!director->draining)
        scheduler_tick(director->scheduler);
}

/* Many changes in one turn of the loop lead to one look. */
static void
on_change(void *ctx)
{
    struct director *director = ctx;

    if (!director->draining)
        event_timer_start(director->soon, 0, 0);
}

static void
on_revoked(void *ctx)
{
    struct director *director = ctx;

    if (director->control != NULL)
        control_service_push_revocations(director->control);
}

static void
on_enrolled(void *ctx, const char *node_id)
{
    struct director *director = ctx;
    struct error err = ERROR_INIT;

    if (store_events_add(director->store, NULL, node_id, "transporter.enrolled", node_id, &err, "enrolled") != 0)
        log_failure(LOG_ERROR, "director", &err, "an event was not kept");
}

static int
open_state(struct director *director, struct error *err)
{
    CLEANUP(memory_free_p) char *path = memory_printf("%s/director.db", director->config->state_dir);
    struct authority_options authority = {
        .clock = director->clock,
        .state_dir = director->config->state_dir,
        .certificate_lifetime_ms = (int64_t)director->config->certificate_lifetime_ms,
    };
    struct revocation_options revocation = { .on_change = on_revoked, .on_change_ctx = director };

    if (lock_state(director, err) != 0)
        return -1;
    director->store = store_open(path, director->clock, err);
    if (director->store == NULL)
        return -1;
    director->authority = authority_open(&authority, err);
    revocation.store = director->store;
    director->revocation = director->authority != NULL ? revocation_open(&revocation, err) : NULL;
    return director->revocation != NULL ? 0 : -1;
}

static void
build_services(struct director *director)
{
    const struct director_config *config = director->config;
    struct control_service_options control = {
        .loop = director->loop,
        .store = director->store,
        .authority = director->authority,
        .revoked = revocation_nodes(director->revocation),
        .heartbeat_ms = (uint32_t)config->heartbeat_ms,
        .lease_ms = (uint32_t)config->lease_ms,
        .on_change = on_change,
        .on_change_ctx = director,
    };
    struct enrolment_service_options enrolment = {
        .clock = director->clock,
        .authority = director->authority,
        .store = director->store,
        .revocation = director->revocation,
        .on_enrolled = on_enrolled,
        .on_enrolled_ctx = director,
    };

    director->control = control_service_new(&control);
    struct scheduler_options scheduler = {
        .store = director->store,
        .links = control_service_links(director->control),
        .retry = { .attempts = (unsigned)config->retry_attempts, .first_ms = (int64_t)config->retry_delay_ms },
        .lease_ms = (int64_t)config->lease_ms,
        .grace_ms = (int64_t)config->heartbeat_ms * GRACE_BEATS,
    };
    director->scheduler = scheduler_new(&scheduler);
    control_service_use(director->control, director->scheduler);
    director->enrolment = enrolment_service_new(&enrolment);
    director->tick = event_timer_new(director->loop, on_tick, director);
    director->soon = event_timer_new(director->loop, on_soon, director);
}

/* "127.0.0.1:8443" or "[::1]:8443"; checked by the configuration already. */
static char *
split_address(const char *text, uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    bool bracketed = text[0] == '[';
    size_t len = (size_t)(colon - text) - (bracketed ? 2 : 0);

    *port = (uint16_t)strtoul(colon + 1, NULL, 10);
    return memory_printf("%.*s", (int)len, text + (bracketed ? 1 : 0));
}

static int
listen_rpc(struct director *director, struct error *err)
{
    uint16_t port = 0;
    CLEANUP(memory_free_p) char *address = split_address(director->config->rpc_listen, &port);
    struct rpc_server_options options = {
        .address = address,
        .port = port,
        .tls = authority_tls(director->authority),
        .admit = revocation_set_admit,
        .admit_ctx = revocation_nodes(director->revocation),
    };

    director->rpc = rpc_server_new(director->loop, &options, err);
    if (director->rpc == NULL)
        return -1;
    control_service_attach(director->control, director->rpc);
    enrolment_service_attach(director->enrolment, director->rpc);
    revocation_attach(director->revocation, director->rpc);
    return rpc_server_listen(director->rpc, err);
}

static int
listen_api(struct director *director, struct error *err)
{
    struct api_server_options options = {
        .listen = director->config->api_listen,
        .advertise = director->config->api_advertise,
    };

    if (api_token_bootstrap(director->store, director->config->state_dir, director->clock, err) != 0)
        return -1;
    director->api = api_server_new(director->loop, director, &options, err);
    return director->api != NULL ? 0 : -1;
}

static void
on_drained(void *ctx)
{
    struct director *director = ctx;
    event_loop_stop(director->loop);
}

/* Transporters go on with what they have; they find the next director by themselves. */
static void
drain(struct director *director)
{
    log_info("director", "going down");
    director->draining = true;
    event_timer_stop(director->tick);
    event_timer_stop(director->soon);
    director->deadline = event_timer_new(director->loop, on_drained, director);
    event_timer_start(director->deadline, DRAIN_MS, 0);
    control_service_close_all(director->control);
    rpc_server_drain(director->rpc, on_drained, director);
}

static void
on_terminate(void *ctx, int count)
{
    struct director *director = ctx;

    if (count == 1 && !director->draining)
        drain(director);
    else
        event_loop_stop(director->loop);
}

static int
build(struct director *director, struct error *err)
{
    if (director_config_check(director->config, err) != 0 || open_state(director, err) != 0)
        return -1;
    director->loop = event_loop_new(err);
    if (director->loop == NULL)
        return -1;
    build_services(director);
    if (listen_rpc(director, err) != 0 || listen_api(director, err) != 0)
        return -1;
    authority_watch(director->authority, director->loop);
    event_timer_start(director->tick, TICK_MS, TICK_MS);
    return event_loop_on_terminate(director->loop, on_terminate, director, err);
}

struct director *
director_new(const struct director_config *config, const struct clock *clock, struct error *err)
{
    struct director *director = MEMORY_NEW(struct director);

    director->config = config;
    director->clock = clock;
    director->lock_fd = -1;
    if (build(director, err) == 0)
        return director;
    director_free(director);
    return NULL;
}

void
director_run(struct director *director)
{
    log_info("director", "ready node=%s rpc_port=%u api_port=%u", authority_node_id(director->authority),
             rpc_server_port(director->rpc), api_server_port(director->api));
    event_loop_run(director->loop);
}

static void
on_stop(void *ctx)
{
    struct director *director = ctx;

    if (!director->draining)
        drain(director);
}

void
director_stop(struct director *director)
{
    event_loop_post(director->loop, on_stop, director);
}

void
director_free(struct director *director)
{
    if (director == NULL)
        return;
    director->draining = true;
    if (director->loop != NULL) {
        api_server_free(director->api);
        authority_unwatch(director->authority);
        if (director->revocation != NULL)
            revocation_attach(director->revocation, NULL);
        rpc_server_free(director->rpc);
        control_service_free(director->control);
        event_loop_free(director->loop);
    }
    enrolment_service_free(director->enrolment);
    scheduler_free(director->scheduler);
    revocation_free(director->revocation);
    authority_free(director->authority);
    store_close(director->store);
    if (director->lock_fd >= 0)
        close(director->lock_fd);
    free(director);
}

struct store *
director_store(struct director *director)
{
    return director->store;
}

struct authority *
director_authority(struct director *director)
{
    return director->authority;
}

struct event_loop *
director_loop(struct director *director)
{
    return director->loop;
}

const struct clock *
director_clock(const struct director *director)
{
    return director->clock;
}

const struct director_config *
director_config(const struct director *director)
{
    return director->config;
}

uint16_t
director_rpc_port(const struct director *director)
{
    return rpc_server_port(director->rpc);
}

/* What was queued is looked at in the next turn of the loop. */
static int
started(struct director *director, int result)
{
    if (result == 0)
        on_change(director);
    return result;
}

int
director_run_start(struct director *director, const char *job_id, const struct director_run_options *options,
                   const char *actor, char run_id[IDENTIFIER_LEN], struct error *err)
{
    return started(director, run_start_backup(director->store, job_id, options, actor, run_id, err));
}

int
director_run_cancel(struct director *director, const char *run_id, const char *actor, struct error *err)
{
    return started(director, scheduler_cancel_run(director->scheduler, run_id, actor, err));
}

int
director_vault_create(struct director *director, struct store_vault *vault, const char *actor,
                      char run_id[IDENTIFIER_LEN], struct error *err)
{
    return started(director, run_start_create_vault(director->store, vault, actor, run_id, err));
}

int
director_discover_start(struct director *director, const char *tenant_id, const char *actor,
                        char run_id[IDENTIFIER_LEN], struct error *err)
{
    return started(director, run_start_discover(director->store, tenant_id, actor, run_id, err));
}

int
director_restore_start(struct director *director, const struct director_restore *restore, const char *actor,
                       char run_id[IDENTIFIER_LEN], struct error *err)
{
    return started(director, run_start_restore(director->store, restore, actor, run_id, err));
}

int
director_verify_start(struct director *director, const struct director_verify *verify, const char *actor,
                      char run_id[IDENTIFIER_LEN], struct error *err)
{
    return started(director, run_start_verify(director->store, verify, actor, run_id, err));
}

int
director_heal_start(struct director *director, const char *vault_id, const char *source_id, const char *actor,
                    char run_id[IDENTIFIER_LEN], struct error *err)
{
    return started(director, run_start_heal(director->store, vault_id, source_id, actor, run_id, err));
}

int
director_sweep_start(struct director *director, const struct director_sweep *sweep, const char *actor,
                     char run_id[IDENTIFIER_LEN], struct error *err)
{
    return started(director, run_start_sweep(director->store, sweep, actor, run_id, err));
}

int
director_task_progress(struct director *director, const char *task_id, struct director_progress *progress,
                       struct error *err)
{
    struct store_task task;

    if (store_tasks_find(director->store, task_id, &task, err) != 0)
        return -1;
    live_progress_of_task(scheduler_progress(director->scheduler), &task, clock_wall_ms(director->clock), progress);
    return 0;
}

int
director_run_progress(struct director *director, const char *run_id, struct director_progress *progress,
                      struct error *err)
{
    struct store_run run;

    if (store_runs_find(director->store, run_id, &run, err) != 0)
        return -1;
    return live_progress_of_run(scheduler_progress(director->scheduler), director->store, &run,
                                clock_wall_ms(director->clock), progress, err);
}

void
director_transporter_state(struct director *director, const char *node_id, struct director_transporter_state *state)
{
    control_service_state(director->control, node_id, state);
}

int
director_transporter_revoke(struct director *director, const char *node_id, const char *actor, struct error *err)
{
    if (revocation_revoke(director->revocation, node_id, err) != 0 ||
        scheduler_on_revoked(director->scheduler, node_id, err) != 0)
        return -1;
    return started(director,
                   store_events_add(director->store, NULL, actor, "transporter.revoked", node_id, err, "revoked"));
}

int
director_repository_attach(struct director *director, const char *repository_id, struct error *err)
{
    return control_service_attach_repository(director->control, repository_id, err);
}

int
director_repository_detach(struct director *director, const char *repository_id, struct error *err)
{
    return control_service_detach_repository(director->control, repository_id, err);
}

void
director_secrets_changed(struct director *director)
{
    on_change(director);
}

int
director_query_start(struct director *director, const struct director_query *query, director_query_fn *done, void *ctx,
                     struct error *err)
{
    return control_service_query(director->control, query, done, ctx, err);
}

void
director_query_cancel(struct director *director, const char *query_id)
{
    control_service_query_cancel(director->control, query_id);
}

int
director_query_placement(struct director *director, const char *vault_id, char transporter[IDENTIFIER_LEN],
                         struct error *err)
{
    return control_service_query_placement(director->control, vault_id, transporter, err);
}
