#ifndef LONGHAUL_TRANSPORTER_HOST_VAULT_HOST_SWEEP_H
#define LONGHAUL_TRANSPORTER_HOST_VAULT_HOST_SWEEP_H

/* A retention sweep's session with the engine of a host. The calls have the meaning of
 * common/vault/vault_sweep_backend.h; the host checks what it can without keys, whoever calls. Any thread, one call at
 * a time. */

#include "common/vault/vault_sweep_backend.h"

struct error;
struct vault_host;

int vault_host_sweep_begin(struct vault_host *host, struct vault_sweep_session *session, struct error *err);
int vault_host_sweep_journal(struct vault_host *host, const uint8_t *session, const uint8_t *data, size_t len,
                             uint64_t *epoch, struct error *err);
int vault_host_sweep_end(struct vault_host *host, const uint8_t *session, struct error *err);
int vault_host_sweep_mark(struct vault_host *host, const uint8_t *session, const struct vault_marks *marks,
                          uint8_t *states, struct error *err);
int vault_host_sweep_packs(struct vault_host *host, const uint8_t *session, uint32_t most_live_permille,
                           vault_pack_live_fn *found, void *ctx, struct error *err);
int vault_host_sweep_pack_live(struct vault_host *host, const uint8_t *session, const char *pack, uint8_t **live,
                               size_t *count, struct error *err);
int vault_host_sweep_put_pack(struct vault_host *host, const uint8_t *session, const char *name, const uint8_t *data,
                              size_t len, struct error *err);
int vault_host_sweep_remove_points(struct vault_host *host, const uint8_t *session, uint64_t epoch,
                                   const char *const *names, size_t n, struct vault_removal *removal,
                                   struct error *err);
int vault_host_sweep_remove_packs(struct vault_host *host, const uint8_t *session, uint64_t epoch,
                                  const char (*names)[PACK_NAME_LEN], size_t n, struct vault_removal *removal,
                                  struct error *err);

#endif
