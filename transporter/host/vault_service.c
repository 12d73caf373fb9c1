#include "transporter/host/vault_service_internal.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/rpc/rpc_server.h"
#include "transporter/host/vault_host.h"

#include <stdlib.h>

static const struct rpc_method methods[] = {
    { .path = "/longhaul.v1.Vault/GetObject", .serve = vault_service_get_object },
    { .path = "/longhaul.v1.Vault/PutObject", .serve = vault_service_put_object },
    { .path = "/longhaul.v1.Vault/ListObjects", .serve = vault_service_list_objects },
    { .path = "/longhaul.v1.Vault/FindChunks", .serve = vault_service_find_chunks },
    { .path = "/longhaul.v1.Vault/PutPack", .serve = vault_service_put_pack },
    { .path = "/longhaul.v1.Vault/GetRanges", .serve = vault_service_get_ranges },
    { .path = "/longhaul.v1.Vault/CommitPoint", .serve = vault_service_commit_point },
    { .path = "/longhaul.v1.Vault/Begin", .serve = vault_service_begin_run },
    { .path = "/longhaul.v1.Vault/SweepBegin", .serve = vault_service_sweep_begin },
    { .path = "/longhaul.v1.Vault/SweepEnd", .serve = vault_service_sweep_end },
    { .path = "/longhaul.v1.Vault/SweepJournal", .serve = vault_service_sweep_journal },
    { .path = "/longhaul.v1.Vault/SweepMark", .serve = vault_service_sweep_mark },
    { .path = "/longhaul.v1.Vault/SweepPacks", .serve = vault_service_sweep_packs },
    { .path = "/longhaul.v1.Vault/SweepPackLive", .serve = vault_service_sweep_pack_live },
    { .path = "/longhaul.v1.Vault/SweepPutPack", .serve = vault_service_sweep_put_pack },
    { .path = "/longhaul.v1.Vault/SweepRemove", .serve = vault_service_sweep_remove },
    { .path = "/longhaul.v1.Vault/ExtendLocks", .serve = vault_service_extend_locks },
    { .path = "/longhaul.v1.Vault/GetLocks", .serve = vault_service_get_locks },
    { .path = "/longhaul.v1.Vault/Quarantine", .serve = vault_service_quarantine },
    { .path = "/longhaul.v1.Vault/RebuildIndex", .serve = vault_service_rebuild_index },
};

struct vault_service *
vault_service_new(const struct grant_gate *gate, struct vault_registry *registry)
{
    struct vault_service *service = MEMORY_NEW(struct vault_service);
    service->gate = gate;
    service->registry = registry;
    pthread_mutex_init(&service->lock, NULL);
    pthread_cond_init(&service->room, NULL);
    return service;
}

void
vault_service_free(struct vault_service *service)
{
    if (service == NULL)
        return;
    pthread_cond_destroy(&service->room);
    pthread_mutex_destroy(&service->lock);
    free(service);
}

void
vault_service_add(struct vault_service *service, struct rpc_server *server)
{
    rpc_server_add(server, methods, ARRAY_LEN(methods), service);
}

int
vault_service_begin(struct vault_service *service, struct rpc_call *call, uint32_t operations,
                    struct vault_session *session, struct error *err)
{
    *session = (struct vault_session){ .lease = NULL };
    size_t len = 0;
    const uint8_t *data = rpc_call_metadata(call, GRANT_METADATA_KEY, &len);
    if (grant_gate_check(service->gate, rpc_call_peer(call), data, len, operations, &session->grant, err) != 0)
        return -1;
    session->owner = (struct vault_host_owner){ .scope = session->grant.scope,
                                                .fence = session->grant.fence,
                                                .lock_days = session->grant.lock_days };
    session->lease =
        vault_registry_lease(service->registry, session->grant.repository_id, session->grant.vault_id, err);
    if (session->lease == NULL)
        return -1;
    return vault_host_check_fence(vault_registry_host(session->lease), session->grant.scope, session->grant.fence, err);
}

void
vault_service_end(struct vault_session *session)
{
    vault_registry_release_p(&session->lease);
}

/* Whoever holds room gives it back within VAULT_SERVICE_STALL_MS of its client's last sign of life. */
void
vault_service_reserve(struct vault_service *service, uint64_t bytes)
{
    pthread_mutex_lock(&service->lock);
    while (service->pack_bytes > 0 && service->pack_bytes + bytes > VAULT_SERVICE_PACK_MEMORY)
        pthread_cond_wait(&service->room, &service->lock);
    service->pack_bytes += bytes;
    pthread_mutex_unlock(&service->lock);
}

void
vault_service_unreserve(struct vault_service *service, uint64_t bytes)
{
    pthread_mutex_lock(&service->lock);
    service->pack_bytes -= bytes;
    pthread_cond_broadcast(&service->room);
    pthread_mutex_unlock(&service->lock);
}

int
vault_service_receive_one(struct rpc_call *call, const ProtobufCMessageDescriptor *type, struct arena *arena,
                          ProtobufCMessage **message, struct error *err)
{
    int n = rpc_call_receive(call, type, VAULT_SERVICE_STALL_MS, arena, message, err);
    if (n == 0)
        return FAIL(err, ERROR_FORMAT, 0, "the call ended without a request");
    return n < 0 ? -1 : 0;
}
