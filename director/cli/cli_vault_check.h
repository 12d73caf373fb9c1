#ifndef LONGHAUL_DIRECTOR_CLI_CLI_VAULT_CHECK_H
#define LONGHAUL_DIRECTOR_CLI_CLI_VAULT_CHECK_H

/* Verifying vaults and points, and what was found. */

#include <jansson.h>

struct cli;
struct error;

/* {"data":..,"sample_ppm":..} from --data and --sample; NULL and ERROR_USAGE. */
json_t *cli_vault_check_body(const struct cli *cli, struct error *err);

int cli_vault_check_verify(struct cli *cli, struct error *err);
int cli_vault_check_rebuild(struct cli *cli, struct error *err);
int cli_vault_check_heal(struct cli *cli, struct error *err);
/* What the verification or the heal of a run found, item by item. */
int cli_vault_check_damage(struct cli *cli, struct error *err);

#endif
