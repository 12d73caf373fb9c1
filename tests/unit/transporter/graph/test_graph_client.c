#include "transporter/graph/graph_client.h"

#include "tests/unit/transporter/graph_fixture.h"
#include "transporter/graph/graph_hold.h"
#include "transporter/graph/graph_json.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>

static json_t *
get(struct graph_fixture *f, const char *url)
{
    const struct graph_request request = { .url = url, .service = GRAPH_DRIVE };
    error_clear(&f->err);
    return graph_client_json(f->graph, &request, NULL, &f->err);
}

static void
assert_get(struct graph_fixture *f, const char *url)
{
    json_t *json = get(f, url);
    if (json == NULL)
        print_message("%s\n", f->err.text);
    assert_non_null(json);
    json_decref(json);
}

static void
one_token_serves_many_requests(void **state)
{
    struct graph_fixture *f = *state;
    graph_fixture_allow(f);
    scripted_https_reply(f->server, "GET /v1.0/a", 200, "", "{\"n\":1}");
    scripted_https_reply(f->server, "GET /v1.0/b", 200, "", "{\"n\":2}");
    assert_get(f, "/a");
    assert_get(f, "/b");
    const char *form = scripted_https_request(f->server, 0);
    assert_non_null(strstr(form, "grant_type=client_credentials&client_id=app-1&scope=https%3A%2F%2Flocalhost%3A"));
    assert_non_null(strstr(form, "&client_secret=s%2Be%2Fc%3Dr~t"));
    assert_non_null(strstr(scripted_https_request(f->server, 2), "Authorization: Bearer tok.e30.sig\r\n"));
}

static void
the_token_is_renewed_before_it_ends(void **state)
{
    struct graph_fixture *f = *state;
    graph_fixture_allow(f);
    graph_fixture_allow(f);
    for (int i = 0; i < 3; i++)
        scripted_https_reply(f->server, "GET /v1.0/a", 200, "", "{}");
    assert_get(f, "/a");
    atomic_fetch_add(&f->now_ms, 3599000 - 301000);
    assert_get(f, "/a");
    atomic_fetch_add(&f->now_ms, 2000);
    assert_get(f, "/a");
    struct graph_counters counters;
    graph_client_counters(f->graph, &counters);
    assert_int_equal(counters.token_renewals, 2);
}

static void
a_refused_token_is_renewed_once(void **state)
{
    struct graph_fixture *f = *state;
    graph_fixture_allow(f);
    graph_fixture_allow(f);
    scripted_https_reply(f->server, "GET /v1.0/a", 401, "", "{\"error\":{\"code\":\"InvalidAuthenticationToken\"}}");
    scripted_https_reply(f->server, "GET /v1.0/a", 200, "", "{}");
    assert_get(f, "/a");
    graph_fixture_allow(f);
    scripted_https_reply(f->server, "GET /v1.0/b", 401, "", "");
    scripted_https_reply(f->server, "GET /v1.0/b", 401, "", "");
    assert_null(get(f, "/b"));
    assert_int_equal(f->err.kind, ERROR_UNAUTHENTICATED);
}

static void
sign_in_refusals_tell_what_to_do(void **state)
{
    struct graph_fixture *f = *state;
    scripted_https_reply(f->server, TOKEN_STEP, 401, "",
                         "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000222: expired\","
                         "\"error_codes\":[7000222]}");
    assert_null(get(f, "/a"));
    assert_int_equal(f->err.kind, ERROR_UNAUTHENTICATED);
    assert_string_equal(f->err.text,
                        "Microsoft sign-in: the client secret has expired: make a new one (AADSTS7000222)");
    /* Remembered: the endpoint is not asked again at once. */
    assert_null(get(f, "/a"));
    assert_int_equal(scripted_https_request_count(f->server), 1);
    atomic_fetch_add(&f->now_ms, 61000);
    graph_fixture_allow(f);
    scripted_https_reply(f->server, "GET /v1.0/a", 200, "", "{}");
    assert_get(f, "/a");
}

static void
retry_after_is_obeyed(void **state)
{
    struct graph_fixture *f = *state;
    graph_fixture_allow(f);
    scripted_https_reply(f->server, "GET /v1.0/a", 429,
                         "retry-after: 31\r\nRateLimit-Limit: 1250\r\n"
                         "RateLimit-Remaining: 0\r\nRateLimit-Reset: 45\r\n",
                         "{\"error\":{\"code\":\"activityLimitReached\"}}");
    scripted_https_reply(f->server, "GET /v1.0/a", 503, "Retry-After: 7\r\n", "");
    scripted_https_reply(f->server, "GET /v1.0/a", 200, "", "{}");
    assert_get(f, "/a");
    assert_true(atomic_load(&f->waited_ms) >= 45000 + 7000);
    struct graph_counters counters;
    graph_client_counters(f->graph, &counters);
    assert_int_equal(counters.throttled, 2);
    assert_true(counters.throttled_ms >= 52000);
}

