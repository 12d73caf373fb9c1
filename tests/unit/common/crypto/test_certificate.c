#include "common/crypto/certificate.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/fakes/fake_clock.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define DAY_MS INT64_C(86400000)

struct fixture {
    struct fake_clock fake;
    struct key_pair *root_key, *key;
    char *root;
    struct buffer request;
    struct certificate_issue issue;
};

static int
set_up(void **state)
{
    struct fixture *f = MEMORY_NEW(struct fixture);
    fake_clock_init(&f->fake, 1);
    f->root_key = key_pair_new(NULL);
    f->key = key_pair_new(NULL);
    f->root = certificate_issue_authority(&f->fake.clock, f->root_key, "Longhaul test", 365 * DAY_MS, NULL);
    buffer_init(&f->request, CERTIFICATE_REQUEST_MAX);
    if (f->root == NULL || certificate_request_new(f->key, &f->request, NULL) != 0)
        return -1;
    f->issue = (struct certificate_issue){ .clock = &f->fake.clock,
                                           .authority_pem = f->root,
                                           .authority_key = f->root_key,
                                           .request_der = f->request.data,
                                           .request_len = f->request.len,
                                           .node_id = "transporter-1",
                                           .lifetime_ms = 30 * DAY_MS };
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    key_pair_free(f->root_key);
    key_pair_free(f->key);
    free(f->root);
    buffer_clear(&f->request);
    free(f);
    return 0;
}

static X509 *
parse(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return x509;
}

static void
a_leaf_says_who_holds_it_and_until_when(void **state)
{
    struct fixture *f = *state;
    CLEANUP(memory_free_p) char *leaf = certificate_issue(&f->issue, NULL);
    struct certificate_info info;
    uint8_t key[32], requested[32];
    assert_int_equal(certificate_inspect(leaf, &info, NULL), 0);
    assert_string_equal(info.node_id, "transporter-1");
    assert_int_equal(info.not_before_ms, FAKE_CLOCK_START_MS - 5 * 60 * 1000);
    assert_int_equal(info.not_after_ms, FAKE_CLOCK_START_MS + 30 * DAY_MS);
    key_pair_spki_sha256(f->key, key);
    assert_memory_equal(info.key_sha256, key, 32);
    assert_int_equal(certificate_request_check(f->request.data, f->request.len, requested, NULL), 0);
    assert_memory_equal(requested, key, 32);
    assert_int_equal(certificate_check_issued(leaf, f->root, f->key, "transporter-1", FAKE_CLOCK_START_MS, NULL), 0);
}

static void
a_leaf_serves_and_calls_and_signs_nothing(void **state)
{
    struct fixture *f = *state;
    CLEANUP(memory_free_p) char *leaf = certificate_issue(&f->issue, NULL);
    X509 *x509 = parse(leaf), *root = parse(f->root);
    assert_int_equal(X509_check_ca(x509), 0);
    assert_int_equal(X509_check_ca(root), 1);
    assert_int_equal(X509_check_purpose(x509, X509_PURPOSE_SSL_CLIENT, 0), 1);
    assert_int_equal(X509_check_purpose(x509, X509_PURPOSE_SSL_SERVER, 0), 1);
    assert_int_equal(X509_get_key_usage(x509), KU_DIGITAL_SIGNATURE);
    assert_int_equal(X509_get_key_usage(root), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    assert_int_equal(X509_get_pathlen(root), 0);
    assert_int_equal(X509_get_extended_key_usage(x509), XKU_SSL_SERVER | XKU_SSL_CLIENT);
    BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), NULL);
    assert_true(BN_num_bits(serial) > 64 && BN_num_bits(serial) <= 128 && !BN_is_negative(serial));
    BN_free(serial);
    X509_free(x509);
    X509_free(root);
}

