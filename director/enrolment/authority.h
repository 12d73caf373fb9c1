#ifndef LONGHAUL_DIRECTOR_ENROLMENT_AUTHORITY_H
#define LONGHAUL_DIRECTOR_ENROLMENT_AUTHORITY_H

/* The director as its own certificate authority: root, grant signing key, and the director's own node certificate,
 * under <state_dir>/authority (mode 0700, files 0600):
 *
 *   root.key root.pem      the authority; the fingerprint of root.pem is what invites pin
 *   grant.key              signs grants
 *   node.key node.pem      the director's node identity; renewed by itself
 *
 * Made on first use; on later starts everything must be there and fit together. Any thread, unless stated. */

#include "common/crypto/certificate.h"

#include <stdbool.h>

struct authority;
struct event_loop;
struct grant;
struct secret;
struct tls_context;

struct authority_options {
    const struct clock *clock;
    const char *state_dir;
    int64_t certificate_lifetime_ms; /* of node certificates; 0: 30 days */
};

/* NULL with ERROR_CONFIG when files are missing, readable by others, or do not belong together. */
struct authority *authority_open(const struct authority_options *options, struct error *err);
/* Not while a watch runs; authority_unwatch() first. */
void authority_free(struct authority *authority);

const char *authority_node_id(const struct authority *authority);
const char *authority_root_pem(const struct authority *authority);
/* SHA-256 of the root's DER, in hex. */
const char *authority_fingerprint(const struct authority *authority);
/* KEY_POINT_LEN bytes: what hosts verify grants with. */
const uint8_t *authority_grant_key(const struct authority *authority);

/* For the director's rpc_server: own chain with the root, clients' certificates from this authority, anonymous clients
 * allowed (enrolment). Borrowed; retain to keep. */
struct tls_context *authority_tls(struct authority *authority);

/* Appends the signed grant to out. */
int authority_sign_grant(struct authority *authority, const struct grant *grant, struct buffer *out, struct error *err);

/* A node certificate for a checked request. NULL on failure; freed with free(). */
char *authority_issue_node(struct authority *authority, const void *request_der, size_t len, const char *node_id,
                           int64_t *not_after_ms, struct error *err);

/* A fresh key and a chain (leaf, root) for an HTTPS server under these host names and addresses, valid as long as a
 * node certificate: what the API serves when the operator gave it no certificate. */
int authority_issue_server(struct authority *authority, const char *const *host_names, size_t count, char **chain_pem,
                           struct secret **key_pem, struct error *err);

/* Renews the director's own certificate when two thirds of its life are over: 1 renewed, 0 not due, -1. Connections
 * keep running; new ones see the new certificate. Loop thread. */
int authority_renew_if_due(struct authority *authority, struct error *err);
/* Does so by a timer every few minutes. Loop thread. */
void authority_watch(struct authority *authority, struct event_loop *loop);
/* NULL, and one that is not watched, are fine. */
void authority_unwatch(struct authority *authority);

#endif
