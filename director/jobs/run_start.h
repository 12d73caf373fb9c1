#ifndef LONGHAUL_DIRECTOR_JOBS_RUN_START_H
#define LONGHAUL_DIRECTOR_JOBS_RUN_START_H

/* Runs and their tasks come into being, each in one transaction; the scheduler does the rest. Errors as documented
 * with the functions of director.h that these serve. */

#include "director/director.h"
#include "director/store/store_vaults.h"

struct error;
struct store;

int run_start_backup(struct store *store, const char *job_id, const struct director_run_options *options,
                     const char *actor, char run_id[IDENTIFIER_LEN], struct error *err);
int run_start_create_vault(struct store *store, struct store_vault *vault, const char *actor,
                           char run_id[IDENTIFIER_LEN], struct error *err);
int run_start_discover(struct store *store, const char *tenant_id, const char *actor, char run_id[IDENTIFIER_LEN],
                       struct error *err);
int run_start_restore(struct store *store, const struct director_restore *restore, const char *actor,
                      char run_id[IDENTIFIER_LEN], struct error *err);
int run_start_verify(struct store *store, const struct director_verify *verify, const char *actor,
                     char run_id[IDENTIFIER_LEN], struct error *err);
/* source_id: NULL: only from the vault itself. */
int run_start_heal(struct store *store, const char *vault_id, const char *source_id, const char *actor,
                   char run_id[IDENTIFIER_LEN], struct error *err);
int run_start_sweep(struct store *store, const struct director_sweep *sweep, const char *actor,
                    char run_id[IDENTIFIER_LEN], struct error *err);

/* ERROR_CONFLICT for a replica: what backups would write there is no part of the vault that it has the bytes of. */
int run_start_refuse_replica(const struct store_vault *vault, struct error *err);

#endif
