#include "director/cli/cli_nouns.h"

const struct cli_noun cli_nouns[] = {
    { "login", "Remember which director to talk to, and the token for it", cli_login_commands },
    { "logout", "Forget it", cli_logout_commands },
    { "transporter", "Machines that move the data: invite, list, revoke", cli_transporter_commands },
    { "tenant", "Customer organisations and their Microsoft 365 credentials", cli_tenant_commands },
    { "object", "What discovery found: mailboxes and drives", cli_object_commands },
    { "repository", "Storage locations attached to a transporter", cli_repository_commands },
    { "vault", "Encrypted spaces of tenants in repositories", cli_vault_commands },
    { "job", "What to protect, and where to", cli_job_commands },
    { "run", "Start, watch and cancel runs", cli_run_commands },
    { "point", "Recovery points: list, browse, find, verify", cli_point_commands },
    { "restore", "Bring data back", cli_restore_commands },
    { "secret", "Sealed secrets: who can open what", cli_secret_commands },
    { "event", "What happened", cli_event_commands },
    { "token", "API tokens", cli_token_commands },
    { "completion", "Completion for a shell", cli_completion_commands },
    { NULL, NULL, NULL },
};

const struct cli_option cli_common_options[] = {
    { "json", NULL, false, "Print JSON instead of tables" },
    { "yes", NULL, false, "Answer yes to questions" },
    { "director", "URL", false, "https://host:8440 (or LONGHAUL_DIRECTOR)" },
    { "ca", "FILE", false, "The director's authority, PEM (or LONGHAUL_CA)" },
    { "token-file", "FILE", false, "API token (or LONGHAUL_TOKEN_FILE, LONGHAUL_TOKEN)" },
    { "state-dir", "DIR", false, "On the director's machine: its state folder (or LONGHAUL_STATE_DIR)" },
    { "check-config", NULL, false, "Check the settings and exit" },
    { "print-config", NULL, false, "Print each setting and where it came from; the token is concealed" },
    { "help", NULL, false, "Explain the command" },
    { "version", NULL, false, "Print the version" },
    { NULL, NULL, false, NULL },
};
