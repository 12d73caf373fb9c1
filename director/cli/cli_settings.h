#ifndef LONGHAUL_DIRECTOR_CLI_CLI_SETTINGS_H
#define LONGHAUL_DIRECTOR_CLI_CLI_SETTINGS_H

/* Which director, trusted how, with which token. In this order: options; on the director's own machine --state-dir;
 * the environment; what `longhaul login` saved in $XDG_CONFIG_HOME/longhaul or ~/.config/longhaul. */

#include "director/cli/cli.h"

struct secret;

struct cli_settings {
    char *director; /* "https://host:8440" */
    char *ca_pem;
    struct secret *token;
    const char *director_from, *ca_from, *token_from; /* constants, for people */
};

int cli_settings_load(const struct cli *cli, struct cli_settings *settings, struct error *err);
void cli_settings_clear(struct cli_settings *settings);
/* --check-config and --print-config: the settings as a command would use them, the token concealed. */
int cli_settings_show(struct cli *cli, struct error *err);
/* Replaces what an earlier login saved. */
int cli_settings_save(const struct cli_settings *settings, struct error *err);
/* Removes it. */
int cli_settings_forget(struct error *err);

/* The folder, with a name in it; freed with free(). NULL when there is no home. */
char *cli_settings_path(const char *name, struct error *err);
/* "https://host:8440" without a path; an address without scheme gets one. ERROR_USAGE for anything but https. */
char *cli_settings_check_url(const char *text, struct error *err);
/* A whole small text file; freed with free(). */
char *cli_settings_read_file(const char *path, struct error *err);

#endif
