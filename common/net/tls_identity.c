#include "common/base/error.h"
#include "common/base/identifier.h"
#include "common/net/tls_context_internal.h"

#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static X509 *
find_pinned(STACK_OF(X509) * chain, const uint8_t *fingerprint)
{
    for (int i = 0; i < sk_X509_num(chain); i++) {
        X509 *x = sk_X509_value(chain, i);
        uint8_t digest[EVP_MAX_MD_SIZE];
        unsigned len = 0;
        if (X509_digest(x, EVP_sha256(), digest, &len) == 1 && len == SHA256_DIGEST_LENGTH &&
            memcmp(digest, fingerprint, len) == 0 && X509_self_signed(x, 1) == 1)
            return x;
    }
    return NULL;
}

int
tls_identity_verify_pinned(X509_STORE_CTX *store, void *arg)
{
    const struct tls_context *context = arg;
    X509 *root = find_pinned(X509_STORE_CTX_get0_untrusted(store), context->pinned_root);
    if (root == NULL) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    STACK_OF(X509) *trusted = sk_X509_new_null();
    if (trusted == NULL || sk_X509_push(trusted, root) <= 0) {
        sk_X509_free(trusted);
        X509_STORE_CTX_set_error(store, X509_V_ERR_OUT_OF_MEM);
        return 0;
    }
    X509_STORE_CTX_set0_trusted_stack(store, trusted);
    int ok = X509_verify_cert(store);
    sk_X509_free(trusted);
    return ok > 0;
}

/* Copy the node id of a URI SAN. 1 when there was one, 0 when the name is something else, -1 when malformed. */
static int
read_node_id(const GENERAL_NAME *name, char *out, size_t size)
{
    static const char prefix[] = TLS_NODE_URI_PREFIX;
    if (name->type != GEN_URI)
        return 0;
    const char *uri = (const char *)ASN1_STRING_get0_data(name->d.uniformResourceIdentifier);
    int uri_len = ASN1_STRING_length(name->d.uniformResourceIdentifier);
    size_t len = uri_len > 0 ? (size_t)uri_len : 0;
    if (len < sizeof(prefix) - 1 || memcmp(uri, prefix, sizeof(prefix) - 1) != 0)
        return 0;
    len -= sizeof(prefix) - 1;
    if (len == 0 || len >= size || memchr(uri + sizeof(prefix) - 1, 0, len) != NULL)
        return -1;
    memcpy(out, uri + sizeof(prefix) - 1, len);
    out[len] = '\0';
    return identifier_valid(out) ? 1 : -1;
}

static int
read_node(X509 *certificate, struct tls_peer *peer, struct error *err)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int found = 0, bad = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int rc = read_node_id(sk_GENERAL_NAME_value(names, i), peer->node_id, sizeof(peer->node_id));
        found += rc > 0;
        bad += rc < 0;
    }
    GENERAL_NAMES_free(names);
    if (bad > 0 || found > 1) {
        peer->node_id[0] = '\0';
        return FAIL(err, ERROR_UNAUTHENTICATED, 0, "the peer's certificate names %s",
                    found > 1 ? "more than one node" : "a malformed node id");
    }
    return 0;
}

int
tls_identity_read(X509 *certificate, struct tls_peer *peer, struct error *err)
{
    uint8_t *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (len <= 0)
        return FAIL(err, ERROR_UNAUTHENTICATED, 0, "the peer's public key cannot be read: %s", tls_failure_reason());
    SHA256(der, (size_t)len, peer->key_sha256);
    OPENSSL_free(der);
    struct tm end;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1)
        return FAIL(err, ERROR_UNAUTHENTICATED, 0, "the peer's certificate has no readable end");
    peer->certificate_expires_ms = (int64_t)timegm(&end) * 1000;
    return read_node(certificate, peer, err);
}
