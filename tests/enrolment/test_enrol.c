#include "tests/enrolment/enrolment_world.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/net/tls_context.h"
#include "common/rpc/rpc_channel.h"
#include "common/rpc/rpc_server.h"
#include "director/store/store_transporters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void
refused(const struct enrol_options *options, enum error_kind kind, const char *text)
{
    struct error err = ERROR_INIT;
    struct enrol_result result;
    assert_int_equal(enrol_run(options, &result, &err), -1);
    if (err.kind != kind || strstr(err.text, text) == NULL)
        fail_msg("%s \"%s\" instead of %s \"%s\"", error_kind_name(err.kind), err.text, error_kind_name(kind), text);
}

static void
accepted(const struct enrol_options *options, struct enrol_result *result)
{
    struct error err = ERROR_INIT;
    if (enrol_run(options, result, &err) != 0)
        fail_msg("%s", err.text);
}

struct lookup {
    struct enrolment_world *w;
    const char *node_id;
    struct store_transporter row;
    int rc;
};

static void
look_up(void *ctx)
{
    struct lookup *lookup = ctx;
    lookup->rc = store_transporters_find(lookup->w->store, lookup->node_id, &lookup->row, NULL);
}

static void
a_machine_becomes_a_transporter(void **state)
{
    struct enrolment_world *w = *state;
    struct enrol_result result;
    enrolment_world_invite(w, "nas1");
    struct enrol_options options = enrolment_world_options(w, 0);
    accepted(&options, &result);
    assert_string_equal(result.name, "nas1");
    struct lookup lookup = { .w = w, .node_id = result.node_id };
    enrolment_world_run(w, look_up, &lookup);
    assert_int_equal(lookup.rc, 0);
    assert_true(sealing_key_fingerprint_matches(lookup.row.sealing_key, result.sealing_fingerprint));
    assert_int_equal(w->enrolled, 1);

    struct node_identity *identity = node_identity_load(w->machine[0], &w->machine_clock.clock, NULL);
    assert_string_equal(node_identity_id(identity), result.node_id);
    assert_string_equal(node_identity_director_id(identity), authority_node_id(w->authority));
    assert_memory_equal(node_identity_grant_key(identity), authority_grant_key(w->authority), KEY_POINT_LEN);
    assert_memory_equal(node_identity_key_sha256(identity), lookup.row.key_sha256, 32);
    struct rpc_channel *channel = enrolment_world_channel(w, identity);
    struct error err = ERROR_INIT;
    struct rpc_call *call = rpc_channel_open(channel, "/test/Hold", NULL, &err);
    if (call == NULL)
        fail_msg("%s", err.text);
    assert_string_equal(rpc_call_peer(call)->node_id, authority_node_id(w->authority));
    rpc_call_free(call);
    rpc_channel_free(channel);
    node_identity_free(identity);
    refused(&options, ERROR_EXISTS, "enrolled already");
}

static void
another_fingerprint_is_noticed_before_the_token_is_shown(void **state)
{
    struct enrolment_world *w = *state;
    struct enrol_result result;
    enrolment_world_invite(w, "nas1");
    struct enrol_options options = enrolment_world_options(w, 0);
    options.fingerprint = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    refused(&options, ERROR_UNAUTHENTICATED, "fingerprint");
    options.fingerprint = "0011";
    refused(&options, ERROR_USAGE, "64 hex digits");
    options = enrolment_world_options(w, 0);
    accepted(&options, &result);
}

static void
tokens_that_are_wrong_expired_or_replayed_say_so(void **state)
{
    struct enrolment_world *w = *state;
    struct enrol_result result;
    enrolment_world_invite(w, "nas1");
    struct enrol_options options = enrolment_world_options(w, 0), second = enrolment_world_options(w, 1);
    options.token = "lhi_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    refused(&options, ERROR_UNAUTHENTICATED, "does not know the enrolment token");
    options.token = "nonsense";
    refused(&options, ERROR_UNAUTHENTICATED, "not an enrolment token");
    options.token = w->token;
    accepted(&options, &result);
    refused(&second, ERROR_UNAUTHENTICATED, "used already by another machine");
    enrolment_world_invite(w, "nas2");
    fake_clock_advance(&w->director_clock, (uint64_t)INVITE_LIFETIME_MS);
    fake_clock_advance(&w->machine_clock, (uint64_t)INVITE_LIFETIME_MS);
    refused(&second, ERROR_UNAUTHENTICATED, "expired at");
    assert_int_equal(w->enrolled, 1);
}

static void
a_clock_that_is_off_is_told_with_both_times(void **state)
{
    struct enrolment_world *w = *state;
    struct enrol_result result;
    char theirs[CLOCK_TEXT_LEN], ours[CLOCK_TEXT_LEN];
    enrolment_world_invite(w, "nas1");
    struct enrol_options options = enrolment_world_options(w, 0);
    fake_clock_advance(&w->machine_clock, 6 * 60 * 1000);
    clock_format_ms(w->machine_clock.wall_ms, theirs);
    clock_format_ms(w->director_clock.wall_ms, ours);
    refused(&options, ERROR_CONFIG, theirs);
    refused(&options, ERROR_CONFIG, ours);
    fake_clock_advance(&w->director_clock, 2 * 60 * 1000);
    accepted(&options, &result);
}

