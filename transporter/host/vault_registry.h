#ifndef LONGHAUL_TRANSPORTER_HOST_VAULT_REGISTRY_H
#define LONGHAUL_TRANSPORTER_HOST_VAULT_REGISTRY_H

/* The repositories attached to this host and the vaults in them, opened when first asked for. Any thread. Which
 * repositories were attached once is remembered in state_dir, so that a disk that is not mounted is never taken for
 * a new, empty repository. */

#include "transporter/storage/storage.h"

struct clock;
struct error;
struct secret;
struct vault_host;
struct vault_lease;
struct vault_registry;

/* clock is borrowed for life; state_dir exists and is copied. */
struct vault_registry_report {
    uint64_t free_bytes;        /* 0 when the storage does not know */
    struct storage_probe probe; /* of the last attaching that tried it; words also say why it could not be tried */
};

/* lock_max_days: as in vault_host.h. */
/* How long hosts wait between closing a retire record and removing what it names; 0: the default. Before anything is
 * leased. */
void vault_registry_settle(struct vault_registry *registry, uint64_t settle_ms);
struct vault_registry *vault_registry_new(const struct clock *clock, const char *state_dir, uint32_t lock_max_days);
/* No lease may be out. */
void vault_registry_free(struct vault_registry *registry);

/* location: the unsealed "storage" secret. Attaching what is attached checks it again and is fine; another location
 * replaces the old one for calls that come from now on. A location is probed when this process attaches it first:
 * ERROR_UNSUPPORTED when it does not do what it claims. One that was attached before and cannot be written now (full,
 * read-only) is attached all the same, for what it holds. */
int vault_registry_attach(struct vault_registry *registry, const char *repository_id, const struct secret *location,
                          struct vault_registry_report *report, struct error *err);
/* Calls under way end as they would. */
void vault_registry_detach(struct vault_registry *registry, const char *repository_id);

/* From now on a grant for this vault and scope with a lower fence is refused, in every repository here. */
int vault_registry_raise_fence(struct vault_registry *registry, const char *vault_id, const char *scope, uint64_t fence,
                               struct error *err);

/* The vault's engine, valid until the lease is given back. NULL: ERROR_UNAVAILABLE when the repository is not
 * attached (yet), or why the vault cannot be opened. */
struct vault_lease *vault_registry_lease(struct vault_registry *registry, const char *repository_id,
                                         const char *vault_id, struct error *err);
struct vault_host *vault_registry_host(struct vault_lease *lease);
void vault_registry_release(struct vault_lease *lease);
void vault_registry_release_p(struct vault_lease **lease);

#endif
