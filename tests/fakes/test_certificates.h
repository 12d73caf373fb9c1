#ifndef LONGHAUL_TESTS_FAKES_TEST_CERTIFICATES_H
#define LONGHAUL_TESTS_FAKES_TEST_CERTIFICATES_H

/* Certificates for tests, made on the spot with P-256 keys: an authority and what it signs. Every leaf is good
 * for "localhost" and 127.0.0.1. A failure aborts: it is the test's own. */

#include <stdint.h>

struct secret;
struct test_authority;

struct test_authority *test_authority_new(const char *name);
void test_authority_free(struct test_authority *authority);
/* The self-signed root; lives as long as the authority. */
const char *test_authority_pem(const struct test_authority *authority);
/* SHA-256 of its DER. */
void test_authority_fingerprint(const struct test_authority *authority, uint8_t out[32]);

struct test_leaf {
    char *certificate_pem; /* leaf, then the root */
    char *leaf_pem;        /* leaf alone */
    char *key_text;        /* PKCS #8 PEM, for files that other programs read */
    struct secret *key_pem;
};

/* node_id NULL: no URI SAN. Valid from an hour ago for a day. */
struct test_leaf *test_leaf_new(const struct test_authority *authority, const char *node_id);
/* Same, ended a minute ago. */
struct test_leaf *test_leaf_new_expired(const struct test_authority *authority, const char *node_id);
void test_leaf_free(struct test_leaf *leaf);

#endif
