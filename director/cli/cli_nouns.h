#ifndef LONGHAUL_DIRECTOR_CLI_CLI_NOUNS_H
#define LONGHAUL_DIRECTOR_CLI_CLI_NOUNS_H

/* The commands of each noun, in cli_<noun>.c. */

#include "director/cli/cli.h"

extern const struct cli_command cli_login_commands[], cli_logout_commands[], cli_completion_commands[];
extern const struct cli_command cli_tenant_commands[], cli_object_commands[], cli_transporter_commands[];
extern const struct cli_command cli_repository_commands[], cli_vault_commands[], cli_secret_commands[];
extern const struct cli_command cli_job_commands[], cli_run_commands[], cli_point_commands[], cli_restore_commands[];
extern const struct cli_command cli_event_commands[], cli_token_commands[];

#endif
