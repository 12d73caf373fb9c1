#ifndef LONGHAUL_DIRECTOR_JOBS_VAULT_LOCKS_H
#define LONGHAUL_DIRECTOR_JOBS_VAULT_LOCKS_H

/* What the director knows of immutability: which repositories enforce locks, and until when a vault's points are held,
 * as hosts have told with each run. Locks last because runs extend them; runs that stop are what has to be told. Loop
 * thread. */

#include "director/store/store_vaults.h"

#include <stdbool.h>

struct error;

#define VAULT_LOCKS_DAYS_MAX    36500U
#define VAULT_LOCKS_WARNING_LEN 200

/* 0 for no days. ERROR_UNSUPPORTED when the vault's repository was not seen to enforce locks. */
int vault_locks_check(struct store *store, const char *vault_id, uint32_t days, struct error *err);

/* A run has ended whose points are held until then, for a job of so many days. */
int vault_locks_note(struct store *store, const char *vault_id, uint32_t days, int64_t until_ms, struct error *err);

/* Whether what holds the newest points ends soon, or has ended: in less than 3 days, or half of the days for which it
 * was. words are for the operator, empty when there is nothing to say. */
bool vault_locks_warning(const struct store_vault *vault, int64_t now_ms, char words[VAULT_LOCKS_WARNING_LEN]);

/* An event "vault.locks" for each vault of which that has become so. */
int vault_locks_watch(struct store *store, struct error *err);

#endif
