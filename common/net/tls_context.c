#include "common/net/tls_context.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/net/tls_context_internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

static void
ssl_ctx_free_p(SSL_CTX **ctx)
{
    SSL_CTX_free(*ctx);
}

static void
bio_free_p(BIO **bio)
{
    BIO_free(*bio);
}

static int
refuse_pass_phrase(char *out, int size, int writing, void *ctx)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

static BIO *
bio_over(const void *data, size_t len)
{
    BIO *bio = BIO_new_mem_buf(data, (int)len);
    if (bio == NULL)
        abort();
    return bio;
}

static int
load_trust(SSL_CTX *ctx, const char *pem, struct error *err)
{
    CLEANUP(bio_free_p) BIO *bio = bio_over(pem, strlen(pem));
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    int count = 0;
    X509 *authority;
    while ((authority = PEM_read_bio_X509(bio, NULL, refuse_pass_phrase, NULL)) != NULL) {
        int ok = X509_STORE_add_cert(store, authority);
        X509_free(authority);
        if (ok != 1)
            return FAIL(err, ERROR_CONFIG, 0, "cannot use a trusted authority: %s", tls_failure_reason());
        count++;
    }
    ERR_clear_error();
    if (count == 0)
        return FAIL(err, ERROR_CONFIG, 0, "the trusted authorities hold no certificate in PEM form");
    return 0;
}

static int
load_key(SSL_CTX *ctx, const struct secret *key_pem, struct error *err)
{
    CLEANUP(bio_free_p) BIO *bio = bio_over(secret_bytes(key_pem), secret_len(key_pem));
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, refuse_pass_phrase, NULL);
    if (key == NULL)
        return FAIL(err, ERROR_CONFIG, 0, "cannot read the private key: %s", tls_failure_reason());
    int ok = SSL_CTX_use_PrivateKey(ctx, key);
    EVP_PKEY_free(key);
    if (ok != 1 || SSL_CTX_check_private_key(ctx) != 1)
        return FAIL(err, ERROR_CONFIG, 0, "the private key does not belong to the certificate: %s",
                    tls_failure_reason());
    return 0;
}

static int
load_chain(SSL_CTX *ctx, const char *pem, bool server, struct error *err)
{
    CLEANUP(bio_free_p) BIO *bio = bio_over(pem, strlen(pem));
    X509 *leaf = PEM_read_bio_X509(bio, NULL, refuse_pass_phrase, NULL);
    if (leaf == NULL)
        return FAIL(err, ERROR_CONFIG, 0, "cannot read the certificate: %s", tls_failure_reason());
    int ok = SSL_CTX_use_certificate(ctx, leaf);
    X509_free(leaf);
    if (ok != 1)
        return FAIL(err, ERROR_CONFIG, 0, "cannot use the certificate: %s", tls_failure_reason());
    X509 *more;
    while ((more = PEM_read_bio_X509(bio, NULL, refuse_pass_phrase, NULL)) != NULL) {
        if (SSL_CTX_add0_chain_cert(ctx, more) != 1) {
            X509_free(more);
            return FAIL(err, ERROR_CONFIG, 0, "cannot use the certificate chain: %s", tls_failure_reason());
        }
    }
    ERR_clear_error();
    /* A server presents its root too, so that clients that know only the root's fingerprint can check it. */
    if (server)
        (void)SSL_CTX_build_cert_chain(ctx, SSL_BUILD_CHAIN_FLAG_UNTRUSTED | SSL_BUILD_CHAIN_FLAG_IGNORE_ERROR |
                                                SSL_BUILD_CHAIN_FLAG_CLEAR_ERROR);
    ERR_clear_error();
    return 0;
}

