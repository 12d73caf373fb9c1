#ifndef LONGHAUL_DIRECTOR_ENROLMENT_ENROLMENT_STORE_H
#define LONGHAUL_DIRECTOR_ENROLMENT_ENROLMENT_STORE_H

/* What enrolment needs from the director's store: invites and the certificates of enrolled nodes. The store fills
 * this table (see director/store); tests fill it with a plain array. Director's loop thread. */

#include "common/base/identifier.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

#define INVITE_NAME_MAX   64   /* with the NUL */
#define INVITE_LABELS_MAX 1024 /* with the NUL */

/* One invitation. The token itself is never stored, only its SHA-256. */
struct invite {
    char invite_id[IDENTIFIER_LEN];
    uint8_t token_sha256[32];
    char name[INVITE_NAME_MAX];     /* of the transporter to be */
    char labels[INVITE_LABELS_MAX]; /* "k=v,k=v", sorted by key; "" for none */
    int64_t created_ms, expires_ms;
    int64_t used_ms;              /* 0: not used yet */
    char node_id[IDENTIFIER_LEN]; /* who used it; "" before */
};

/* A node with a certificate from us. */
struct enrolled_node {
    char node_id[IDENTIFIER_LEN];
    char name[INVITE_NAME_MAX];
    char labels[INVITE_LABELS_MAX];
    uint8_t key_sha256[32];  /* SubjectPublicKeyInfo of its TLS key; stays over renewals */
    uint8_t sealing_key[65]; /* public point */
    char software_version[64];
    int64_t enrolled_ms;
    int64_t certificate_expires_ms;
    bool revoked;
};

/* Each returns 0 or -1. A write is durable when it returns. */
struct enrolment_store {
    void *ctx;
    /* ERROR_EXISTS when an enrolled, unrevoked node or an open invite has the name. */
    int (*add_invite)(void *ctx, const struct invite *invite, struct error *err);
    /* ERROR_NOT_FOUND. */
    int (*find_invite)(void *ctx, const uint8_t token_sha256[32], struct invite *invite, struct error *err);
    /* In one transaction: the invite becomes used by the node, and the node is added. ERROR_CONFLICT when the invite
     * is used already, ERROR_EXISTS when the name is taken. */
    int (*redeem)(void *ctx, const char *invite_id, const struct enrolled_node *node, struct error *err);
    /* ERROR_NOT_FOUND. */
    int (*find_node)(void *ctx, const char *node_id, struct enrolled_node *node, struct error *err);
    int (*set_certificate)(void *ctx, const char *node_id, int64_t expires_ms, struct error *err);
    /* Fine when it is revoked already. ERROR_NOT_FOUND. */
    int (*revoke_node)(void *ctx, const char *node_id, int64_t now_ms, struct error *err);
    /* Calls each once per revoked node. */
    int (*list_revoked)(void *ctx, void (*each)(void *arg, const char *node_id), void *arg, struct error *err);
};

#endif
