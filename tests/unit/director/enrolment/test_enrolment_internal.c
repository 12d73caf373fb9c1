#include "director/enrolment/enrolment_internal.h"

#include "tests/unit/director/store_fixture.h"

#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "common/crypto/certificate.h"
#include "common/net/tls_context.h"
#include "director/enrolment/authority.h"
#include "director/enrolment/invite.h"
#include "director/enrolment/revocation.h"

struct fixture {
    struct store_fixture *base;
    struct enrolment_service_options options;
    struct arena *arena;
    struct key_pair *key, *sealing_key;
    struct buffer csr;
    char token[INVITE_TOKEN_LEN];
    Longhaul__V1__EnrolRequest request;
    Longhaul__V1__EnrolReply reply;
    struct tls_peer peer;
};

static void
invite(struct fixture *f, const char *name)
{
    struct error err = ERROR_INIT;
    struct store_invite row;
    assert_ok(invite_new(&f->base->clock.clock, name, NULL, INVITE_LIFETIME_MS, &row, f->token, &err));
    assert_ok(store_invites_add(f->base->store, &row, &err));
    f->request.token = f->token;
}

static int
set_up(void **state)
{
    struct fixture *f = MEMORY_NEW(struct fixture);
    void *base = NULL;
    if (store_fixture_setup(&base) != 0)
        return -1;
    f->base = base;
    struct authority_options authority = { .clock = &f->base->clock.clock, .state_dir = f->base->folder.path };
    struct revocation_options revocation = { .store = f->base->store };
    f->options.clock = &f->base->clock.clock;
    f->options.store = f->base->store;
    f->options.authority = authority_open(&authority, NULL);
    f->options.revocation = revocation_open(&revocation, NULL);
    f->arena = arena_new(1 << 20);
    f->key = key_pair_new(NULL);
    f->sealing_key = key_pair_new(NULL);
    buffer_init(&f->csr, CERTIFICATE_REQUEST_MAX);
    certificate_request_new(f->key, &f->csr, NULL);
    longhaul__v1__enrol_request__init(&f->request);
    longhaul__v1__enrol_reply__init(&f->reply);
    static char version[] = "0.1.0 (x)";
    f->request.csr_der = (ProtobufCBinaryData){ f->csr.len, f->csr.data };
    f->request.sealing_key.len = KEY_POINT_LEN;
    f->request.sealing_key.data = (uint8_t *)(uintptr_t)key_pair_point(f->sealing_key);
    f->request.software_version = version;
    f->request.clock_ms = f->base->clock.wall_ms;
    invite(f, "nas1");
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    void *base = f->base;
    revocation_free(f->options.revocation);
    authority_free(f->options.authority);
    arena_free(f->arena);
    key_pair_free(f->key);
    key_pair_free(f->sealing_key);
    buffer_clear(&f->csr);
    free(f);
    return store_fixture_teardown(&base);
}

static int
enrol(struct fixture *f, struct error *err)
{
    return enrolment_internal_enrol(&f->options, &f->request, f->arena, &f->reply, err);
}

static void
refused(struct fixture *f, enum error_kind kind, const char *text)
{
    struct error err = ERROR_INIT;
    assert_int_equal(enrol(f, &err), -1);
    assert_string_equal(error_kind_name(err.kind), error_kind_name(kind));
    if (strstr(err.text, text) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, text);
}

static void
a_token_and_a_key_become_a_node(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_transporter node;
    assert_ok(enrol(f, &err));
    assert_string_equal(f->reply.name, "nas1");
    assert_ok(certificate_check_issued(f->reply.certificate_pem, f->reply.authority_pem, f->key, f->reply.node_id,
                                       f->base->clock.wall_ms, &err));
    assert_ok(store_transporters_find(f->base->store, f->reply.node_id, &node, &err));
    assert_string_equal(node.name, "nas1");
    assert_string_equal(node.software_version, "0.1.0?(x)");
    assert_memory_equal(node.sealing_key, key_pair_point(f->sealing_key), KEY_POINT_LEN);
    assert_int_equal(node.certificate_expires_ms, f->base->clock.wall_ms + INT64_C(30) * 86400000);
}