static int
on_alpn_select(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in, unsigned in_len,
               void *arg)
{
    (void)ssl;
    (void)arg;
    static const unsigned char h2[] = { 2, 'h', '2' };
    unsigned char *chosen = NULL;
    if (SSL_select_next_proto(&chosen, out_len, h2, sizeof(h2), in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static void
set_verification(SSL_CTX *ctx, struct tls_context *context)
{
    int mode = SSL_VERIFY_PEER;
    if (context->server && !context->anonymous_allowed)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(ctx, mode, NULL);
    if (context->pinned)
        SSL_CTX_set_cert_verify_callback(ctx, tls_identity_verify_pinned, context);
}

static SSL_CTX *
ssl_ctx_new(struct tls_context *context, const char *certificate_pem, const struct secret *key_pem, struct error *err)
{
    static const unsigned char h2[] = { 2, 'h', '2' };
    CLEANUP(ssl_ctx_free_p) SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1) {
        FAIL(err, ERROR_INTERNAL, 0, "cannot set up TLS 1.3: %s", tls_failure_reason());
        return NULL;
    }
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    if (context->server)
        SSL_CTX_set_alpn_select_cb(ctx, on_alpn_select, NULL);
    else
        SSL_CTX_set_alpn_protos(ctx, h2, sizeof(h2));
    set_verification(ctx, context);
    if (context->trust_pem != NULL && load_trust(ctx, context->trust_pem, err) != 0)
        return NULL;
    if (certificate_pem != NULL) {
        if (load_chain(ctx, certificate_pem, context->server, err) != 0 || load_key(ctx, key_pem, err) != 0)
            return NULL;
    }
    return MOVE(ctx);
}

static int
check_options(const struct tls_options *options, struct error *err)
{
    if ((options->trust_pem != NULL) == (options->pinned_root != NULL))
        return FAIL(err, ERROR_USAGE, 0, "TLS needs either trusted authorities or a pinned root");
    if ((options->certificate_pem != NULL) != (options->key_pem != NULL))
        return FAIL(err, ERROR_USAGE, 0, "TLS needs a certificate and its key together");
    if (options->server && options->certificate_pem == NULL)
        return FAIL(err, ERROR_USAGE, 0, "a TLS server needs a certificate");
    return 0;
}

struct tls_context *
tls_context_new(const struct tls_options *options, struct error *err)
{
    if (check_options(options, err) != 0)
        return NULL;
    struct tls_context *context = MEMORY_NEW(struct tls_context);
    atomic_init(&context->refs, 1);
    pthread_mutex_init(&context->lock, NULL);
    context->server = options->server;
    context->anonymous_allowed = options->anonymous_allowed;
    context->check_host_name = options->check_host_name;
    if (options->pinned_root != NULL) {
        context->pinned = true;
        memcpy(context->pinned_root, options->pinned_root, sizeof(context->pinned_root));
    } else {
        context->trust_pem = memory_strdup(options->trust_pem);
    }
    context->ssl = ssl_ctx_new(context, options->certificate_pem, options->key_pem, err);
    if (context->ssl == NULL) {
        tls_context_free(context);
        return NULL;
    }
    return context;
}

struct tls_context *
tls_context_retain(struct tls_context *context)
{
    atomic_fetch_add(&context->refs, 1);
    return context;
}

void
tls_context_free(struct tls_context *context)
{
    if (context == NULL || atomic_fetch_sub(&context->refs, 1) != 1)
        return;
    SSL_CTX_free(context->ssl);
    pthread_mutex_destroy(&context->lock);
    free(context->trust_pem);
    free(context);
}

int
tls_context_replace(struct tls_context *context, const char *certificate_pem, const struct secret *key_pem,
                    struct error *err)
{
    if (certificate_pem == NULL || key_pem == NULL)
        return FAIL(err, ERROR_USAGE, 0, "TLS needs a certificate and its key together");
    SSL_CTX *fresh = ssl_ctx_new(context, certificate_pem, key_pem, err);
    if (fresh == NULL)
        return -1;
    pthread_mutex_lock(&context->lock);
    SSL_CTX *old = context->ssl;
    context->ssl = fresh;
    pthread_mutex_unlock(&context->lock);
    SSL_CTX_free(old);
    return 0;
}

SSL_CTX *
tls_context_ssl(struct tls_context *context)
{
    pthread_mutex_lock(&context->lock);
    SSL_CTX *ssl = context->ssl;
    SSL_CTX_up_ref(ssl);
    pthread_mutex_unlock(&context->lock);
    return ssl;
}