static void
throttling_without_an_end_is_given_up(void **state)
{
    struct graph_fixture *f = *state;
    scripted_https_reply(f->server, TOKEN_STEP, 200, "",
                         "{\"token_type\":\"Bearer\",\"expires_in\":86400,\"access_token\":\"tok.e30.sig\"}");
    for (int i = 0; i < 4; i++)
        scripted_https_reply(f->server, "GET /v1.0/a", 429, "Retry-After: 500\r\n", "");
    assert_null(get(f, "/a"));
    assert_int_equal(f->err.kind, ERROR_THROTTLED);
    assert_int_equal(f->err.retry_after_ms, 500 * 1000);
    assert_in_range(atomic_load(&f->waited_ms), 3 * 500 * 1000, GRAPH_HOLD_PATIENCE_MS);
    struct graph_counters counters;
    graph_client_counters(f->graph, &counters);
    assert_int_equal(counters.throttled_ms, atomic_load(&f->waited_ms));
    /* Other work has a patience of its own, and heeds the same pause. */
    struct graph_hold hold;
    graph_hold_init(&hold, 600 * 1000);
    struct graph_client *share = graph_client_share(f->graph, &hold);
    const struct graph_request request = { .url = "/a", .service = GRAPH_DRIVE };
    error_clear(&f->err);
    scripted_https_reply(f->server, "GET /v1.0/a", 200, "", "{}");
    json_t *json = graph_client_json(share, &request, NULL, &f->err);
    assert_non_null(json);
    json_decref(json);
    graph_client_counters(share, &counters);
    assert_int_equal(counters.throttled_ms, 500 * 1000);
    assert_int_equal(counters.requests, 1);
    assert_ptr_equal(graph_client_base(share), f->graph);
    graph_client_free(share);
    graph_hold_clear(&hold);
}

static void
a_pause_longer_than_the_patience_is_not_waited_for(void **state)
{
    struct graph_fixture *f = *state;
    graph_fixture_allow(f);
    scripted_https_reply(f->server, "GET /v1.0/a", 503, "Retry-After: 3600\r\n", "");
    assert_null(get(f, "/a"));
    assert_int_equal(f->err.kind, ERROR_THROTTLED);
    assert_int_equal(f->err.retry_after_ms, 3600 * 1000);
    assert_int_equal(atomic_load(&f->waited_ms), 0);
    assert_non_null(strstr(f->err.text, "allows no request before 2026-01-01 01:00:00 UTC (in 60 min"));
    /* Nobody asks before that. */
    assert_null(get(f, "/a"));
    assert_int_equal(f->err.kind, ERROR_THROTTLED);
    assert_int_equal(scripted_https_request_count(f->server), 2);
}

static void
passing_faults_are_repeated_and_lasting_ones_reported(void **state)
{
    struct graph_fixture *f = *state;
    graph_fixture_allow(f);
    scripted_https_reply(f->server, "GET /v1.0/a", 502, "", "<html>bad gateway</html>");
    scripted_https_cut(f->server, "GET /v1.0/a", 200, "", "{\"value\":[1,2,3]}", 5);
    scripted_https_reply(f->server, "GET /v1.0/a", 200, "", "{\"value\":[1,2");
    scripted_https_reply(f->server, "GET /v1.0/a", 200, "", "{\"value\":[1,2,3]}");
    assert_get(f, "/a");
    for (int i = 0; i < 3; i++)
        scripted_https_reply(f->server, "GET /v1.0/b", 500, "request-id: 77\r\n",
                             "{\"error\":{\"code\":\"x\",\"innerError\":{\"code\":\"y\"}}}");
    assert_null(get(f, "/b"));
    assert_int_equal(f->err.kind, ERROR_UNAVAILABLE);
    assert_int_equal(f->err.native, 500);
    assert_string_equal(f->err.text,
                        "Microsoft Graph answered 500 x/y (request-id 77): a fault of the service; try again later");
}

