#include "common/base/memory.h"
#include "director/cli/cli_client.h"
#include "director/cli/cli_json.h"
#include "director/cli/cli_nouns.h"
#include "director/cli/cli_object.h"
#include "director/cli/cli_table.h"

#include <stdlib.h>
#include <string.h>

static int
list(struct cli *cli, struct error *err)
{
    CLEANUP(cli_table_free_p) struct cli_table *table = cli_table_new("NAME", "KIND", "LAST SEEN", "ID", NULL);
    const char *tenant;
    char seen[CLI_FORMAT_LEN];
    json_t *item;
    size_t i;

    if (cli_option_required(cli, "tenant", &tenant, err) != 0)
        return -1;
    char *path = cli_client_path("/tenants/%s/objects", tenant);
    cli_client_add_query(&path, "kind", cli_option(cli, "kind"));
    json_t *reply = cli_client_list(cli, path, 0, err);
    free(path);
    if (reply == NULL)
        return -1;
    json_array_foreach (json_object_get(reply, "items"), i, item)
        cli_table_add(table, cli_json_text(item, "name"), cli_json_text(item, "kind"),
                      cli_json_time(item, "last_seen", seen), cli_json_text(item, "id"), NULL);
    if (!cli_json_printed(cli, reply))
        cli_table_print(table, "Nothing was discovered yet: longhaul tenant discover TENANT --wait", cli->out);
    json_decref(reply);
    return 0;
}

/* A user's mailbox and drive have the same name. */
static void
find_in_tenant(struct cli *cli, const char *tenant, const char *kind, const char *name, json_t *found)
{
    static const char *const kinds[] = { "mailbox", "drive" };

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct error ignored = ERROR_INIT;
        if (kind != NULL && strcmp(kind, kinds[i]) != 0)
            continue;
        char *path = cli_client_path("/tenants/%s/objects", tenant);
        cli_client_add_query(&path, "name", name);
        cli_client_add_query(&path, "kind", kinds[i]);
        json_t *page = cli_client_get(cli, path, &ignored);
        free(path);
        json_array_extend(found, json_object_get(page, "items"));
        json_decref(page);
    }
}

json_t *
cli_object_find_all(struct cli *cli, const char *tenant, const char *kind, const char *name, struct error *err)
{
    size_t i;
    json_t *item;

    if (strncmp(name, "object-", 7) == 0 && identifier_valid(name))
        return json_pack("[{s:s}]", "id", name);
    json_t *tenants =
        tenant != NULL ? json_pack("{s:[{s:s}]}", "items", "id", tenant) : cli_client_list(cli, "/tenants", 0, err);
    if (tenants == NULL)
        return NULL;
    json_t *found = json_array();
    json_array_foreach (json_object_get(tenants, "items"), i, item)
        find_in_tenant(cli, cli_json_text(item, "id"), kind, name, found);
    json_decref(tenants);
    if (json_array_size(found) > 0)
        return found;
    json_decref(found);
    FAIL(err, ERROR_NOT_FOUND, 0, "there is no object named %s; longhaul object list --tenant NAME", name);
    return NULL;
}

int
cli_object_find(struct cli *cli, const char *tenant, const char *kind, const char *name, char id[IDENTIFIER_LEN],
                struct error *err)
{
    json_t *found = cli_object_find_all(cli, tenant, kind, name, err);

    if (found == NULL)
        return -1;
    size_t count = json_array_size(found);
    snprintf(id, IDENTIFIER_LEN, "%s", cli_json_text(json_array_get(found, 0), "id"));
    json_decref(found);
    if (count > 1)
        return FAIL(err, ERROR_USAGE, 0, "several objects are named %s; use an id from longhaul object list", name);
    return 0;
}

static const struct cli_option list_options[] = {
    { "tenant", "NAME", false, "Of this tenant" },
    { "kind", "KIND", false, "mailbox or drive" },
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_object_commands[] = {
    { "list", "", 0, 0, "What discovery found in a tenant", "  longhaul object list --tenant contoso --kind mailbox\n",
      list_options, list },
    { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL },
};
