#ifndef LONGHAUL_TRANSPORTER_LINK_NODE_IDENTITY_H
#define LONGHAUL_TRANSPORTER_LINK_NODE_IDENTITY_H

/* Who this transporter is: keys made here that never leave, and what the director gave at enrolment. Lies under
 * <state_dir>/identity (mode 0700, files 0600): node.key, sealing.key, identity.json. Any thread. */

#include "common/crypto/key_pair.h"

struct clock;
struct node_identity;
struct sealing_key;
struct tls_context;

/* What the director said; texts are borrowed for the call. */
struct node_identity_facts {
    const char *node_id, *name;
    const char *director_node_id;
    const char *director_host;
    uint16_t director_port;
    const char *certificate_pem; /* leaf first */
    const char *authority_pem;
    const uint8_t *grant_key; /* KEY_POINT_LEN bytes */
};

/* ERROR_NOT_FOUND "not enrolled ..." with what to run; ERROR_CONFIG when files are missing, readable by others or do
 * not belong together; an expired certificate is not an error here. clock is borrowed for life. */
struct node_identity *node_identity_load(const char *state_dir, const struct clock *clock, struct error *err);
/* The keys are there already (node_identity_keys()); writes identity.json last. ERROR_EXISTS when it is there. */
int node_identity_create(const char *state_dir, const struct node_identity_facts *facts, struct error *err);
/* Same for a node that comes back after its certificate has ended: replaces what is there at once. */
int node_identity_recreate(const char *state_dir, const struct node_identity_facts *facts, struct error *err);
/* Loads or makes both keys, so that enrolling again after a lost reply shows the same ones. */
int node_identity_keys(const char *state_dir, struct key_pair **key, struct sealing_key **sealing_key,
                       struct error *err);
void node_identity_free(struct node_identity *identity);

const char *node_identity_id(const struct node_identity *identity);
const char *node_identity_name(const struct node_identity *identity);
const char *node_identity_director_id(const struct node_identity *identity);
const char *node_identity_director_host(const struct node_identity *identity);
uint16_t node_identity_director_port(const struct node_identity *identity);
/* KEY_POINT_LEN bytes: verifies grants. */
const uint8_t *node_identity_grant_key(const struct node_identity *identity);
const struct key_pair *node_identity_key(const struct node_identity *identity);
const struct sealing_key *node_identity_sealing_key(const struct node_identity *identity);
/* SHA-256 of the TLS key's SubjectPublicKeyInfo: the holder's key in our grants. */
const uint8_t *node_identity_key_sha256(const struct node_identity *identity);

/* For channels to the director and to hosts, and for the own vault service. Trust the director's authority only; the
 * certificate in them changes by itself at a renewal. Borrowed; retain to keep. */
struct tls_context *node_identity_tls_client(struct node_identity *identity);
struct tls_context *node_identity_tls_server(struct node_identity *identity);

/* Life of the present certificate. */
void node_identity_validity(struct node_identity *identity, int64_t *not_before_ms, int64_t *not_after_ms);
/* Checks the new certificate (our key, our id, from this authority, in its time), writes it at once, and puts it into
 * both TLS contexts. */
int node_identity_renewed(struct node_identity *identity, const char *certificate_pem, const char *authority_pem,
                          struct error *err);

#endif
