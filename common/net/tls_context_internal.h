#ifndef LONGHAUL_COMMON_NET_TLS_CONTEXT_INTERNAL_H
#define LONGHAUL_COMMON_NET_TLS_CONTEXT_INTERNAL_H

/* What tls_context, tls_identity and tls_stream share. */

#include "common/net/tls_context.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

struct tls_context {
    atomic_uint refs;
    pthread_mutex_t lock;
    SSL_CTX *ssl; /* under lock */
    bool server, anonymous_allowed, check_host_name, pinned;
    uint8_t pinned_root[32];
    char *trust_pem;
};

/* The context that new connections use now; SSL_CTX_free() it. */
SSL_CTX *tls_context_ssl(struct tls_context *context);

/* Verification against a pinned root; arg is the tls_context. Sets X509_V_ERR_APPLICATION_VERIFICATION when no
 * root with the pinned fingerprint was presented. */
int tls_identity_verify_pinned(X509_STORE_CTX *store, void *arg);
/* Fill what a certificate proves. ERROR_UNAUTHENTICATED when it names several nodes or a malformed one. */
int tls_identity_read(X509 *certificate, struct tls_peer *peer, struct error *err);

/* Turn the reasons of a failed handshake or record into one line for an operator. offered: the highest version
 * that the peer is known to have offered, 0 when it did not say. Empties OpenSSL's queue. Returns -1. */
int tls_failure_set(SSL *ssl, const struct tls_context *context, int offered, struct error *err);
/* The text of OpenSSL's last failure; empties its queue. */
const char *tls_failure_reason(void);

#endif
