#include "transporter/host/grant_gate.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/net/revocation_set.h"
#include "common/net/tls_context.h"

int
grant_gate_check(const struct grant_gate *gate, const struct tls_peer *peer, const void *data, size_t len,
                 uint32_t operations, struct grant *grant, struct error *err)
{
    /* A connection made before the revocation may still be there for a moment. */
    if (revocation_set_admit(gate->revoked, peer, err) != 0)
        return -1;
    if (data == NULL)
        return FAIL(err, ERROR_UNAUTHENTICATED, 0, "the call carries no grant (metadata " GRANT_METADATA_KEY ")");
    const struct grant_check check = {
        .grant_key = gate->grant_key,
        .host_node_id = gate->host_node_id,
        .holder_node_id = peer->node_id,
        .holder_key_sha256 = peer->key_sha256,
        .now_ms = clock_wall_ms(gate->clock),
    };
    return grant_verify(data, len, &check, grant, err) != 0 ? -1 : grant_require(grant, operations, err);
}
