#ifndef LONGHAUL_COMMON_CRYPTO_CERTIFICATE_H
#define LONGHAUL_COMMON_CRYPTO_CERTIFICATE_H

/* X.509 (RFC 5280) for our own nodes: the director's authority, requests (PKCS #10, RFC 2986) and short-lived
 * node certificates whose identity is the URI SAN "urn:longhaul:node:<node id>". P-256 and ECDSA-SHA256 only. Any
 * thread. PEM texts that are returned are freed with free(). */

#include "common/crypto/key_pair.h"

struct buffer;
struct clock;

#define CERTIFICATE_NODE_URI_PREFIX "urn:longhaul:node:"
#define CERTIFICATE_PEM_MAX         ((size_t)32 << 10)
#define CERTIFICATE_REQUEST_MAX     ((size_t)4 << 10)

/* The self-signed root. Valid from an hour ago for lifetime_ms. NULL on failure. */
char *certificate_issue_authority(const struct clock *clock, const struct key_pair *key, const char *common_name,
                                  int64_t lifetime_ms, struct error *err);

/* A request for our own key; appends DER to out. It carries no name: the authority decides that. */
int certificate_request_new(const struct key_pair *key, struct buffer *out, struct error *err);
/* Well-formed, P-256, and signed with the key it carries (proof of possession). key_sha256: SHA-256 of its
 * SubjectPublicKeyInfo. ERROR_FORMAT otherwise. */
int certificate_request_check(const void *der, size_t len, uint8_t key_sha256[32], struct error *err);

struct certificate_issue {
    const struct clock *clock;
    const char *authority_pem;
    const struct key_pair *authority_key;
    const void *request_der; /* checked as by certificate_request_check() */
    size_t request_len;
    const char *node_id;           /* becomes the URI SAN and the common name */
    const char *const *host_names; /* more SANs: DNS names and IP addresses; may be NULL */
    size_t host_name_count;
    int64_t lifetime_ms;
};

/* A leaf for serverAuth and clientAuth with a random 128-bit serial, valid from 5 minutes ago (clocks differ) for
 * lifetime_ms from now, never past its authority's end. PEM of the leaf alone. NULL on failure. */
char *certificate_issue(const struct certificate_issue *issue, struct error *err);

/* What a certificate says, without any judgement of trust. node_id is empty when it has no node URI. */
struct certificate_info {
    char node_id[40];
    int64_t not_before_ms, not_after_ms;
    uint8_t key_sha256[32];  /* of SubjectPublicKeyInfo DER */
    uint8_t fingerprint[32]; /* SHA-256 of the certificate's DER */
};

/* The first certificate of the text. ERROR_FORMAT when it is none. */
int certificate_inspect(const char *pem, struct certificate_info *info, struct error *err);

/* 0 when the leaf was issued by this authority for this key and node and is within its time; node_id may be NULL.
 * ERROR_FORMAT, or ERROR_DENIED saying what is wrong. */
int certificate_check_issued(const char *leaf_pem, const char *authority_pem, const struct key_pair *key,
                             const char *node_id, int64_t now_ms, struct error *err);

/* "64 hex digits" of a certificate's fingerprint, as invites print it. */
#define CERTIFICATE_FINGERPRINT_LEN 65
int certificate_fingerprint(const char *pem, char out[CERTIFICATE_FINGERPRINT_LEN], struct error *err);

#endif
