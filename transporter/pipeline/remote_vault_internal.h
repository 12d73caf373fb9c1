#ifndef LONGHAUL_TRANSPORTER_PIPELINE_REMOTE_VAULT_INTERNAL_H
#define LONGHAUL_TRANSPORTER_PIPELINE_REMOTE_VAULT_INTERNAL_H

#include "transporter/pipeline/remote_vault.h"

struct rpc_call;

#define REMOTE_VAULT_STALL_MS 60000 /* a host that says nothing for so long is taken for lost */

struct vault_sweep_vtable;

extern const struct vault_backend_vtable remote_vault_vtable;
extern const struct vault_sweep_vtable remote_vault_sweep_vtable;

/* Before a commit; nothing when the grant locks nothing. */
int remote_vault_extend_locks(struct remote_vault *remote, struct error *err);
const struct remote_vault_options *remote_vault_options_of(const struct remote_vault *remote);
void remote_vault_note_locked(struct remote_vault *remote, int64_t until_ms);

/* One exchange, described so that it can be repeated. */
struct remote_vault_exchange {
    const char *path;
    int timeout_ms; /* the whole attempt's; RPC_NO_TIMEOUT */
    /* Sends and receives; the call's status is fetched afterwards, and wins over an error from here. */
    int (*talk)(void *ctx, struct rpc_call *call, struct error *err);
    void *ctx;
};

/* Until it is answered, refused for good, out of patience, or cancelled. */
int remote_vault_do(struct remote_vault *remote, const struct remote_vault_exchange *exchange, struct error *err);

/* As the backend's calls. */
int remote_vault_rebuild_index(void *backend, struct error *err);
int remote_vault_quarantine(void *backend, const struct vault_mark *marks, size_t n, uint64_t *ordinal,
                            struct error *err);

#endif
