#include "tests/fakes/test_certificates.h"

#include "common/base/memory.h"
#include "common/base/secret.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR (60L * 60)

struct test_authority {
    X509 *root;
    EVP_PKEY *key;
    char *pem;
};

static void
must(int ok, const char *what)
{
    if (ok <= 0) {
        fprintf(stderr, "test certificates: %s failed\n", what);
        abort();
    }
}

static char *
text_of(BIO *bio)
{
    char *bytes = NULL;
    long len = BIO_get_mem_data(bio, &bytes);
    char *text = memory_new((size_t)len + 1);
    memcpy(text, bytes, (size_t)len);
    BIO_free(bio);
    return text;
}

static char *
certificate_text(X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    must(PEM_write_bio_X509(bio, certificate), "PEM_write_bio_X509");
    return text_of(bio);
}

static X509 *
certificate_begin(EVP_PKEY *key, const char *name, long from, long to)
{
    uint64_t serial = 0;
    X509 *x = X509_new();
    must(RAND_bytes((uint8_t *)&serial, sizeof(serial)), "RAND_bytes");
    must(X509_set_version(x, X509_VERSION_3), "X509_set_version");
    must(ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1), "serial");
    must(X509_gmtime_adj(X509_getm_notBefore(x), from) != NULL, "notBefore");
    must(X509_gmtime_adj(X509_getm_notAfter(x), to) != NULL, "notAfter");
    must(X509_set_pubkey(x, key), "X509_set_pubkey");
    must(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const uint8_t *)name, -1, -1, 0),
         "subject");
    return x;
}

static void
add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    must(extension != NULL, value);
    must(X509_add_ext(x, extension, -1), "X509_add_ext");
    X509_EXTENSION_free(extension);
}

struct test_authority *
test_authority_new(const char *name)
{
    struct test_authority *authority = MEMORY_NEW(struct test_authority);
    authority->key = EVP_EC_gen("P-256");
    must(authority->key != NULL, "EVP_EC_gen");
    X509 *root = certificate_begin(authority->key, name, -HOUR, 24 * HOUR);
    must(X509_set_issuer_name(root, X509_get_subject_name(root)), "issuer");
    add_extension(root, root, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(root, root, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(root, root, NID_subject_key_identifier, "hash");
    must(X509_sign(root, authority->key, EVP_sha256()), "X509_sign");
    authority->root = root;
    authority->pem = certificate_text(root);
    return authority;
}

void
test_authority_free(struct test_authority *authority)
{
    if (authority == NULL)
        return;
    X509_free(authority->root);
    EVP_PKEY_free(authority->key);
    free(authority->pem);
    free(authority);
}

const char *
test_authority_pem(const struct test_authority *authority)
{
    return authority->pem;
}

void
test_authority_fingerprint(const struct test_authority *authority, uint8_t out[32])
{
    unsigned len = 0;
    must(X509_digest(authority->root, EVP_sha256(), out, &len), "X509_digest");
}

static struct test_leaf *
leaf_new(const struct test_authority *authority, const char *node_id, long from, long to)
{
    struct test_leaf *leaf = MEMORY_NEW(struct test_leaf);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    must(key != NULL, "EVP_EC_gen");
    X509 *x = certificate_begin(key, node_id != NULL ? node_id : "no node", from, to);
    must(X509_set_issuer_name(x, X509_get_subject_name(authority->root)), "issuer");
    char names[256];
    snprintf(names, sizeof(names), "DNS:localhost,IP:127.0.0.1%s%s", node_id != NULL ? ",URI:urn:longhaul:node:" : "",
             node_id != NULL ? node_id : "");
    add_extension(x, authority->root, NID_subject_alt_name, names);
    add_extension(x, authority->root, NID_key_usage, "critical,digitalSignature");
    add_extension(x, authority->root, NID_ext_key_usage, "serverAuth,clientAuth");
    add_extension(x, authority->root, NID_authority_key_identifier, "keyid");
    must(X509_sign(x, authority->key, EVP_sha256()), "X509_sign");
    leaf->leaf_pem = certificate_text(x);
    leaf->certificate_pem = memory_printf("%s%s", leaf->leaf_pem, authority->pem);
    BIO *bio = BIO_new(BIO_s_mem());
    must(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), "PEM_write_bio_PrivateKey");
    leaf->key_text = text_of(bio);
    leaf->key_pem = secret_new(leaf->key_text, strlen(leaf->key_text), NULL);
    must(leaf->key_pem != NULL, "secret_new");
    X509_free(x);
    EVP_PKEY_free(key);
    return leaf;
}

struct test_leaf *
test_leaf_new(const struct test_authority *authority, const char *node_id)
{
    return leaf_new(authority, node_id, -HOUR, 23 * HOUR);
}

struct test_leaf *
test_leaf_new_expired(const struct test_authority *authority, const char *node_id)
{
    return leaf_new(authority, node_id, -HOUR, -60);
}

void
test_leaf_free(struct test_leaf *leaf)
{
    if (leaf == NULL)
        return;
    free(leaf->certificate_pem);
    free(leaf->leaf_pem);
    free(leaf->key_text);
    secret_free(leaf->key_pem);
    free(leaf);
}
