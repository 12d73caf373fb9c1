#ifndef LONGHAUL_COMMON_VAULT_VAULT_H
#define LONGHAUL_COMMON_VAULT_VAULT_H

/* One tenant's encrypted space, opened with its key. Shared by writers and readers of any thread; close it after
 * them. Holds the keys in locked memory and nothing else of size. */

#include "common/vault/vault_backend.h"

struct clock;
struct error;
struct key_slot_cost;
struct secret;
struct vault;

struct vault_params {
    int compression_level;                     /* of zstd, 1 to 19; 0: the default, 3 */
    const struct key_slot_cost *password_cost; /* NULL: the default of common/crypto/key_slot.h */
};

/* Writes a key slot (the master key under the password), then the format object: a vault exists when its format
 * does. Creating the same vault again with the same password is fine (nothing changes, params are ignored);
 * with another password ERROR_DENIED. */
int vault_create(struct vault_backend backend, const struct clock *clock, const char *vault_id,
                 const struct secret *password, const struct vault_params *params, struct error *err);

/* ERROR_DENIED: no key slot opens with this password. ERROR_NOT_FOUND: there is no vault. ERROR_UNSUPPORTED: a newer
 * format. ERROR_CORRUPT: damaged, or another vault than vault_id (NULL: take what is there). */
struct vault *vault_open(struct vault_backend backend, const struct clock *clock, const char *vault_id,
                         const struct secret *password, struct error *err);
/* The same open vault over another way to its objects. The original may be closed first. */
struct vault *vault_share(const struct vault *vault, struct vault_backend backend);
void vault_close(struct vault *vault);
void vault_close_p(struct vault **vault);

/* The vault's epoch, for point->epoch: every run that will commit asks before it reads anything of the vault. */
int vault_begin(struct vault *vault, uint64_t *epoch, struct error *err);

const char *vault_id(const struct vault *vault);
struct vault_backend vault_backend(const struct vault *vault);
const struct clock *vault_clock(const struct vault *vault);

#endif
