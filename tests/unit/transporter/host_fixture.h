#ifndef LONGHAUL_TESTS_UNIT_TRANSPORTER_HOST_FIXTURE_H
#define LONGHAUL_TESTS_UNIT_TRANSPORTER_HOST_FIXTURE_H

/* A host transporter with one repository, serving over real TLS on loopback, and what a source needs to call it. */

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/certificate.h"
#include "common/crypto/grant.h"
#include "common/loop/event_loop.h"
#include "common/net/revocation_set.h"
#include "common/net/tls_context.h"
#include "common/rpc/rpc_server.h"
#include "tests/fakes/rpc_fixture.h"
#include "tests/fakes/scratch_folder.h"
#include "transporter/host/grant_gate.h"
#include "transporter/host/vault_registry.h"
#include "transporter/host/vault_service.h"
#include "transporter/pipeline/remote_vault.h"
#include "transporter/task/cancel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#define HOST_NODE   "transporter-host"
#define SOURCE_NODE "transporter-source"

struct host_fixture {
    struct scratch_folder folder;
    struct test_authority *authority;
    struct test_leaf *host_leaf, *source_leaf, *other_leaf;
    struct tls_context *host_tls, *source_tls, *other_tls;
    struct event_loop *host_loop, *source_loop;
    struct key_pair *director;
    struct revocation_set *revoked;
    struct grant_gate gate;
    struct vault_registry *registry;
    struct vault_service *service;
    struct rpc_server *server;
    uint16_t port;
    struct cancel cancel;
    struct grant grant;     /* what host_fixture_remote() signs; a test changes it */
    struct tls_context *as; /* whose certificate it shows; NULL: the source's */
    uint8_t signed_grant[GRANT_MAX];
    size_t signed_len;
};

static inline void
host_fixture_must(bool ok, const struct error *err)
{
    if (!ok)
        fail_msg("%s", err->text);
}

static inline struct event_loop *
host_fixture_loop(void)
{
    struct error err = ERROR_INIT;
    struct event_loop *loop = event_loop_new(&err);
    host_fixture_must(loop != NULL && event_loop_start_thread(loop, &err) == 0, &err);
    return loop;
}

static inline void
host_fixture_listen(struct host_fixture *f)
{
    struct error err = ERROR_INIT;
    const struct rpc_server_options options = { .address = "127.0.0.1",
                                                .port = f->port,
                                                .tls = f->host_tls,
                                                .workers = 4,
                                                .admit = revocation_set_admit,
                                                .admit_ctx = f->revoked };
    f->server = rpc_server_new(f->host_loop, &options, &err);
    host_fixture_must(f->server != NULL, &err);
    vault_service_add(f->service, f->server);
    host_fixture_must(rpc_server_listen(f->server, &err) == 0, &err);
    f->port = rpc_server_port(f->server);
}

static inline void
host_fixture_attach(struct host_fixture *f)
{
    struct error err = ERROR_INIT;
    struct vault_registry_report report;
    CLEANUP(memory_free_p)
    char *location = memory_printf("{\"driver\":\"local\",\"create\":true,\"path\":\"%s/repository\"}", f->folder.path);
    CLEANUP(secret_free_p) struct secret *secret = secret_new(location, strlen(location), &err);
    host_fixture_must(vault_registry_attach(f->registry, "repository-1", secret, &report, &err) == 0, &err);
}

/* A grant with everything but RETIRE, for an hour. */
static inline void
host_fixture_reset_grant(struct host_fixture *f)
{
    struct error err = ERROR_INIT;
    struct certificate_info info;
    host_fixture_must(certificate_inspect(f->source_leaf->leaf_pem, &info, &err) == 0, &err);
    f->grant = (struct grant){ .vault_id = "vault-1",
                               .repository_id = "repository-1",
                               .host_node_id = HOST_NODE,
                               .operations = GRANT_READ | GRANT_APPEND | GRANT_CREATE,
                               .task_id = "task-1",
                               .scope = "object-1",
                               .fence = 10,
                               .holder_node_id = SOURCE_NODE,
                               .not_before_ms = clock_wall_ms(clock_system()) - 1000,
                               .expires_ms = clock_wall_ms(clock_system()) + 3600000 };
    memcpy(f->grant.holder_key_sha256, info.key_sha256, sizeof(info.key_sha256));
    f->as = NULL;
}

