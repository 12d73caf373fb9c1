#ifndef LONGHAUL_DIRECTOR_CLI_CLI_TENANT_ID_H
#define LONGHAUL_DIRECTOR_CLI_CLI_TENANT_ID_H

/* How Microsoft 365 tenants are named. Pure. */

struct error;

/* A GUID, or a domain name such as contoso.onmicrosoft.com. ERROR_USAGE. */
int cli_tenant_id_check(const char *text, struct error *err);

#endif
