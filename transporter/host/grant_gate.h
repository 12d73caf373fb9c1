#ifndef LONGHAUL_TRANSPORTER_HOST_GRANT_GATE_H
#define LONGHAUL_TRANSPORTER_HOST_GRANT_GATE_H

/* The one door in front of every vault held here: who calls, with which grant, for what. Any thread. */

#include "common/crypto/grant.h"

struct clock;
struct revocation_set;
struct tls_peer;

/* All borrowed for the gate's life. */
struct grant_gate {
    const struct clock *clock;
    const char *host_node_id;
    const uint8_t *grant_key; /* the director's, KEY_POINT_LEN bytes */
    struct revocation_set *revoked;
};

/* 0 and *grant when the peer holds a good grant of this host for all the operations; whether somebody newer has taken
 * over is the vault's to know (vault_host_check_fence()). data NULL: the call carried none. ERROR_DENIED,
 * ERROR_UNAUTHENTICATED, ERROR_FORMAT. */
int grant_gate_check(const struct grant_gate *gate, const struct tls_peer *peer, const void *data, size_t len,
                     uint32_t operations, struct grant *grant, struct error *err);

#endif
