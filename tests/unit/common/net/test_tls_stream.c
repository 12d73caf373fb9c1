#include "common/net/tls_stream.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/net/net_pool.h"
#include "tests/fakes/rpc_fixture.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Two streams with no sockets in between. */
struct pair {
    struct net_pool *pool;
    struct tls_stream *client, *server;
    struct error client_error, server_error;
    int client_done, server_done;
};

static struct test_authority *authority, *stranger;
static struct test_leaf *server_leaf, *client_leaf, *expired_leaf, *nameless_leaf, *strange_leaf;

static int
set_up(void **state)
{
    (void)state;
    authority = test_authority_new("Authority");
    stranger = test_authority_new("Stranger");
    server_leaf = test_leaf_new(authority, "director-a");
    client_leaf = test_leaf_new(authority, "transporter-b");
    expired_leaf = test_leaf_new_expired(authority, "node-old");
    nameless_leaf = test_leaf_new(authority, NULL);
    strange_leaf = test_leaf_new(stranger, "node-strange");
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    test_leaf_free(server_leaf);
    test_leaf_free(client_leaf);
    test_leaf_free(expired_leaf);
    test_leaf_free(nameless_leaf);
    test_leaf_free(strange_leaf);
    test_authority_free(authority);
    test_authority_free(stranger);
    return 0;
}

static struct tls_stream *
stream_new(struct pair *pair, struct tls_context *context, const char *host, const char *expected_node)
{
    struct error err = ERROR_INIT;
    struct tls_stream_options options = {
        .context = context, .pool = pair->pool, .host = host, .expected_node = expected_node
    };
    struct tls_stream *stream = tls_stream_new(&options, &err);
    assert_non_null(stream);
    return stream;
}

static bool
carry(struct pair *pair, struct tls_stream *from, struct tls_stream *to, int *done, struct error *err,
      struct buffer *plain)
{
    struct net_chunk *chunk = tls_stream_take(from);
    bool some = chunk != NULL;
    for (struct net_chunk *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        tls_stream_feed(to, chunk->bytes, chunk->len);
        if (*done == 0)
            *done = tls_stream_handshake(to, err);
        while (*done == 1) {
            uint8_t out[20000];
            bool ended;
            int n = tls_stream_read(to, out, sizeof(out), &ended, err);
            if (n <= 0) {
                *done = n < 0 ? -1 : 1;
                break;
            }
            buffer_append(plain, out, (size_t)n, NULL);
        }
        net_pool_give(pair->pool, chunk);
    }
    return some;
}

static void
pump(struct pair *pair, struct buffer *at_client, struct buffer *at_server)
{
    bool moved = true;
    while (moved) {
        moved = carry(pair, pair->client, pair->server, &pair->server_done, &pair->server_error, at_server);
        moved = carry(pair, pair->server, pair->client, &pair->client_done, &pair->client_error, at_client) || moved;
    }
}

static void
pair_init(struct pair *pair, struct tls_context *client, struct tls_context *server, const char *expected_node)
{
    struct buffer none = BUFFER_INIT(0);
    *pair = (struct pair){ .pool = net_pool_new() };
    pair->client = stream_new(pair, client, "localhost", expected_node);
    pair->server = stream_new(pair, server, NULL, NULL);
    tls_context_free(client);
    tls_context_free(server);
    assert_int_equal(tls_stream_handshake(pair->client, &pair->client_error), 0);
    pump(pair, &none, &none);
}

static void
pair_clear(struct pair *pair)
{
    tls_stream_free(pair->client);
    tls_stream_free(pair->server);
    net_pool_free(pair->pool);
}

static struct tls_context *
good_client(void)
{
    return rpc_fixture_tls(authority, client_leaf, false);
}

static struct tls_context *
good_server(void)
{
    return rpc_fixture_tls(authority, server_leaf, true);
}

