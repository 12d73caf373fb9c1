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
    struct cli_table *table = cli_table_new("TIME", "TYPE", "WHO", "WHAT", "TEXT", NULL);
    const char *limit = cli_option(cli, "limit");
    char *path = memory_strdup("/events"), time[CLI_FORMAT_LEN];
    cli_client_add_query(&path, "tenant", cli_option(cli, "tenant"));
    cli_client_add_query(&path, "before", cli_option(cli, "before"));
    cli_client_add_query(&path, "limit", limit != NULL ? limit : "50");
    json_t *reply = cli_client_get(cli, path, err), *items, *item;

    free(path);
    if (reply == NULL)
        return -1;
    items = json_object_get(reply, "items");
    for (size_t i = json_array_size(items); i-- > 0;) { /* the newest at the bottom, where the eye is */
        item = json_array_get(items, i);
        cli_table_add(table, cli_json_time(item, "time", time), cli_json_text(item, "type"),
                      cli_json_text(item, "actor"), cli_json_or_dash(item, "subject"), cli_json_text(item, "text"),
                      NULL);
    }
    if (!cli_json_printed(cli, reply))
        cli_table_print(table, "Nothing has happened yet.", cli->out);
    json_decref(reply);
    return 0;
}

static const struct cli_option list_options[] = {
    { "tenant", "NAME", false, "About this tenant only" },
    { "limit", "N", false, "The newest N (50)" },
    { "before", "SEQ", false, "Older than this one: \"seq\" with --json" },
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_event_commands[] = {
    { "list", "", 0, 0, "What happened, newest last", "  longhaul event list --tenant contoso --limit 200\n",
      list_options, list },
    { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL },
};
