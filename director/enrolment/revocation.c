#include "director/enrolment/revocation.h"

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/rpc/rpc_server.h"
#include "director/store/store_transporters.h"

#include <stdlib.h>

struct revocation {
    struct revocation_options options;
    struct revocation_set *set;
    struct rpc_server *server;
};

static int
on_store_revoked(void *ctx, const char *id, struct error *err)
{
    (void)err;
    struct revocation *revocation = ctx;
    revocation_set_add(revocation->set, id);
    return 0;
}

struct revocation *
revocation_open(const struct revocation_options *options, struct error *err)
{
    struct revocation *revocation = MEMORY_NEW(struct revocation);
    revocation->options = *options;
    revocation->set = revocation_set_new();
    if (store_transporters_revoked(options->store, on_store_revoked, revocation, err) == 0)
        return revocation;
    revocation_free(revocation);
    return NULL;
}

void
revocation_free(struct revocation *revocation)
{
    if (revocation == NULL)
        return;
    revocation_set_free(revocation->set);
    free(revocation);
}

void
revocation_attach(struct revocation *revocation, struct rpc_server *server)
{
    revocation->server = server;
}

int
revocation_revoke(struct revocation *revocation, const char *node_id, struct error *err)
{
    if (store_transporters_revoke(revocation->options.store, node_id, err) != 0)
        return -1;
    revocation_set_add(revocation->set, node_id);
    /* Also when it was revoked before: whatever it still has open goes. */
    if (revocation->server != NULL)
        rpc_server_drop_node(revocation->server, node_id);
    log_info("enrolment", "revoked a transporter node=%s", node_id);
    if (revocation->options.on_change != NULL)
        revocation->options.on_change(revocation->options.on_change_ctx);
    return 0;
}

struct revocation_set *
revocation_nodes(struct revocation *revocation)
{
    return revocation->set;
}
