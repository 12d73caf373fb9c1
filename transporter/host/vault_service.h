#ifndef LONGHAUL_TRANSPORTER_HOST_VAULT_SERVICE_H
#define LONGHAUL_TRANSPORTER_HOST_VAULT_SERVICE_H

/* The RPC face of this host: longhaul.v1.Vault. Every call passes the grant gate before anything is looked up; the
 * grant alone says which repository and vault the call is about. */

#include <stdint.h>

struct grant_gate;
struct rpc_server;
struct vault_registry;
struct vault_service;

/* Bytes of packs that are being received at a time, over all calls; more calls wait. */
#define VAULT_SERVICE_PACK_MEMORY ((uint64_t)80 << 20)

/* Both borrowed for life. */
struct vault_service *vault_service_new(const struct grant_gate *gate, struct vault_registry *registry);
/* After the server it was added to is freed. */
void vault_service_free(struct vault_service *service);

/* Adds the methods, before rpc_server_listen(). */
void vault_service_add(struct vault_service *service, struct rpc_server *server);

#endif