static void
both_sides_learn_who_the_other_is(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, good_client(), good_server(), "director-a");
    assert_int_equal(pair.client_done, 1);
    assert_int_equal(pair.server_done, 1);
    const struct tls_peer *peer = tls_stream_peer(pair.server);
    assert_string_equal(peer->node_id, "transporter-b");
    assert_string_equal(peer->version, "TLSv1.3");
    assert_string_equal(tls_stream_peer(pair.client)->node_id, "director-a");
    assert_memory_not_equal(peer->key_sha256, tls_stream_peer(pair.client)->key_sha256, 32);
    assert_true(peer->certificate_expires_ms > 1700000000000);
    pair_clear(&pair);
}

static void
bytes_come_through_in_both_directions(void **state)
{
    (void)state;
    struct pair pair;
    struct buffer at_client = BUFFER_INIT(4 << 20), at_server = BUFFER_INIT(4 << 20);
    CLEANUP(memory_free_p) uint8_t *bytes = memory_new(1000003);
    for (size_t i = 0; i < 1000003; i++)
        bytes[i] = (uint8_t)(i ^ i >> 8);
    pair_init(&pair, good_client(), good_server(), NULL);
    struct error err = ERROR_INIT;
    assert_int_equal(tls_stream_write(pair.client, bytes, 9, &err), 0);
    assert_int_equal(tls_stream_write(pair.client, bytes + 9, 1000003 - 9, &err), 0);
    assert_int_equal(tls_stream_flush(pair.client, &err), 0);
    assert_int_equal(tls_stream_write(pair.server, bytes, 777, &err), 0);
    assert_int_equal(tls_stream_flush(pair.server, &err), 0);
    pump(&pair, &at_client, &at_server);
    assert_int_equal(at_server.len, 1000003);
    assert_memory_equal(at_server.data, bytes, 1000003);
    assert_int_equal(at_client.len, 777);
    assert_memory_equal(at_client.data, bytes, 777);
    buffer_clear(&at_client);
    buffer_clear(&at_server);
    pair_clear(&pair);
}

static void
expect_client_failure(struct tls_context *client, struct tls_context *server, const char *node, const char *text)
{
    struct pair pair;
    pair_init(&pair, client, server, node);
    assert_int_equal(pair.client_done, -1);
    if (strstr(pair.client_error.text, text) == NULL)
        fail_msg("\"%s\" instead of \"%s\"", pair.client_error.text, text);
    assert_int_equal(pair.client_error.kind, ERROR_UNAUTHENTICATED);
    pair_clear(&pair);
}

static void
a_client_says_what_is_wrong_with_the_server(void **state)
{
    (void)state;
    expect_client_failure(rpc_fixture_tls(stranger, client_leaf, false), good_server(), NULL,
                          "not signed by an authority that is trusted here");
    expect_client_failure(good_client(), rpc_fixture_tls(authority, expired_leaf, true), NULL,
                          "the peer's certificate has expired");
    expect_client_failure(good_client(), good_server(), "director-b",
                          "the peer is node \"director-a\", expected was \"director-b\"");
}

static void
a_client_says_why_it_was_refused(void **state)
{
    (void)state;
    expect_client_failure(rpc_fixture_tls(authority, strange_leaf, false), good_server(), NULL,
                          "it does not trust the authority that signed it");
    expect_client_failure(rpc_fixture_tls(authority, expired_leaf, false), good_server(), NULL,
                          "the peer refused our certificate: it has expired");
    expect_client_failure(rpc_fixture_tls(authority, NULL, false), good_server(), NULL,
                          "the peer refused us: it wants a client certificate");
}

static void
a_client_certificate_must_name_a_node(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, rpc_fixture_tls(authority, nameless_leaf, false), good_server(), NULL);
    assert_int_equal(pair.server_done, -1);
    assert_string_equal(pair.server_error.text, "the peer's certificate names no node");
    pair_clear(&pair);
}

