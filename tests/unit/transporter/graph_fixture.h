#ifndef LONGHAUL_TESTS_UNIT_TRANSPORTER_GRAPH_FIXTURE_H
#define LONGHAUL_TESTS_UNIT_TRANSPORTER_GRAPH_FIXTURE_H

/* A Graph client against the scripted server, on a clock that jumps instead of waiting. */

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/net/http_client.h"
#include "tests/fakes/scripted_https.h"
#include "transporter/graph/graph_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define TOKEN_STEP "POST /contoso/oauth2/v2.0/token"
#define TOKEN_BODY "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"tok.e30.sig\"}"

struct graph_fixture {
    struct scripted_https *server;
    struct http_client *http;
    struct graph_client *graph;
    struct clock clock;
    atomic_uint_least64_t now_ms;
    atomic_uint_least64_t waited_ms;
    struct error err;
};

static inline int64_t
graph_fixture_wall(void *ctx)
{
    struct graph_fixture *f = ctx;
    return 1767225600000 + (int64_t)atomic_load(&f->now_ms);
}

static inline uint64_t
graph_fixture_monotonic(void *ctx)
{
    struct graph_fixture *f = ctx;
    return 1000000 + atomic_load(&f->now_ms);
}

static inline void
graph_fixture_random(void *ctx, void *out, size_t len)
{
    (void)ctx;
    clock_random(clock_system(), out, len);
}

static inline void
graph_fixture_wait(void *ctx, uint64_t ms, const atomic_bool *cancel)
{
    struct graph_fixture *f = ctx;
    (void)cancel;
    atomic_fetch_add(&f->now_ms, ms);
    atomic_fetch_add(&f->waited_ms, ms);
}

/* proof: further members of the credentials, as "\"client_secret\":\"…\"". */
static inline void
graph_fixture_connect(struct graph_fixture *f, const char *proof)
{
    char *bundle =
        memory_printf("{\"tenant\":\"contoso\",\"client_id\":\"app-1\",%s,\"login_url\":\"%s\",\"graph_url\":\"%s\"}",
                      proof, scripted_https_origin(f->server), scripted_https_origin(f->server));
    struct secret *secret = secret_new(bundle, strlen(bundle), NULL);
    graph_client_free(f->graph);
    f->graph = graph_client_new(
        &(struct graph_client_options){
            .credentials = secret, .http = f->http, .clock = &f->clock, .wait_ms = graph_fixture_wait, .wait_ctx = f },
        &f->err);
    secret_free(secret);
    free(bundle);
    assert_non_null(f->graph);
}

static inline int
graph_fixture_set_up(void **state)
{
    struct graph_fixture *f = MEMORY_NEW(struct graph_fixture);

    f->clock = (struct clock){ f, graph_fixture_wall, graph_fixture_monotonic, graph_fixture_random };
    f->server = scripted_https_new();
    f->http = http_client_new(&(struct http_client_options){ .extra_ca = scripted_https_ca(f->server) }, &f->err);
    assert_non_null(f->http);
    graph_fixture_connect(f, "\"client_secret\":\"s+e/c=r~t\"");
    *state = f;
    return 0;
}

static inline int
graph_fixture_tear_down(void **state)
{
    struct graph_fixture *f = *state;

    graph_client_free(f->graph);
    http_client_free(f->http);
    scripted_https_free(f->server);
    free(f);
    return 0;
}

static inline void
graph_fixture_allow(struct graph_fixture *f)
{
    scripted_https_reply(f->server, TOKEN_STEP, 200, "", TOKEN_BODY);
}

#endif
