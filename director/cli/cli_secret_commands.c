#include "common/base/memory.h"
#include "director/cli/cli_client.h"
#include "director/cli/cli_json.h"
#include "director/cli/cli_nouns.h"
#include "director/cli/cli_table.h"

#include <stdlib.h>

static int
list(struct cli *cli, struct error *err)
{
    CLEANUP(cli_table_free_p)
    struct cli_table *table = cli_table_new("ID", "PURPOSE", "TENANT", ">SEALED TO", "CREATED", NULL);
    char *path = memory_strdup("/secrets"), created[CLI_FORMAT_LEN], slots[CLI_FORMAT_LEN];
    cli_client_add_query(&path, "tenant", cli_option(cli, "tenant"));
    json_t *reply = cli_client_list(cli, path, 0, err), *item;
    size_t i;

    free(path);
    if (reply == NULL)
        return -1;
    json_array_foreach (json_object_get(reply, "items"), i, item) {
        cli_format_count(json_array_size(json_object_get(item, "slots")), slots);
        cli_table_add(table, cli_json_text(item, "id"), cli_json_text(item, "purpose"),
                      cli_json_or_dash(item, "tenant.name"), slots, cli_json_time(item, "created", created), NULL);
    }
    if (!cli_json_printed(cli, reply))
        cli_table_print(table, "No secrets yet.", cli->out);
    json_decref(reply);
    return 0;
}

static int
show(struct cli *cli, struct error *err)
{
    CLEANUP(cli_table_free_p) struct cli_table *table = cli_table_new("SEALED TO", "WHEN", NULL);
    CLEANUP(memory_free_p) char *path = cli_client_path("/secrets/%s", cli_argument(cli, 0));
    json_t *secret = cli_client_get(cli, path, err), *slot;
    char sealed[CLI_FORMAT_LEN];
    size_t i;

    if (secret == NULL)
        return -1;
    json_array_foreach (json_object_get(secret, "slots"), i, slot)
        cli_table_add(table, cli_json_text(slot, "transporter"), cli_json_time(slot, "sealed", sealed), NULL);
    if (!cli_json_printed(cli, secret)) {
        fprintf(cli->out, "%s, purpose %s, tenant %s\n", cli_json_text(secret, "id"), cli_json_text(secret, "purpose"),
                cli_json_or_dash(secret, "tenant.name"));
        cli_table_print(table, "Sealed to nobody.", cli->out);
    }
    json_decref(secret);
    return 0;
}

static int
delete_secret(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/secrets/%s", cli_argument(cli, 0));

    if (cli_confirm(cli, "Delete the sealed secret?", err) != 0)
        return -1;
    json_t *reply = cli_client_call(cli, "DELETE", path, NULL, err);
    json_decref(reply);
    return reply == NULL ? -1 : 0;
}

static const struct cli_option list_options[] = {
    { "tenant", "NAME", false, "Of this tenant only" },
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_secret_commands[] = {
    { "list", "", 0, 0, "Sealed secrets and what they are for", NULL, list_options, list },
    { "show", "ID", 1, 1, "To which transporters a secret is sealed", NULL, NULL, show },
    { "delete", "ID", 1, 1, "Delete a secret that nothing uses", NULL, NULL, delete_secret },
    { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL },
};
