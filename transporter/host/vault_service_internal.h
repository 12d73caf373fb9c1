#ifndef LONGHAUL_TRANSPORTER_HOST_VAULT_SERVICE_INTERNAL_H
#define LONGHAUL_TRANSPORTER_HOST_VAULT_SERVICE_INTERNAL_H

/* What the methods of the vault service share. Each serve_* runs on a worker thread of the server. */

#include "transporter/host/grant_gate.h"
#include "transporter/host/vault_host.h"
#include "transporter/host/vault_registry.h"
#include "transporter/host/vault_service.h"

#include <protobuf-c/protobuf-c.h>
#include <pthread.h>

struct arena;
struct rpc_call;

#define VAULT_SERVICE_STALL_MS 60000 /* a client that sends nothing for so long is given up */

struct vault_service {
    const struct grant_gate *gate;
    struct vault_registry *registry;
    pthread_mutex_t lock;
    pthread_cond_t room;
    uint64_t pack_bytes; /* being received */
};

/* A call that has passed the gate. */
struct vault_session {
    struct grant grant;
    struct vault_host_owner owner; /* as the grant says */
    struct vault_lease *lease;
};

/* Checks the grant for the operations, leases the vault, checks the grant's fence. End it with vault_service_end, also
 * after a failure. */
int vault_service_begin(struct vault_service *service, struct rpc_call *call, uint32_t operations,
                        struct vault_session *session, struct error *err);
void vault_service_end(struct vault_session *session);

/* Room for a pack on its way in; waits. Give it back. */
void vault_service_reserve(struct vault_service *service, uint64_t bytes);
void vault_service_unreserve(struct vault_service *service, uint64_t bytes);

/* The request of a call that has just one. */
int vault_service_receive_one(struct rpc_call *call, const ProtobufCMessageDescriptor *type, struct arena *arena,
                              ProtobufCMessage **message, struct error *err);

int vault_service_put_pack(void *ctx, struct rpc_call *call, struct error *err);
int vault_service_find_chunks(void *ctx, struct rpc_call *call, struct error *err);
int vault_service_get_ranges(void *ctx, struct rpc_call *call, struct error *err);
int vault_service_get_object(void *ctx, struct rpc_call *call, struct error *err);
int vault_service_put_object(void *ctx, struct rpc_call *call, struct error *err);
int vault_service_list_objects(void *ctx, struct rpc_call *call, struct error *err);
int vault_service_commit_point(void *ctx, struct rpc_call *call, struct error *err);
int vault_service_rebuild_index(void *ctx, struct rpc_call *call, struct error *err);
int vault_service_quarantine(void *ctx, struct rpc_call *call, struct error *err);
int vault_service_sweep_begin(void *ctx, struct rpc_call *call, struct error *err);
int vault_service_sweep_end(void *ctx, struct rpc_call *call, struct error *err);
int vault_service_sweep_journal(void *ctx, struct rpc_call *call, struct error *err);
int vault_service_sweep_mark(void *ctx, struct rpc_call *call, struct error *err);
int vault_service_sweep_packs(void *ctx, struct rpc_call *call, struct error *err);
int vault_service_sweep_pack_live(void *ctx, struct rpc_call *call, struct error *err);
int vault_service_sweep_put_pack(void *ctx, struct rpc_call *call, struct error *err);
int vault_service_sweep_remove(void *ctx, struct rpc_call *call, struct error *err);
int vault_service_begin_run(void *ctx, struct rpc_call *call, struct error *err);
int vault_service_extend_locks(void *ctx, struct rpc_call *call, struct error *err);
int vault_service_get_locks(void *ctx, struct rpc_call *call, struct error *err);

#endif