static void
a_lost_reply_is_fetched_again(void **state)
{
    struct enrolment_world *w = *state;
    struct enrol_result first, second;
    char card[PATH_MAX + 64];
    enrolment_world_invite(w, "nas1");
    struct enrol_options options = enrolment_world_options(w, 0);
    accepted(&options, &first);
    snprintf(card, sizeof(card), "%s/identity/identity.json", w->machine[0]);
    assert_int_equal(unlink(card), 0);
    accepted(&options, &second);
    assert_string_equal(first.node_id, second.node_id);
    assert_string_equal(first.sealing_fingerprint, second.sealing_fingerprint);
}

static void
a_machine_whose_certificate_ended_comes_back(void **state)
{
    struct enrolment_world *w = *state;
    struct enrol_result first, second;
    enrolment_world_invite(w, "nas1");
    struct enrol_options options = enrolment_world_options(w, 0);
    accepted(&options, &first);
    /* Past its end by both clocks; the director's own certificate is still good to TLS. */
    fake_clock_advance(&w->director_clock, WORLD_LIFETIME_MS + 1000);
    fake_clock_advance(&w->machine_clock, WORLD_LIFETIME_MS + 1000);
    enrolment_world_invite(w, "nas1");
    accepted(&options, &second);
    assert_string_equal(first.node_id, second.node_id);
    struct node_identity *identity = node_identity_load(w->machine[0], &w->machine_clock.clock, NULL);
    int64_t begins = 0, ends = 0;
    node_identity_validity(identity, &begins, &ends);
    assert_true(ends > w->machine_clock.wall_ms);
    node_identity_free(identity);
}

static atomic_int tokens_seen;

static int
serve_impostor(void *ctx, struct rpc_call *call, struct error *err)
{
    (void)ctx;
    const uint8_t *data = NULL;
    size_t len = 0;
    int rc = rpc_call_receive_bytes(call, 10000, &data, &len, err);
    if (rc > 0)
        atomic_fetch_add(&tokens_seen, 1);
    return rc < 0 ? -1 : FAIL(err, ERROR_DENIED, 0, "thanks");
}

static const struct rpc_method impostor_methods[] = {
    { .path = "/longhaul.v1.Enrolment/Enrol", .anonymous = true, .serve = serve_impostor },
};

/* With a certificate of the director's authority, but a transporter's. */
static struct rpc_server *
start_impostor(struct enrolment_world *w)
{
    CLEANUP(key_pair_free_p) struct key_pair *key = key_pair_new(NULL);
    CLEANUP(secret_free_p) struct secret *key_pem = key_pair_to_pem(key, NULL);
    CLEANUP(buffer_clear) struct buffer request = BUFFER_INIT(CERTIFICATE_REQUEST_MAX);
    int64_t ends = 0;
    assert_int_equal(certificate_request_new(key, &request, NULL), 0);
    CLEANUP(memory_free_p)
    char *leaf = authority_issue_node(w->authority, request.data, request.len, "transporter-evil", &ends, NULL);
    CLEANUP(memory_free_p) char *chain = memory_printf("%s%s", leaf, authority_root_pem(w->authority));
    struct tls_options tls_options = { .server = true,
                                       .certificate_pem = chain,
                                       .key_pem = key_pem,
                                       .trust_pem = authority_root_pem(w->authority),
                                       .anonymous_allowed = true };
    struct tls_context *tls = tls_context_new(&tls_options, NULL);
    struct rpc_server_options options = { .address = "127.0.0.1", .tls = tls };
    struct rpc_server *server = rpc_server_new(w->machine_loop, &options, NULL);
    assert_non_null(server);
    rpc_server_add(server, impostor_methods, ARRAY_LEN(impostor_methods), NULL);
    assert_int_equal(rpc_server_listen(server, NULL), 0);
    tls_context_free(tls);
    return server;
}

/* A transporter of the same director stands where the director should be. */
static void
what_is_not_the_director_gets_no_token(void **state)
{
    struct enrolment_world *w = *state;
    struct rpc_server *impostor = start_impostor(w);
    enrolment_world_invite(w, "nas1");
    struct enrol_options options = enrolment_world_options(w, 0);
    options.director_port = rpc_server_port(impostor);
    refused(&options, ERROR_DENIED, "is not the director but node \"transporter-evil\"");
    rpc_server_free(impostor); /* waits for the one that serves */
    assert_int_equal(atomic_load(&tokens_seen), 0);
}

static void
nobody_there_is_a_network_error(void **state)
{
    struct enrolment_world *w = *state;
    enrolment_world_invite(w, "nas1");
    struct enrol_options options = enrolment_world_options(w, 0);
    options.director_port = 1;
    refused(&options, ERROR_NETWORK, "director 127.0.0.1:1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enrolment_world_set_up, enrolment_world_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_machine_becomes_a_transporter),
        TEST(another_fingerprint_is_noticed_before_the_token_is_shown),
        TEST(tokens_that_are_wrong_expired_or_replayed_say_so),
        TEST(a_clock_that_is_off_is_told_with_both_times),
        TEST(a_lost_reply_is_fetched_again),
        TEST(a_machine_whose_certificate_ended_comes_back),
        TEST(what_is_not_the_director_gets_no_token),
        TEST(nobody_there_is_a_network_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