static void
a_lost_reply_is_asked_for_again_with_the_same_keys_only(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    assert_ok(enrol(f, &err));
    char first[IDENTIFIER_LEN];
    snprintf(first, sizeof(first), "%s", f->reply.node_id);
    assert_ok(enrol(f, &err));
    assert_string_equal(f->reply.node_id, first);

    struct key_pair *other = key_pair_new(NULL);
    struct buffer csr = BUFFER_INIT(CERTIFICATE_REQUEST_MAX);
    f->request.sealing_key.data = (uint8_t *)(uintptr_t)key_pair_point(other);
    refused(f, ERROR_UNAUTHENTICATED, "used already");
    f->request.sealing_key.data = (uint8_t *)(uintptr_t)key_pair_point(f->sealing_key);
    assert_ok(certificate_request_new(other, &csr, &err));
    f->request.csr_der = (ProtobufCBinaryData){ csr.len, csr.data };
    refused(f, ERROR_UNAUTHENTICATED, "used already");
    f->request.csr_der = (ProtobufCBinaryData){ f->csr.len, f->csr.data };
    assert_ok(store_transporters_revoke(f->base->store, first, &err));
    refused(f, ERROR_UNAUTHENTICATED, "used already");
    buffer_clear(&csr);
    key_pair_free(other);
}

static void
each_refusal_says_why_and_costs_no_token(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    char unknown[INVITE_TOKEN_LEN] = "lhi_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    f->request.token = unknown;
    refused(f, ERROR_UNAUTHENTICATED, "does not know the enrolment token");
    f->request.token = f->token;
    f->request.clock_ms += ENROLMENT_CLOCK_TOLERANCE_MS + 1;
    refused(f, ERROR_CONFIG, "the transporter has 2026-01-01T00:05:00.001Z, the director 2026-01-01T00:00:00.000Z");
    f->request.clock_ms = INT64_MIN;
    refused(f, ERROR_CONFIG, "an impossible time");
    f->request.clock_ms = f->base->clock.wall_ms;
    f->csr.data[f->csr.len - 1] ^= 1;
    refused(f, ERROR_FORMAT, "certificate request");
    f->csr.data[f->csr.len - 1] ^= 1;
    f->request.sealing_key.len = 64;
    refused(f, ERROR_FORMAT, "sealing key");
    f->request.sealing_key.len = KEY_POINT_LEN;
    assert_ok(enrol(f, &err));
}

static void
an_expired_token_is_refused(void **state)
{
    struct fixture *f = *state;
    fake_clock_advance(&f->base->clock, (uint64_t)INVITE_LIFETIME_MS);
    f->request.clock_ms = f->base->clock.wall_ms;
    refused(f, ERROR_UNAUTHENTICATED, "expired at 2026-01-02T00:00:00.000Z");
}

static void
a_name_that_is_taken_leaves_the_token_unused(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    char second[INVITE_TOKEN_LEN];
    struct store_invite row;
    assert_ok(invite_new(&f->base->clock.clock, "nas1", NULL, INVITE_LIFETIME_MS, &row, second, &err));
    assert_ok(store_invites_add(f->base->store, &row, &err));
    assert_ok(enrol(f, &err));
    struct key_pair *other = key_pair_new(NULL);
    f->request.token = second;
    f->request.sealing_key.data = (uint8_t *)(uintptr_t)key_pair_point(other);
    refused(f, ERROR_EXISTS, "a transporter named nas1 is enrolled already");
    assert_ok(store_invites_find_by_hash(f->base->store, row.token_sha256, &row, &err));
    assert_int_equal(row.used_ms, 0);
    key_pair_free(other);
}

