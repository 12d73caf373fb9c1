#ifndef LONGHAUL_DIRECTOR_CLI_CLI_REPOSITORY_AZURE_H
#define LONGHAUL_DIRECTOR_CLI_CLI_REPOSITORY_AZURE_H

/* "longhaul repository add" for a container of Azure Storage. */

#include "director/cli/cli.h"

struct secret;

/* Rows of add's table of options. */
#define CLI_REPOSITORY_AZURE_OPTIONS                                                                                   \
    { "azure-container", "NAME", false, "Instead of a folder: a container of Azure Blob storage" },                    \
        { "azure-account", "NAME", false, "The storage account that it is in" },                                       \
        { "azure-endpoint", "URL", false, "Default: https://ACCOUNT.blob.core.windows.net" },                          \
        { "azure-prefix", "PREFIX", false, "Where in the container; default: at its top" },                            \
        { "azure-lock-mode", "MODE", false, "none (default), unlocked or locked: of immutability policies" },          \
        { "azure-key-file", "FILE", false, "The account's key; or LONGHAUL_AZURE_KEY; otherwise asked for" },          \
        { "azure-sas-file", "FILE", false, "Instead of the key: a SAS; or LONGHAUL_AZURE_SAS" },                       \
    {                                                                                                                  \
        "azure-ca", "FILE", false, "PEM of an authority that the endpoint's certificate needs"                         \
    }

bool cli_repository_azure_wanted(struct cli *cli);
/* What is to be sealed to the host, from the options. ERROR_USAGE. */
struct secret *cli_repository_azure_location(struct cli *cli, struct error *err);

#endif
