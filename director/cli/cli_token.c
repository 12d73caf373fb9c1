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
    struct cli_table *table = cli_table_new("NAME", "SCOPE", "TENANT", "EXPIRES", "LAST USED", "ID", NULL);
    json_t *reply = cli_client_list(cli, "/tokens", 0, err), *item;
    char expires[CLI_FORMAT_LEN], used[CLI_FORMAT_LEN];
    size_t i;

    if (reply == NULL)
        return -1;
    json_array_foreach (json_object_get(reply, "items"), i, item)
        cli_table_add(table, cli_json_text(item, "name"), cli_json_text(item, "scope"),
                      cli_json_or_dash(item, "tenant.name"), cli_json_time(item, "expires", expires),
                      cli_json_time(item, "last_used", used), cli_json_text(item, "id"), NULL);
    if (!cli_json_printed(cli, reply))
        cli_table_print(table, "No tokens.", cli->out);
    json_decref(reply);
    return 0;
}

static int
create(struct cli *cli, struct error *err)
{
    const char *scope = cli_option(cli, "scope"), *expires = cli_option(cli, "expires");
    uint64_t lifetime = 0;

    if (expires != NULL && cli_format_parse_duration(expires, &lifetime, err) != 0)
        return -1;
    json_t *body =
        json_pack("{s:s, s:s, s:s*, s:I}", "name", cli_argument(cli, 0), "scope", scope != NULL ? scope : "viewer",
                  "tenant", cli_option(cli, "tenant"), "lifetime_s", (json_int_t)lifetime);
    json_t *token = cli_client_post(cli, "/tokens", body, err);
    if (token == NULL)
        return -1;
    if (!cli_json_printed(cli, token)) {
        fprintf(cli->notices, "The token, shown this once:\n");
        fprintf(cli->out, "%s\n", cli_json_text(token, "token"));
    }
    json_decref(token);
    return 0;
}

static int
revoke(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/tokens/%s", cli_argument(cli, 0));
    json_t *reply = cli_client_call(cli, "DELETE", path, NULL, err);

    json_decref(reply);
    return reply == NULL ? -1 : 0;
}

static const struct cli_option create_options[] = {
    { "scope", "SCOPE", false, "viewer (the default), operator or admin" },
    { "tenant", "NAME", false, "It sees this tenant only" },
    { "expires", "DURATION", false, "Good for so long: 12h, 30d; without: until it is revoked" },
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_token_commands[] = {
    { "create", "NAME", 1, 1, "Make an API token; it is shown once",
      "  longhaul token create monitoring --scope viewer > monitoring.token\n"
      "  longhaul token create contoso-desk --scope operator --tenant contoso --expires 90d\n",
      create_options, create },
    { "list", "", 0, 0, "All tokens", NULL, NULL, list },
    { "revoke", "NAME", 1, 1, "Make a token worthless, at once", NULL, NULL, revoke },
    { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL },
};
