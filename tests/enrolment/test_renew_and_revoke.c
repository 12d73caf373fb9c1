#include "tests/enrolment/enrolment_world.h"

#include "common/base/error.h"
#include "common/rpc/rpc_channel.h"
#include "transporter/link/renew.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static int64_t
certificate_ends(struct node_identity *identity)
{
    int64_t begins = 0, ends = 0;
    node_identity_validity(identity, &begins, &ends);
    return ends;
}

static void
advance(struct enrolment_world *w, int64_t ms)
{
    fake_clock_advance(&w->director_clock, (uint64_t)ms);
    fake_clock_advance(&w->machine_clock, (uint64_t)ms);
}

/* A message there and back. */
static int
exchange(struct rpc_channel *channel, struct error *err)
{
    const uint8_t *data = NULL;
    size_t len = 0;
    struct rpc_call *call = rpc_channel_open(channel, "/test/Hold", NULL, err);
    if (call == NULL)
        return -1;
    int rc = rpc_call_send_bytes(call, "ping", 4, err) == 0 && rpc_call_receive_bytes(call, 5000, &data, &len, err) == 1
                 ? 0
                 : -1;
    rpc_call_free(call);
    return rc;
}

static void
a_renewed_certificate_serves_new_connections(void **state)
{
    struct enrolment_world *w = *state;
    struct error err = ERROR_INIT;
    struct node_identity *identity = enrolment_world_enrolled(w);
    struct rpc_channel *channel = enrolment_world_channel(w, identity);
    int64_t before = certificate_ends(identity);
    advance(w, 2 * WORLD_HOUR_MS);
    if (renew_once(identity, channel, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(certificate_ends(identity), before + 2 * WORLD_HOUR_MS);
    if (exchange(channel, &err) != 0)
        fail_msg("%s", err.text);
    rpc_channel_free(channel);
    channel = enrolment_world_channel(w, identity);
    if (exchange(channel, &err) != 0)
        fail_msg("%s", err.text);
    rpc_channel_free(channel);
    node_identity_free(identity);
}

static void
renewal_happens_by_itself_when_it_is_due(void **state)
{
    struct enrolment_world *w = *state;
    struct node_identity *identity = enrolment_world_enrolled(w);
    struct rpc_channel *channel = enrolment_world_channel(w, identity);
    int64_t before = certificate_ends(identity);
    struct renew *renew = renew_start(&w->machine_clock.clock, identity, channel, NULL);
    assert_non_null(renew);
    advance(w, 2 * WORLD_HOUR_MS);
    renew_poke(renew);
    for (int i = 0; i < 500 && certificate_ends(identity) == before; i++)
        poll(NULL, 0, 10);
    assert_int_equal(certificate_ends(identity), before + 2 * WORLD_HOUR_MS);
    renew_stop(renew);
    rpc_channel_free(channel);
    node_identity_free(identity);
}

struct revocation_order {
    struct enrolment_world *w;
    const char *node_id;
    int rc;
};

static void
revoke(void *ctx)
{
    struct revocation_order *order = ctx;
    order->rc = revocation_revoke(order->w->revocation, order->node_id, NULL);
}

static void
revocation_ends_what_is_open_and_refuses_what_comes(void **state)
{
    struct enrolment_world *w = *state;
    struct error err = ERROR_INIT;
    const uint8_t *data = NULL;
    size_t len = 0;
    struct node_identity *identity = enrolment_world_enrolled(w);
    struct rpc_channel *channel = enrolment_world_channel(w, identity);
    struct rpc_call *call = rpc_channel_open(channel, "/test/Hold", NULL, &err);
    assert_non_null(call);
    assert_int_equal(rpc_call_send_bytes(call, "ping", 4, &err), 0);
    assert_int_equal(rpc_call_receive_bytes(call, 5000, &data, &len, &err), 1);

    struct revocation_order order = { .w = w, .node_id = node_identity_id(identity) };
    enrolment_world_run(w, revoke, &order);
    assert_int_equal(order.rc, 0);
    assert_int_equal(rpc_call_receive_bytes(call, 5000, &data, &len, &err), -1);
    assert_int_not_equal(err.kind, ERROR_TIMEOUT);
    rpc_call_free(call);
    error_clear(&err);
    assert_int_equal(exchange(channel, &err), -1);
    assert_int_equal(renew_once(identity, channel, NULL), -1);
    rpc_channel_free(channel);
    node_identity_free(identity);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enrolment_world_set_up, enrolment_world_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_renewed_certificate_serves_new_connections),
        TEST(renewal_happens_by_itself_when_it_is_due),
        TEST(revocation_ends_what_is_open_and_refuses_what_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
