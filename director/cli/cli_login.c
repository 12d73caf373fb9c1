#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "director/cli/cli_client.h"
#include "director/cli/cli_json.h"
#include "director/cli/cli_nouns.h"
#include "director/cli/cli_secret.h"
#include "director/cli/cli_settings.h"

#include <jansson.h>
#include <stdlib.h>

/* The saved settings must work: with them as they are on disk, who am I? */
static int
check_saved(struct cli *cli, struct error *err)
{
    json_t *own = cli_client_get(cli, "/tokens/own", err);

    if (own == NULL)
        return -1;
    if (!cli_json_printed(cli, own))
        fprintf(cli->out, "Logged in as %s, scope %s.\n", cli_json_text(own, "name"), cli_json_text(own, "scope"));
    json_decref(own);
    return 0;
}

static int
login(struct cli *cli, struct error *err)
{
    static const struct cli_secret_source source = { "token-file", "LONGHAUL_TOKEN", "API token", false };
    const char *url, *ca = cli_option(cli, "ca"), *fingerprint = cli_option(cli, "ca-fingerprint");
    struct cli_settings settings = { .director = NULL };
    int result = -1;

    if (cli_option_required(cli, "director", &url, err) != 0)
        return -1;
    if ((ca == NULL) == (fingerprint == NULL))
        return FAIL(err, ERROR_USAGE, 0, "give --ca-fingerprint HEX (the director logs it) or --ca FILE");
    settings.director = cli_settings_check_url(url, err);
    if (settings.director != NULL)
        settings.ca_pem =
            ca != NULL ? cli_settings_read_file(ca, err) : cli_client_fetch_root(settings.director, fingerprint, err);
    if (settings.ca_pem != NULL)
        settings.token = cli_secret_read(cli, &source, err);
    if (settings.token != NULL)
        result = cli_settings_save(&settings, err);
    cli_settings_clear(&settings);
    cli->given_count = cli_flag(cli, "json") ? 1 : 0; /* from here on what was saved counts, not the options */
    if (cli->given_count == 1)
        cli->given[0] = (struct cli_given){ .option = &cli_common_options[0] };
    return result == 0 ? check_saved(cli, err) : -1;
}

static int
logout(struct cli *cli, struct error *err)
{
    (void)cli;
    return cli_settings_forget(err);
}

static const struct cli_option login_options[] = {
    { "ca-fingerprint", "HEX", false, "SHA-256 of the director's authority, as its log and its invites show it" },
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_login_commands[] = {
    { NULL, "", 0, 0, "Remember which director to talk to, and the token for it",
      "  longhaul login --director https://director.example:8440 --ca-fingerprint 9e05...c1d1 --token-file "
      "admin.token\n"
      "  longhaul login --director director.example --ca director.pem        # asks for the token\n",
      login_options, login },
    { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL },
};

const struct cli_command cli_logout_commands[] = {
    { NULL, "", 0, 0, "Forget the director, its authority and the token", NULL, NULL, logout },
    { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL },
};