static void
host_names_and_addresses_are_alternative_names(void **state)
{
    struct fixture *f = *state;
    const char *names[] = { "director.example", "127.0.0.1", "::1" };
    f->issue.host_names = names;
    f->issue.host_name_count = 3;
    CLEANUP(memory_free_p) char *leaf = certificate_issue(&f->issue, NULL);
    X509 *x509 = parse(leaf);
    assert_int_equal(X509_check_host(x509, "director.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(x509, "other.example", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(x509, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(x509, "::1", 0), 1);
    X509_free(x509);
    names[0] = "a.example,URI:urn:longhaul:node:director-1";
    struct error err = ERROR_INIT;
    assert_null(certificate_issue(&f->issue, &err));
    assert_int_equal(err.kind, ERROR_USAGE);
}

static void
a_leaf_never_outlives_its_authority(void **state)
{
    struct fixture *f = *state;
    f->issue.lifetime_ms = 400 * DAY_MS;
    CLEANUP(memory_free_p) char *leaf = certificate_issue(&f->issue, NULL);
    struct certificate_info info, root;
    assert_int_equal(certificate_inspect(leaf, &info, NULL), 0);
    assert_int_equal(certificate_inspect(f->root, &root, NULL), 0);
    assert_int_equal(info.not_after_ms, root.not_after_ms);
    fake_clock_advance(&f->fake, 366 * DAY_MS);
    struct error err = ERROR_INIT;
    assert_null(certificate_issue(&f->issue, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
}

static void
denied(const struct fixture *f, const char *leaf, const struct key_pair *key, int64_t now_ms, const char *text)
{
    struct error err = ERROR_INIT;
    assert_int_equal(certificate_check_issued(leaf, f->root, key, "transporter-1", now_ms, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_non_null(strstr(err.text, text));
}

static void
a_certificate_that_is_not_ours_is_refused_with_the_reason(void **state)
{
    struct fixture *f = *state;
    CLEANUP(memory_free_p) char *leaf = certificate_issue(&f->issue, NULL);
    denied(f, leaf, f->root_key, FAKE_CLOCK_START_MS, "another key");
    denied(f, leaf, f->key, FAKE_CLOCK_START_MS + 31 * DAY_MS, "expired");
    denied(f, leaf, f->key, FAKE_CLOCK_START_MS - DAY_MS / 24, "not yet valid");
    f->issue.node_id = "transporter-2";
    CLEANUP(memory_free_p) char *other_node = certificate_issue(&f->issue, NULL);
    denied(f, other_node, f->key, FAKE_CLOCK_START_MS, "transporter-2");
    CLEANUP(key_pair_free_p) struct key_pair *stranger = key_pair_new(NULL);
    CLEANUP(memory_free_p)
    char *other_root = certificate_issue_authority(&f->fake.clock, stranger, "Longhaul test", DAY_MS, NULL);
    f->issue.node_id = "transporter-1";
    f->issue.authority_pem = other_root;
    f->issue.authority_key = stranger;
    CLEANUP(memory_free_p) char *forged = certificate_issue(&f->issue, NULL);
    denied(f, forged, f->key, FAKE_CLOCK_START_MS, "not good");
}

static void
a_request_proves_that_its_key_is_held(void **state)
{
    struct fixture *f = *state;
    uint8_t key[32];
    for (size_t i = 0; i < f->request.len; i++) {
        struct error err = ERROR_INIT;
        f->request.data[i] ^= 1;
        assert_int_equal(certificate_request_check(f->request.data, f->request.len, key, &err), -1);
        assert_int_equal(err.kind, ERROR_FORMAT);
        assert_null(certificate_issue(&f->issue, NULL));
        f->request.data[i] ^= 1;
    }
    for (size_t len = 0; len < f->request.len; len++)
        assert_int_equal(certificate_request_check(f->request.data, len, key, NULL), -1);
    assert_int_equal(buffer_append_u8(&f->request, 0, NULL), 0);
    assert_int_equal(certificate_request_check(f->request.data, f->request.len, key, NULL), -1);
}

static void
requests_for_other_kinds_of_keys_are_refused(void **state)
{
    (void)state;
    EVP_PKEY *keys[] = { EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), EVP_EC_gen("P-384") };
    for (size_t i = 0; i < 2; i++) {
        X509_REQ *request = X509_REQ_new();
        X509_REQ_set_pubkey(request, keys[i]);
        assert_true(X509_REQ_sign(request, keys[i], i == 0 ? NULL : EVP_sha256()) > 0);
        uint8_t *der = NULL, key[32];
        int len = i2d_X509_REQ(request, &der);
        struct error err = ERROR_INIT;
        assert_int_equal(certificate_request_check(der, (size_t)len, key, &err), -1);
        assert_non_null(strstr(err.text, "P-256"));
        OPENSSL_free(der);
        X509_REQ_free(request);
        EVP_PKEY_free(keys[i]);
    }
}

static void
a_fingerprint_is_of_the_whole_certificate(void **state)
{
    struct fixture *f = *state;
    char text[CERTIFICATE_FINGERPRINT_LEN];
    struct certificate_info info;
    assert_int_equal(certificate_fingerprint(f->root, text, NULL), 0);
    assert_int_equal(strlen(text), 64);
    assert_int_equal(certificate_inspect(f->root, &info, NULL), 0);
    assert_string_equal(info.node_id, "");
    struct error err = ERROR_INIT;
    assert_int_equal(certificate_fingerprint("no certificate", text, &err), -1);
    assert_int_equal(err.kind, ERROR_FORMAT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_leaf_says_who_holds_it_and_until_when),
        TEST(a_leaf_serves_and_calls_and_signs_nothing),
        TEST(host_names_and_addresses_are_alternative_names),
        TEST(a_leaf_never_outlives_its_authority),
        TEST(a_certificate_that_is_not_ours_is_refused_with_the_reason),
        TEST(a_request_proves_that_its_key_is_held),
        cmocka_unit_test(requests_for_other_kinds_of_keys_are_refused),
        TEST(a_fingerprint_is_of_the_whole_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
