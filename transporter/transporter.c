#include "transporter/transporter.h"

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/private_file.h"
#include "common/loop/event_loop.h"
#include "common/net/revocation_set.h"
#include "common/rpc/rpc_channel.h"
#include "common/rpc/rpc_server.h"
#include "transporter/host/grant_gate.h"
#include "transporter/host/vault_registry.h"
#include "transporter/host/vault_service.h"
#include "transporter/link/director_link.h"
#include "transporter/link/finished_journal.h"
#include "transporter/link/host_port.h"
#include "transporter/link/node_identity.h"
#include "transporter/link/renew.h"
#include "transporter/query/query_service.h"
#include "transporter/task/graph_pool.h"
#include "transporter/task/vault_keys.h"
#include "transporter/task/task_runner.h"
#include "transporter/transporter_config.h"

#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define QUERY_THREADS 2
#define SETTLE_MS     3000
#define EXIT_AT_ONCE  75

struct transporter {
    const struct transporter_config *config;
    const struct clock *clock;
    struct event_loop *loop;
    bool loop_runs;
    struct node_identity *identity;
    char *advertise;

    struct revocation_set *revoked;
    struct grant_gate gate;
    struct vault_registry *registry;
    struct vault_service *service;
    struct rpc_server *server; /* NULL: serves no vaults */

    struct rpc_channel *channel; /* to the director */
    struct renew *renew;
    struct finished_journal *journal;
    struct director_link *link;

    struct graph_pool *graphs;
    struct vault_keys *keys;
    struct task_services services;
    struct task_runner *runner;
    struct query_service *queries;

    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool terminate;
};

static void
zeroing_free(void *memory)
{
    if (memory != NULL)
        secret_zero(memory, malloc_usable_size(memory));
    free(memory);
}

void
transporter_prepare_process(void)
{
    const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };
    memory_prepare_process();
    signal(SIGPIPE, SIG_IGN);
    json_set_alloc_funcs(malloc, zeroing_free);
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
        log_warn("main", "core dumps cannot be switched off");
}

static int
make_folders(const struct transporter_config *config, struct error *err)
{
    CLEANUP(memory_free_p) char *scratch = memory_printf("%s/scratch", config->state_dir);
    return private_file_folder(config->state_dir, err) != 0 ? -1 : private_file_folder(scratch, err);
}

static int
open_identity(struct transporter *t, struct error *err)
{
    t->identity = node_identity_load(t->config->state_dir, t->clock, err);
    if (t->identity == NULL)
        return -1;
    t->loop = event_loop_new(err);
    if (t->loop == NULL)
        return -1;
    const struct rpc_channel_options options = {
        .host = node_identity_director_host(t->identity),
        .port = node_identity_director_port(t->identity),
        .tls = node_identity_tls_client(t->identity),
        .expected_node = node_identity_director_id(t->identity),
    };
    t->channel = rpc_channel_new(t->loop, &options, err);
    return t->channel != NULL ? 0 : -1;
}

static int
open_server(struct transporter *t, struct error *err)
{
    struct host_port at;
    t->revoked = revocation_set_new();
    t->registry = vault_registry_new(t->clock, t->config->state_dir, (uint32_t)t->config->vault_lock_max_days);
    vault_registry_settle(t->registry, t->config->vault_settle_ms);
    t->gate = (struct grant_gate){ .clock = t->clock,
                                   .host_node_id = node_identity_id(t->identity),
                                   .grant_key = node_identity_grant_key(t->identity),
                                   .revoked = t->revoked };
    t->service = vault_service_new(&t->gate, t->registry);
    if (t->config->rpc_listen[0] == '\0')
        return 0;
    if (host_port_parse(t->config->rpc_listen, &at, err) != 0)
        return -1;
    const struct rpc_server_options options = { .address = at.host,
                                                .port = at.port,
                                                .tls = node_identity_tls_server(t->identity),
                                                .admit = revocation_set_admit,
                                                .admit_ctx = t->revoked };
    t->server = rpc_server_new(t->loop, &options, err);
    if (t->server == NULL)
        return -1;
    vault_service_add(t->service, t->server);
    return 0;
}

static int
open_tasks(struct transporter *t, struct error *err)
{
    t->keys = vault_keys_new(t->clock);
    t->graphs = graph_pool_new(t->clock, t->config->graph_extra_ca, err);
    if (t->graphs == NULL)
        return -1;
    CLEANUP(memory_free_p) char *results = memory_printf("%s/results", t->config->state_dir);
    t->journal = finished_journal_open(results, err);
    return t->journal != NULL ? 0 : -1;
}

struct transporter *
transporter_new(const struct transporter_config *config, const struct clock *clock, struct error *err)
{
    struct transporter *t = MEMORY_NEW(struct transporter);
    t->config = config;
    t->clock = clock;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->ended, NULL);
    if (make_folders(config, err) != 0 || open_identity(t, err) != 0 || open_server(t, err) != 0 ||
        open_tasks(t, err) != 0) {
        transporter_free(t);
        return NULL;
    }
    return t;
}

