#ifndef LONGHAUL_TRANSPORTER_LINK_NODE_IDENTITY_INTERNAL_H
#define LONGHAUL_TRANSPORTER_LINK_NODE_IDENTITY_INTERNAL_H

/* identity.json:
 *
 *   {"format": 1, "node_id": "transporter-...", "name": "...", "director": {"node_id": "director-...", "host": "...",
 *    "port": 8443}, "grant_key": "<base64 of 65 bytes>", "certificate_pem": "...", "authority_pem": "..."} */

#include "transporter/link/node_identity.h"

#include <stddef.h>

#define NODE_IDENTITY_CARD_FILE "identity.json"

struct json_t;

struct node_identity_card {
    struct node_identity_facts facts; /* texts are the root's */
    uint8_t grant_key[KEY_POINT_LEN];
    struct json_t *root;
};

/* Freed with free(). */
char *node_identity_card_write(const struct node_identity_facts *facts, struct error *err);
/* ERROR_CONFIG when it is not an identity, or of a newer format. */
struct node_identity_card *node_identity_card_read(const char *text, size_t len, struct error *err);
void node_identity_card_free(struct node_identity_card *card);

#endif