static void
an_anonymous_client_may_be_let_in(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct tls_options options = { .server = true,
                                   .certificate_pem = server_leaf->leaf_pem,
                                   .key_pem = server_leaf->key_pem,
                                   .trust_pem = test_authority_pem(authority),
                                   .anonymous_allowed = true };
    struct pair pair;
    pair_init(&pair, rpc_fixture_tls(authority, NULL, false), tls_context_new(&options, &err), NULL);
    assert_int_equal(pair.server_done, 1);
    assert_string_equal(tls_stream_peer(pair.server)->node_id, "");
    pair_clear(&pair);
}

static struct tls_context *
pinned_client(const struct test_authority *root)
{
    struct error err = ERROR_INIT;
    uint8_t fingerprint[32];
    test_authority_fingerprint(root, fingerprint);
    struct tls_options options = { .pinned_root = fingerprint };
    struct tls_context *context = tls_context_new(&options, &err);
    assert_non_null(context);
    return context;
}

static struct tls_context *
anonymous_server(const struct test_leaf *leaf)
{
    struct error err = ERROR_INIT;
    struct tls_options options = { .server = true,
                                   .certificate_pem = leaf->leaf_pem, /* the root comes from the trust */
                                   .key_pem = leaf->key_pem,
                                   .trust_pem = test_authority_pem(authority),
                                   .anonymous_allowed = true };
    struct tls_context *context = tls_context_new(&options, &err);
    assert_non_null(context);
    return context;
}

static void
a_pinned_root_is_enough_to_trust(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, pinned_client(authority), anonymous_server(server_leaf), NULL);
    assert_string_equal(pair.client_error.text, "");
    assert_int_equal(pair.client_done, 1);
    pair_clear(&pair);
    expect_client_failure(pinned_client(stranger), anonymous_server(server_leaf), NULL, "expected fingerprint");
    expect_client_failure(pinned_client(authority), anonymous_server(expired_leaf), NULL, "has expired");
}

static void
a_replaced_certificate_serves_new_connections(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct pair pair, again;
    struct test_leaf *renewed = test_leaf_new(authority, "director-a");
    struct tls_context *server = good_server();
    pair_init(&pair, good_client(), tls_context_retain(server), NULL);
    assert_int_equal(tls_context_replace(server, renewed->certificate_pem, renewed->key_pem, &err), 0);
    pair_init(&again, good_client(), tls_context_retain(server), NULL);
    assert_int_equal(pair.client_done, 1);
    assert_int_equal(again.client_done, 1);
    assert_memory_not_equal(tls_stream_peer(pair.client)->key_sha256, tls_stream_peer(again.client)->key_sha256, 32);
    assert_int_equal(tls_context_replace(server, renewed->certificate_pem, client_leaf->key_pem, &err), -1);
    assert_int_equal(err.kind, ERROR_CONFIG);
    pair_clear(&pair);
    pair_clear(&again);
    tls_context_free(server);
    test_leaf_free(renewed);
}

/* A peer made of nothing but OpenSSL, that stops at TLS 1.2. */
static SSL *
old_peer(bool server, BIO **in, BIO **out)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    if (server) {
        BIO *bio = BIO_new_mem_buf(server_leaf->certificate_pem, -1);
        X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        BIO_free(bio);
        bio = BIO_new_mem_buf(server_leaf->key_text, -1);
        EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
        BIO_free(bio);
        SSL_CTX_use_certificate(ctx, x);
        SSL_CTX_use_PrivateKey(ctx, key);
        X509_free(x);
        EVP_PKEY_free(key);
    }
    SSL *ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    *in = BIO_new(BIO_s_mem());
    *out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, *in, *out);
    if (server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return ssl;
}

static void
hand_over(BIO *out, struct tls_stream *stream, int *done, struct error *err)
{
    char *bytes = NULL;
    long len = BIO_get_mem_data(out, &bytes);
    if (len > 0) {
        tls_stream_feed(stream, (const uint8_t *)bytes, (size_t)len);
        *done = tls_stream_handshake(stream, err);
    }
}