void
transporter_free(struct transporter *t)
{
    if (t == NULL)
        return;
    if (t->loop_runs) {
        event_loop_stop(t->loop);
        event_loop_join(t->loop);
    }
    finished_journal_close(t->journal);
    graph_pool_free(t->graphs);
    vault_keys_free(t->keys);
    vault_service_free(t->service);
    vault_registry_free(t->registry);
    revocation_set_free(t->revoked);
    if (t->loop != NULL)
        event_loop_free(t->loop);
    node_identity_free(t->identity);
    pthread_cond_destroy(&t->ended);
    pthread_mutex_destroy(&t->lock);
    free(t->advertise);
    free(t);
}

static void
on_terminate(void *ctx, int count)
{
    struct transporter *t = ctx;
    if (count > 1)
        _exit(EXIT_AT_ONCE);
    pthread_mutex_lock(&t->lock);
    t->terminate = true;
    pthread_cond_broadcast(&t->ended);
    pthread_mutex_unlock(&t->lock);
}

/* What others are told; a port that the system has chosen is known only now. */
static void
find_advertise(struct transporter *t)
{
    struct host_port at;
    if (t->server == NULL)
        t->advertise = memory_strdup("");
    else if (t->config->rpc_advertise[0] != '\0')
        t->advertise = memory_strdup(t->config->rpc_advertise);
    else if (host_port_parse(t->config->rpc_listen, &at, NULL) == 0)
        t->advertise = memory_printf(strchr(at.host, ':') != NULL ? "[%s]:%u" : "%s:%u", at.host,
                                     (unsigned)rpc_server_port(t->server));
}

static int
start_serving(struct transporter *t, struct error *err)
{
    if (event_loop_on_terminate(t->loop, on_terminate, t, err) != 0 || event_loop_start_thread(t->loop, err) != 0)
        return -1;
    t->loop_runs = true;
    if (t->server != NULL && rpc_server_listen(t->server, err) != 0)
        return error_wrap(err, "rpc.listen %s", t->config->rpc_listen);
    find_advertise(t);
    log_info("main", "transporter runs version=%s node=%s serves=%s", LONGHAUL_VERSION, node_identity_id(t->identity),
             t->advertise[0] != '\0' ? t->advertise : "none");
    return 0;
}

static int
start_link(struct transporter *t, struct error *err)
{
    const struct director_link_options options = { .clock = t->clock,
                                                   .identity = t->identity,
                                                   .channel = t->channel,
                                                   .journal = t->journal,
                                                   .advertise = t->advertise,
                                                   .task_slots = (unsigned)t->config->task_slots };
    t->link = director_link_new(&options, err);
    if (t->link == NULL)
        return -1;
    t->services = (struct task_services){ .clock = t->clock,
                                          .loop = t->loop,
                                          .config = t->config,
                                          .identity = t->identity,
                                          .graphs = t->graphs,
                                          .keys = t->keys,
                                          .revoked = t->revoked,
                                          .send = director_link_send,
                                          .send_ctx = t->link };
    const struct task_runner_options runner_options = { .slots = (unsigned)t->config->task_slots,
                                                        .services = &t->services,
                                                        .finished = director_link_finished,
                                                        .finished_ctx = t->link };
    t->runner = task_runner_new(&runner_options, err);
    const struct query_service_options query_options = { .services = &t->services, .threads = QUERY_THREADS };
    t->queries = t->runner != NULL ? query_service_new(&query_options, err) : NULL;
    if (t->queries == NULL)
        return -1;
    const struct director_link_parts parts = { .runner = t->runner,
                                               .queries = t->queries,
                                               .registry = t->registry,
                                               .revoked = t->revoked,
                                               .graphs = t->graphs,
                                               .keys = t->keys,
                                               .server = t->server };
    if (director_link_start(t->link, &parts, err) != 0)
        return -1;
    t->renew = renew_start(t->clock, t->identity, t->channel, err);
    return t->renew != NULL ? 0 : -1;
}

/* Backwards: what asks for something goes before what answers. */
static void
stop(struct transporter *t)
{
    task_runner_free(MOVE(t->runner));
    if (t->link != NULL) {
        director_link_settle(t->link, SETTLE_MS);
        director_link_stop(t->link);
    }
    query_service_free(MOVE(t->queries));
    director_link_free(MOVE(t->link));
    rpc_channel_free(MOVE(t->channel));
    renew_stop(MOVE(t->renew));
    if (t->server != NULL)
        rpc_server_free(MOVE(t->server));
}

int
transporter_run(struct transporter *t, struct error *err)
{
    int result = start_serving(t, err);
    if (result == 0)
        result = start_link(t, err);
    pthread_mutex_lock(&t->lock);
    while (result == 0 && !t->terminate)
        pthread_cond_wait(&t->ended, &t->lock);
    pthread_mutex_unlock(&t->lock);
    log_info("main", "transporter stops");
    stop(t);
    return result;
}
