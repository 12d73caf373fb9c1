#include "common/base/memory.h"
#include "common/base/secret.h"
#include "director/cli/cli_client.h"
#include "director/cli/cli_json.h"
#include "director/cli/cli_nouns.h"
#include "director/cli/cli_seal.h"
#include "director/cli/cli_secret.h"
#include "director/cli/cli_table.h"
#include "director/cli/cli_tenant_id.h"
#include "director/cli/cli_watch.h"

#include <stdlib.h>
#include <string.h>

/* https://learn.microsoft.com/en-us/graph/deployments */
static const struct cloud {
    const char *name, *login_url, *graph_url;
} clouds[] = {
    { "global", "https://login.microsoftonline.com", "https://graph.microsoft.com" },
    { "usgov", "https://login.microsoftonline.us", "https://graph.microsoft.us" },
    { "dod", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us" },
    { "china", "https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn" },
};

static int
list(struct cli *cli, struct error *err)
{
    CLEANUP(cli_table_free_p)
    struct cli_table *table = cli_table_new("NAME", "CREDENTIALS", "DISCOVERED", "CREATED", "ID", NULL);
    json_t *reply = cli_client_list(cli, "/tenants", 0, err), *item;
    char discovered[CLI_FORMAT_LEN], created[CLI_FORMAT_LEN];
    size_t i;

    if (reply == NULL)
        return -1;
    json_array_foreach (json_object_get(reply, "items"), i, item)
        cli_table_add(table, cli_json_text(item, "name"), cli_json_text(item, "secret")[0] != '\0' ? "sealed" : "none",
                      cli_json_time(item, "discovered", discovered), cli_json_time(item, "created", created),
                      cli_json_text(item, "id"), NULL);
    if (!cli_json_printed(cli, reply))
        cli_table_print(table, "No tenants yet; add one: longhaul tenant add --help", cli->out);
    json_decref(reply);
    return 0;
}

static int
print_tenant(struct cli *cli, json_t *tenant)
{
    static const struct cli_json_line lines[] = {
        { "Name", "name", CLI_JSON_PLAIN },          { "Id", "id", CLI_JSON_PLAIN },
        { "Credentials", "secret", CLI_JSON_PLAIN }, { "Discovered", "discovered", CLI_JSON_TIME },
        { "Created", "created", CLI_JSON_TIME },     { NULL, NULL, CLI_JSON_PLAIN },
    };

    if (tenant == NULL)
        return -1;
    if (!cli_json_printed(cli, tenant))
        cli_json_print_lines(cli, tenant, lines);
    json_decref(tenant);
    return 0;
}

static int
show(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/tenants/%s", cli_argument(cli, 0));

    return print_tenant(cli, cli_client_get(cli, path, err));
}

static int
check_https(const char *option, const char *url, struct error *err)
{
    if (strncmp(url, "https://", 8) != 0 || url[8] == '\0')
        return FAIL(err, ERROR_USAGE, 0, "--%s must begin with https://", option);
    return 0;
}

static int
find_cloud(const struct cli *cli, const char **login_url, const char **graph_url, struct error *err)
{
    const char *name = cli_option(cli, "cloud");
    const struct cloud *cloud = &clouds[0];

    *login_url = cli_option(cli, "login-url");
    *graph_url = cli_option(cli, "graph-url");
    if ((*login_url == NULL) != (*graph_url == NULL))
        return FAIL(err, ERROR_USAGE, 0, "--login-url and --graph-url go together");
    if (*login_url != NULL && name != NULL)
        return FAIL(err, ERROR_USAGE, 0, "give --cloud, or --login-url and --graph-url");
    if (*login_url != NULL)
        return check_https("login-url", *login_url, err) != 0 ? -1 : check_https("graph-url", *graph_url, err);
    while (name != NULL && cloud < clouds + ARRAY_LEN(clouds) && strcmp(cloud->name, name) != 0)
        cloud++;
    if (cloud == clouds + ARRAY_LEN(clouds))
        return FAIL(err, ERROR_USAGE, 0, "--cloud is global, usgov, dod or china");
    *login_url = cloud->login_url;
    *graph_url = cloud->graph_url;
    return 0;
}

/* Everything that leads to the tenant is sealed together, addresses too, so that nobody can point it elsewhere. */
static struct secret *
read_bundle(struct cli *cli, struct error *err)
{
    static const struct cli_secret_source client_secret = { "client-secret-file", "LONGHAUL_CLIENT_SECRET",
                                                            "Client secret", false };
    const char *certificate_path = cli_option(cli, "certificate"), *key_path = cli_option(cli, "key");
    const char *tenant_id, *client_id, *login_url, *graph_url;
    CLEANUP(secret_free_p) struct secret *certificate = NULL;
    CLEANUP(secret_free_p) struct secret *key = NULL;
    CLEANUP(secret_free_p) struct secret *password = NULL;

    if (cli_option_required(cli, "tenant-id", &tenant_id, err) != 0 || cli_tenant_id_check(tenant_id, err) != 0 ||
        cli_option_required(cli, "client-id", &client_id, err) != 0 ||
        find_cloud(cli, &login_url, &graph_url, err) != 0)
        return NULL;
    if ((certificate_path == NULL) != (key_path == NULL) ||
        (certificate_path != NULL && cli_flag(cli, "client-secret-file"))) {
        FAIL(err, ERROR_USAGE, 0, "give --client-secret-file, or --certificate and --key");
        return NULL;
    }
    if (certificate_path != NULL) {
        certificate = cli_secret_from_file(certificate_path, err);
        key = certificate == NULL ? NULL : cli_secret_from_file(key_path, err);
    } else {
        password = cli_secret_read(cli, &client_secret, err);
    }
    if (key == NULL && password == NULL)
        return NULL;
    const struct cli_secret_field fields[] = {
        { "tenant", tenant_id, NULL },       { "client_id", client_id, NULL },
        { "client_secret", NULL, password }, { "certificate_pem", NULL, certificate },
        { "private_key_pem", NULL, key },    { "login_url", login_url, NULL },
        { "graph_url", graph_url, NULL },
    };
    return cli_secret_object(fields, ARRAY_LEN(fields), err);
}

static json_t *
seal_credentials(struct cli *cli, const char *tenant, struct secret *bundle, const struct cli_recipients *recipients,
                 struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/tenants/%s/secret", tenant);
    char id[IDENTIFIER_LEN];

    if (cli_seal_upload(cli, "microsoft365", tenant, recipients, bundle, id, err) != 0)
        return NULL;
    return cli_client_call(cli, "PUT", path, json_pack("{s:s}", "secret", id), err);
}

/* Everything is read and agreed on before the first change. */
static int
add_or_update(struct cli *cli, bool add, struct error *err)
{
    CLEANUP(memory_free_p) struct cli_recipients *recipients = MEMORY_NEW(struct cli_recipients);
    CLEANUP(secret_free_p) struct secret *bundle = NULL;
    const char *name = cli_argument(cli, 0);

    if (cli_seal_option_recipients(cli, recipients, err) != 0 || cli_seal_confirm(cli, recipients, err) != 0 ||
        (bundle = read_bundle(cli, err)) == NULL)
        return -1;
    if (add) {
        json_t *tenant = cli_client_post(cli, "/tenants", json_pack("{s:s}", "name", name), err);
        if (tenant == NULL)
            return -1;
        json_decref(tenant);
    }
    json_t *tenant = seal_credentials(cli, name, bundle, recipients, err);
    if (tenant == NULL && add)
        error_wrap(err, "tenant %s was added without credentials (longhaul tenant credentials sets them)", name);
    if (tenant == NULL || !add || cli_flag(cli, "json"))
        return print_tenant(cli, tenant);
    fprintf(cli->out, "Added tenant %s. Next: longhaul tenant discover %s --wait\n", name, name);
    json_decref(tenant);
    return 0;
}

static int
add(struct cli *cli, struct error *err)
{
    return add_or_update(cli, true, err);
}

static int
credentials(struct cli *cli, struct error *err)
{
    return add_or_update(cli, false, err);
}

static int
discover(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/tenants/%s/discover", cli_argument(cli, 0));

    return cli_watch_started(cli, cli_client_post(cli, path, NULL, err), false, err);
}

static int
delete_tenant(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/tenants/%s", cli_argument(cli, 0));

    if (cli_confirm(cli, "Delete the tenant with its inventory and sealed secrets?", err) != 0)
        return -1;
    json_t *reply = cli_client_call(cli, "DELETE", path, NULL, err);
    json_decref(reply);
    return reply == NULL ? -1 : 0;
}

#define CREDENTIAL_OPTIONS                                                                                             \
    { "tenant-id", "GUID", false, "The directory (tenant) id or a domain of it" },                                     \
        { "client-id", "GUID", false, "The application (client) id" },                                                 \
        { "client-secret-file", "FILE", false, "Client secret ('-': standard input; or LONGHAUL_CLIENT_SECRET)" },     \
        { "certificate", "FILE", false, "Instead: the application's certificate, PEM" },                               \
        { "key", "FILE", false, "with its private key, PEM" },                                                         \
        { "cloud", "NAME", false, "global (the default), usgov, dod or china" },                                       \
        { "login-url", "URL", false, "Instead of --cloud: where tokens come from" },                                   \
        { "graph-url", "URL", false, "with where Microsoft Graph is" },                                                \
        { "transporter", "NAME", true, "Seal the credentials to this transporter" },                                   \
    {                                                                                                                  \
        NULL, NULL, false, NULL                                                                                        \
    }

static const struct cli_option credential_options[] = { CREDENTIAL_OPTIONS };

const struct cli_command cli_tenant_commands[] = {
    { "add", "NAME", 1, 1, "Add a customer organisation with its Microsoft 365 credentials",
      "  longhaul tenant add contoso --tenant-id 8d2b6a34-... --client-id 0b1c2d3e-... \\\n"
      "      --client-secret-file secret.txt --transporter frankfurt-1\n"
      "  longhaul tenant add agency --cloud usgov --tenant-id ... --client-id ... \\\n"
      "      --certificate app.pem --key app.key --transporter dc-1 --transporter dc-2\n",
      credential_options, add },
    { "credentials", "NAME", 1, 1, "Replace a tenant's Microsoft 365 credentials, or seal them to other transporters",
      "  longhaul tenant credentials contoso --tenant-id ... --client-id ... --client-secret-file new.txt \\\n"
      "      --transporter frankfurt-1 --transporter frankfurt-2\n",
      credential_options, credentials },
    { "list", "", 0, 0, "All tenants", NULL, NULL, list },
    { "show", "NAME", 1, 1, "One tenant", NULL, NULL, show },
    { "discover", "NAME", 1, 1, "Look for mailboxes and drives", "  longhaul tenant discover contoso --wait\n",
      cli_watch_options, discover },
    { "delete", "NAME", 1, 1, "Forget a tenant that has no vaults, jobs and points", NULL, NULL, delete_tenant },
    { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL },
};