static void
a_peer_below_the_floor_is_named(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct pair pair = { .pool = net_pool_new() };
    BIO *in, *out;
    SSL *ssl = old_peer(false, &in, &out);
    struct tls_context *context = good_server();
    struct tls_stream *stream = stream_new(&pair, context, NULL, NULL);
    int done = 0;
    SSL_do_handshake(ssl);
    hand_over(out, stream, &done, &err);
    assert_int_equal(done, -1);
    assert_int_equal(err.kind, ERROR_UNSUPPORTED);
    assert_string_equal(err.text, "peer offered TLS 1.2, floor is TLS 1.3");
    assert_true(tls_stream_pending(stream) > 0); /* the alert */
    tls_stream_free(stream);
    tls_context_free(context);
    SSL_free(ssl);
    net_pool_free(pair.pool);
}

static void
a_server_below_the_floor_is_named(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct pair pair = { .pool = net_pool_new() };
    BIO *in, *out;
    SSL *ssl = old_peer(true, &in, &out);
    struct tls_context *context = good_client();
    struct tls_stream *stream = stream_new(&pair, context, "localhost", NULL);
    int done = 0;
    assert_int_equal(tls_stream_handshake(stream, &err), 0);
    struct net_chunk *chunk = tls_stream_take(stream);
    BIO_write(in, chunk->bytes, (int)chunk->len);
    net_pool_give(pair.pool, chunk);
    SSL_do_handshake(ssl);
    hand_over(out, stream, &done, &err);
    assert_int_equal(done, -1);
    assert_int_equal(err.kind, ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "peer offered TLS 1.2"));
    assert_non_null(strstr(err.text, "floor is TLS 1.3"));
    tls_stream_free(stream);
    tls_context_free(context);
    SSL_free(ssl);
    net_pool_free(pair.pool);
}

static void
a_host_name_can_be_demanded(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct tls_options options = { .certificate_pem = client_leaf->certificate_pem,
                                   .key_pem = client_leaf->key_pem,
                                   .trust_pem = test_authority_pem(authority),
                                   .check_host_name = true };
    struct pair pair = { .pool = net_pool_new() };
    struct tls_context *client = tls_context_new(&options, &err), *server = good_server();
    struct buffer none = BUFFER_INIT(0);
    pair.client = stream_new(&pair, client, "elsewhere.example", NULL);
    pair.server = stream_new(&pair, server, NULL, NULL);
    assert_int_equal(tls_stream_handshake(pair.client, &pair.client_error), 0);
    pump(&pair, &none, &none);
    assert_int_equal(pair.client_done, -1);
    assert_string_equal(pair.client_error.text, "the peer's certificate is for another host name");
    tls_context_free(client);
    tls_context_free(server);
    pair_clear(&pair);
}

static void
bytes_that_are_not_tls_are_refused(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct pair pair = { .pool = net_pool_new() };
    struct tls_context *context = good_server();
    struct tls_stream *stream = stream_new(&pair, context, NULL, NULL);
    tls_stream_feed(stream, (const uint8_t *)"GET / HTTP/1.1\r\n\r\n", 18);
    assert_int_equal(tls_stream_handshake(stream, &err), -1);
    assert_string_equal(err.text, "the peer does not speak TLS");
    tls_stream_free(stream);
    tls_context_free(context);
    net_pool_free(pair.pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_learn_who_the_other_is),
        cmocka_unit_test(bytes_come_through_in_both_directions),
        cmocka_unit_test(a_client_says_what_is_wrong_with_the_server),
        cmocka_unit_test(a_client_says_why_it_was_refused),
        cmocka_unit_test(a_client_certificate_must_name_a_node),
        cmocka_unit_test(an_anonymous_client_may_be_let_in),
        cmocka_unit_test(a_pinned_root_is_enough_to_trust),
        cmocka_unit_test(a_replaced_certificate_serves_new_connections),
        cmocka_unit_test(a_peer_below_the_floor_is_named),
        cmocka_unit_test(a_server_below_the_floor_is_named),
        cmocka_unit_test(a_host_name_can_be_demanded),
        cmocka_unit_test(bytes_that_are_not_tls_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
