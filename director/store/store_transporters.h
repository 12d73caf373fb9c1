#ifndef LONGHAUL_DIRECTOR_STORE_STORE_TRANSPORTERS_H
#define LONGHAUL_DIRECTOR_STORE_STORE_TRANSPORTERS_H

/* Machines that were enrolled. */

#include "director/store/store.h"

#define STORE_SEALING_KEY_LEN 65
#define STORE_ADDRESS_LEN     272 /* "host:port" */
#define STORE_VERSION_LEN     64

struct store_transporter {
    char id[IDENTIFIER_LEN];   /* the node id in its certificate; set by the caller of _add */
    char name[STORE_NAME_LEN]; /* unique */
    uint8_t sealing_key[STORE_SEALING_KEY_LEN];
    uint8_t key_sha256[32];            /* of its TLS key's SubjectPublicKeyInfo; the key stays over renewals */
    char advertise[STORE_ADDRESS_LEN]; /* where its vault service is reached; empty: serves none */
    char software_version[STORE_VERSION_LEN];
    unsigned task_slots;
    int64_t enrolled_ms;
    int64_t certificate_expires_ms;
    int64_t last_seen_ms;
    int64_t revoked_ms; /* 0: in good standing */
    struct store_labels labels;
};

int store_transporters_add(struct store *store, struct store_transporter *transporter, struct error *err);
/* By id, else by name. */
int store_transporters_find(struct store *store, const char *id_or_name, struct store_transporter *transporter,
                            struct error *err);
/* In order of names, revoked ones too. */
int store_transporters_list(struct store *store, struct store_page page,
                            int (*each)(void *ctx, const struct store_transporter *transporter, struct error *err),
                            void *ctx, struct error *err);
int store_transporters_set_labels(struct store *store, const char *id, const struct store_labels *labels,
                                  struct error *err);
int store_transporters_set_certificate(struct store *store, const char *id, int64_t expires_ms, struct error *err);
/* What its Hello said; last seen now. */
int store_transporters_set_hello(struct store *store, const char *id, const char *advertise,
                                 const char *software_version, unsigned task_slots, struct error *err);
int store_transporters_set_seen(struct store *store, const char *id, struct error *err);
/* For good. Revoking twice keeps the first time. */
int store_transporters_revoke(struct store *store, const char *id, struct error *err);
/* Ids of all revoked nodes. */
int store_transporters_revoked(struct store *store, int (*each)(void *ctx, const char *id, struct error *err),
                               void *ctx, struct error *err);

#endif
