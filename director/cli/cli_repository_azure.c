#include "director/cli/cli_repository_azure.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "director/cli/cli_secret.h"

#include <stdlib.h>
#include <string.h>

static const struct cli_secret_source key_source = { "azure-key-file", "LONGHAUL_AZURE_KEY",
                                                     "Key of the storage account", false };
static const struct cli_secret_source sas_source = { "azure-sas-file", "LONGHAUL_AZURE_SAS", "Shared access signature",
                                                     false };

bool
cli_repository_azure_wanted(struct cli *cli)
{
    return cli_option(cli, "azure-container") != NULL || cli_option(cli, "azure-account") != NULL;
}

static bool
is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL && value[0] != '\0';
}

/* A file beats the environment, whichever of the two it has. */
static int
choose_secret(struct cli *cli, bool *sas, struct error *err)
{
    bool key_file = cli_option(cli, key_source.option) != NULL, sas_file = cli_option(cli, sas_source.option) != NULL;
    bool key_set = is_set(key_source.variable), sas_set = is_set(sas_source.variable);

    if ((key_file && sas_file) || (!key_file && !sas_file && key_set && sas_set))
        return FAIL(err, ERROR_USAGE, 0, "give either the account's key or a SAS");
    *sas = sas_file || (!key_file && sas_set);
    return 0;
}

static int
check_options(struct cli *cli, const char *endpoint, const char *mode, struct error *err)
{
    if (cli_option(cli, "path") != NULL || cli_option(cli, "lock-mode") != NULL)
        return FAIL(err, ERROR_USAGE, 0, "--path and --lock-mode are for a folder, --azure-… for a container");
    if (endpoint != NULL && strncmp(endpoint, "https://", 8) != 0)
        return FAIL(err, ERROR_USAGE, 0, "--azure-endpoint is an https URL");
    if (mode != NULL && strcmp(mode, "none") != 0 && strcmp(mode, "unlocked") != 0 && strcmp(mode, "locked") != 0)
        return FAIL(err, ERROR_USAGE, 0, "--azure-lock-mode is none, unlocked or locked");
    return 0;
}

struct secret *
cli_repository_azure_location(struct cli *cli, struct error *err)
{
    CLEANUP(secret_free_p) struct secret *secret = NULL, *ca = NULL;
    const char *container, *account, *endpoint = cli_option(cli, "azure-endpoint");
    const char *mode = cli_option(cli, "azure-lock-mode"), *ca_file = cli_option(cli, "azure-ca");
    bool sas = false;

    if (cli_option_required(cli, "azure-container", &container, err) != 0 ||
        cli_option_required(cli, "azure-account", &account, err) != 0 || check_options(cli, endpoint, mode, err) != 0 ||
        choose_secret(cli, &sas, err) != 0)
        return NULL;
    if (ca_file != NULL && (ca = cli_secret_from_file(ca_file, err)) == NULL)
        return NULL;
    secret = cli_secret_read(cli, sas ? &sas_source : &key_source, err);
    if (secret == NULL)
        return NULL;
    const struct cli_secret_field fields[] = {
        { "driver", "azure", NULL },  { "endpoint", endpoint, NULL },
        { "account", account, NULL }, { "container", container, NULL },
        { "lock_mode", mode, NULL },  { "prefix", cli_option(cli, "azure-prefix"), NULL },
        { "ca_pem", NULL, ca },       { sas ? "sas" : "account_key", NULL, secret },
    };
    return cli_secret_object(fields, ARRAY_LEN(fields), err);
}