static void
a_node_comes_back_under_its_name_with_its_keys(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_transporter node;
    assert_ok(enrol(f, &err));
    char first[IDENTIFIER_LEN];
    snprintf(first, sizeof(first), "%s", f->reply.node_id);
    fake_clock_advance(&f->base->clock, UINT64_C(40) * 86400000);
    f->request.clock_ms = f->base->clock.wall_ms;
    invite(f, "nas1");
    assert_ok(enrol(f, &err));
    assert_string_equal(f->reply.node_id, first);
    assert_ok(store_transporters_find(f->base->store, first, &node, &err));
    assert_int_equal(node.certificate_expires_ms, f->base->clock.wall_ms + INT64_C(30) * 86400000);
    invite(f, "nas1");
    assert_ok(store_transporters_revoke(f->base->store, first, &err));
    refused(f, ERROR_EXISTS, "nas1");
}

static void
enrol_as_peer(struct fixture *f)
{
    struct error err = ERROR_INIT;
    assert_ok(enrol(f, &err));
    snprintf(f->peer.node_id, sizeof(f->peer.node_id), "%s", f->reply.node_id);
    key_pair_spki_sha256(f->key, f->peer.key_sha256);
}

static int
renew(struct fixture *f, const struct buffer *csr, Longhaul__V1__RenewReply *reply, struct error *err)
{
    Longhaul__V1__RenewRequest request;
    longhaul__v1__renew_request__init(&request);
    request.csr_der = (ProtobufCBinaryData){ csr->len, csr->data };
    longhaul__v1__renew_reply__init(reply);
    return enrolment_internal_renew(&f->options, &f->peer, &request, f->arena, reply, err);
}

static void
a_renewal_keeps_id_and_key_and_moves_the_end(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    Longhaul__V1__RenewReply reply;
    struct store_transporter node;
    enrol_as_peer(f);
    fake_clock_advance(&f->base->clock, 86400000);
    assert_ok(renew(f, &f->csr, &reply, &err));
    assert_ok(certificate_check_issued(reply.certificate_pem, reply.authority_pem, f->key, f->peer.node_id,
                                       f->base->clock.wall_ms, &err));
    assert_ok(store_transporters_find(f->base->store, f->peer.node_id, &node, &err));
    assert_int_equal(node.certificate_expires_ms, f->base->clock.wall_ms + INT64_C(30) * 86400000);
}

static void
a_renewal_with_another_key_or_of_a_stranger_is_denied(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    Longhaul__V1__RenewReply reply;
    enrol_as_peer(f);
    struct key_pair *other = key_pair_new(NULL);
    struct buffer csr = BUFFER_INIT(CERTIFICATE_REQUEST_MAX);
    assert_ok(certificate_request_new(other, &csr, &err));
    assert_fails(renew(f, &csr, &reply, &err), ERROR_DENIED);
    f->peer.key_sha256[0] ^= 1;
    assert_fails(renew(f, &f->csr, &reply, &err), ERROR_DENIED);
    f->peer.key_sha256[0] ^= 1;
    assert_ok(renew(f, &f->csr, &reply, &err));
    assert_ok(revocation_revoke(f->options.revocation, f->peer.node_id, &err));
    assert_int_equal(renew(f, &f->csr, &reply, &err), -1);
    assert_non_null(strstr(err.text, "is revoked"));
    error_clear(&err);
    snprintf(f->peer.node_id, sizeof(f->peer.node_id), "nas1"); /* a name is no id */
    assert_fails(renew(f, &f->csr, &reply, &err), ERROR_DENIED);
    buffer_clear(&csr);
    key_pair_free(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_and_a_key_become_a_node),
        TEST(a_lost_reply_is_asked_for_again_with_the_same_keys_only),
        TEST(each_refusal_says_why_and_costs_no_token),
        TEST(an_expired_token_is_refused),
        TEST(a_name_that_is_taken_leaves_the_token_unused),
        TEST(a_node_comes_back_under_its_name_with_its_keys),
        TEST(a_renewal_keeps_id_and_key_and_moves_the_end),
        TEST(a_renewal_with_another_key_or_of_a_stranger_is_denied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
