#ifndef LONGHAUL_DIRECTOR_CLI_CLI_SWEEP_H
#define LONGHAUL_DIRECTOR_CLI_CLI_SWEEP_H

/* Retention by hand: the commands of `vault` and `point` that retire, show and undo. */

#include "director/cli/cli.h"

extern const struct cli_option cli_sweep_options[], cli_sweep_expire_options[];

int cli_sweep_vault(struct cli *cli, struct error *err);
int cli_sweep_expire(struct cli *cli, struct error *err);
int cli_sweep_retired(struct cli *cli, struct error *err);
int cli_sweep_undo(struct cli *cli, struct error *err);

#endif
