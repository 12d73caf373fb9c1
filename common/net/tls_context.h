#ifndef LONGHAUL_COMMON_NET_TLS_CONTEXT_H
#define LONGHAUL_COMMON_NET_TLS_CONTEXT_H

/* TLS for the links between our own daemons: TLS 1.3 only, mutual certificates, identity in a URI SAN
 * "urn:longhaul:node:<node id>" (RFC 8141 syntax). Reference-counted; the certificate can be replaced while
 * connections run: those keep the old one, new ones take the new. Any thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct secret;
struct tls_context;

#define TLS_NODE_URI_PREFIX "urn:longhaul:node:"

/* Exactly one way to trust the peer is set. All PEM texts are borrowed for the call. */
struct tls_options {
    bool server;
    const char *certificate_pem;  /* own chain, leaf first; NULL for an anonymous client */
    const struct secret *key_pem; /* NULL with it */
    const char *trust_pem;        /* authorities the peer's chain must lead to */
    const uint8_t *pinned_root;   /* or: SHA-256 of the DER of the self-signed root the peer must present */
    bool anonymous_allowed;       /* server: a client may come without a certificate (enrolment) */
    bool check_host_name;         /* client: also match the host name (for peers that are not ours) */
};

struct tls_context *tls_context_new(const struct tls_options *options, struct error *err);
struct tls_context *tls_context_retain(struct tls_context *context);
void tls_context_free(struct tls_context *context);
/* Own certificate and key anew, after a renewal. */
int tls_context_replace(struct tls_context *context, const char *certificate_pem, const struct secret *key_pem,
                        struct error *err);

/* What a finished handshake proved. node_id is empty for an anonymous peer. */
struct tls_peer {
    char node_id[40];
    uint8_t key_sha256[32]; /* SHA-256 of the certificate's SubjectPublicKeyInfo DER */
    int64_t certificate_expires_ms;
    char version[16], suite[64], group[32];
    char address[64]; /* "127.0.0.1:50123" */
};

#endif