static void
the_token_stays_with_its_server(void **state)
{
    struct graph_fixture *f = *state;
    assert_null(get(f, "https://elsewhere.example/x"));
    assert_int_equal(f->err.kind, ERROR_FORMAT);
    assert_null(get(f, "http://localhost/x"));
    assert_int_equal(f->err.kind, ERROR_FORMAT);
    assert_int_equal(scripted_https_request_count(f->server), 0);
    scripted_https_reply(f->server, "GET /down", 200, "", "{}");
    char url[128];
    snprintf(url, sizeof(url), "%s/down", scripted_https_origin(f->server));
    const struct graph_request request = { .url = url, .preauthenticated = true };
    json_decref(graph_client_json(f->graph, &request, NULL, &f->err));
    assert_null(strstr(scripted_https_request(f->server, 0), "Authorization"));
}

static char *
pem_text(BIO *bio)
{
    char *data, *out = memory_new(8192);
    long len = BIO_get_mem_data(bio, &data);
    size_t n = 0;
    for (long i = 0; i < len; i++) {
        if (data[i] == '\n')
            out[n++] = '\\';
        out[n++] = data[i] == '\n' ? 'n' : data[i];
    }
    BIO_free(bio);
    return out;
}

static void
a_certificate_signs_the_request(void **state)
{
    struct graph_fixture *f = *state;
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *certificate = X509_new();
    X509_set_pubkey(certificate, key);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_sign(certificate, key, EVP_sha256());
    BIO *a = BIO_new(BIO_s_mem()), *b = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(a, certificate);
    PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL);
    char *certificate_text = pem_text(a), *key_text = pem_text(b);
    char *proof = memory_printf("\"certificate_pem\":\"%s\",\"private_key_pem\":\"%s\"", certificate_text, key_text);
    graph_fixture_connect(f, proof);
    graph_fixture_allow(f);
    assert_int_equal(graph_client_check(f->graph, NULL, NULL, &f->err), 0);
    const char *form = scripted_https_request(f->server, 0);
    assert_non_null(strstr(form, "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type"));
    assert_non_null(strstr(form, "&client_assertion=eyJ"));
    assert_null(strstr(form, "client_secret"));
    free(proof);
    free(certificate_text);
    free(key_text);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void
missing_roles_are_named(void **state)
{
    struct graph_fixture *f = *state;
    static const char *const wanted[] = { "Mail.Read", "Files.Read.All", "User.Read.All", NULL };
    struct buffer missing = BUFFER_INIT(1024);
    /* {"roles":["Mail.Read"]} */
    scripted_https_reply(f->server, TOKEN_STEP, 200, "",
                         "{\"expires_in\":3599,\"access_token\":\"h.eyJyb2xlcyI6WyJNYWlsLlJlYWQiXX0.s\"}");
    assert_int_equal(graph_client_check(f->graph, wanted, &missing, &f->err), 0);
    assert_string_equal(buffer_text(&missing, NULL), "Files.Read.All, User.Read.All");
    buffer_clear(&missing);
}

static void *
get_from_mailbox(void *ctx)
{
    struct graph_fixture *f = ctx;
    const struct graph_request request = { .url = "/m", .service = GRAPH_EXCHANGE, .mailbox = "u1" };
    for (int i = 0; i < 3; i++)
        json_decref(graph_client_json(f->graph, &request, NULL, NULL));
    return NULL;
}

static void
a_mailbox_sees_four_requests_at_most(void **state)
{
    struct graph_fixture *f = *state;
    pthread_t threads[8];
    graph_fixture_allow(f);
    scripted_https_reply(f->server, "GET /v1.0/a", 200, "", "{}");
    assert_get(f, "/a");
    scripted_https_delay(f->server, 5);
    for (int i = 0; i < 24; i++)
        scripted_https_reply(f->server, "GET /v1.0/m", 200, "", "{}");
    for (size_t i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, get_from_mailbox, f);
    for (size_t i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    assert_true(scripted_https_peak(f->server) <= GRAPH_MAILBOX_SLOTS);
}

int
main(void)
{
#define GRAPH_TEST(name) cmocka_unit_test_setup_teardown(name, graph_fixture_set_up, graph_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        GRAPH_TEST(one_token_serves_many_requests),
        GRAPH_TEST(the_token_is_renewed_before_it_ends),
        GRAPH_TEST(a_refused_token_is_renewed_once),
        GRAPH_TEST(sign_in_refusals_tell_what_to_do),
        GRAPH_TEST(retry_after_is_obeyed),
        GRAPH_TEST(passing_faults_are_repeated_and_lasting_ones_reported),
        GRAPH_TEST(throttling_without_an_end_is_given_up),
        GRAPH_TEST(a_pause_longer_than_the_patience_is_not_waited_for),
        GRAPH_TEST(the_token_stays_with_its_server),
        GRAPH_TEST(a_certificate_signs_the_request),
        GRAPH_TEST(missing_roles_are_named),
        GRAPH_TEST(a_mailbox_sees_four_requests_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