static inline void
host_fixture_open_host(struct host_fixture *f)
{
    CLEANUP(memory_free_p) char *state_dir = memory_printf("%s/state", f->folder.path);
    mkdir(state_dir, 0700);
    f->registry = vault_registry_new(clock_system(), state_dir, 0);
    f->service = vault_service_new(&f->gate, f->registry);
    host_fixture_attach(f);
    host_fixture_listen(f);
}

static inline void
host_fixture_close_host(struct host_fixture *f)
{
    rpc_server_free(f->server);
    vault_service_free(f->service);
    vault_registry_free(f->registry);
}

static inline void
host_fixture_init(struct host_fixture *f)
{
    struct error err = ERROR_INIT;
    *f = (struct host_fixture){ .authority = test_authority_new("Test authority") };
    scratch_folder_init(&f->folder);
    f->host_leaf = test_leaf_new(f->authority, HOST_NODE);
    f->source_leaf = test_leaf_new(f->authority, SOURCE_NODE);
    f->other_leaf = test_leaf_new(f->authority, SOURCE_NODE); /* the same name on another key */
    f->host_tls = rpc_fixture_tls(f->authority, f->host_leaf, true);
    f->source_tls = rpc_fixture_tls(f->authority, f->source_leaf, false);
    f->other_tls = rpc_fixture_tls(f->authority, f->other_leaf, false);
    f->host_loop = host_fixture_loop();
    f->source_loop = host_fixture_loop();
    f->director = key_pair_new(&err);
    f->revoked = revocation_set_new();
    f->gate = (struct grant_gate){ .clock = clock_system(),
                                   .host_node_id = HOST_NODE,
                                   .grant_key = key_pair_point(f->director),
                                   .revoked = f->revoked };
    host_fixture_must(cancel_init(&f->cancel, &err) == 0, &err);
    host_fixture_open_host(f);
    host_fixture_reset_grant(f);
}

static inline void
host_fixture_clear(struct host_fixture *f)
{
    host_fixture_close_host(f);
    event_loop_stop(f->source_loop);
    event_loop_join(f->source_loop);
    event_loop_free(f->source_loop);
    event_loop_stop(f->host_loop);
    event_loop_join(f->host_loop);
    event_loop_free(f->host_loop);
    tls_context_free(f->host_tls);
    tls_context_free(f->source_tls);
    tls_context_free(f->other_tls);
    test_leaf_free(f->host_leaf);
    test_leaf_free(f->source_leaf);
    test_leaf_free(f->other_leaf);
    test_authority_free(f->authority);
    key_pair_free(f->director);
    revocation_set_free(f->revoked);
    cancel_clear(&f->cancel);
    scratch_folder_clear(&f->folder);
}

static inline int
host_fixture_grant(void *ctx, struct buffer *out, struct error *err)
{
    const struct host_fixture *f = ctx;
    return buffer_append(out, f->signed_grant, f->signed_len, err);
}

/* Signs f->grant with the director's key. */
static inline void
host_fixture_sign(struct host_fixture *f)
{
    struct error err = ERROR_INIT;
    CLEANUP(buffer_clear) struct buffer grant = BUFFER_INIT(GRANT_MAX);
    host_fixture_must(grant_sign(f->director, &f->grant, &grant, &err) == 0, &err);
    memcpy(f->signed_grant, grant.data, grant.len);
    f->signed_len = grant.len;
}

/* The vault as the source sees it. */
static inline struct remote_vault *
host_fixture_remote(struct host_fixture *f, uint32_t patience_ms)
{
    struct error err = ERROR_INIT;
    CLEANUP(memory_free_p) char *address = memory_printf("127.0.0.1:%u", (unsigned)f->port);
    host_fixture_sign(f);
    const struct remote_vault_options options = { .clock = clock_system(),
                                                  .loop = f->source_loop,
                                                  .tls = f->as != NULL ? f->as : f->source_tls,
                                                  .host_node_id = HOST_NODE,
                                                  .address = address,
                                                  .cancel = &f->cancel,
                                                  .grant = host_fixture_grant,
                                                  .grant_ctx = f,
                                                  .patience_ms = patience_ms };
    struct remote_vault *remote = remote_vault_open(&options, &err);
    host_fixture_must(remote != NULL, &err);
    return remote;
}

#endif
