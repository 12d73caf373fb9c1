#include "common/base/memory.h"
#include "director/cli/cli_client.h"
#include "director/cli/cli_json.h"
#include "director/cli/cli_nouns.h"
#include "director/cli/cli_object.h"
#include "director/cli/cli_query.h"
#include "director/cli/cli_sweep.h"
#include "director/cli/cli_table.h"
#include "director/cli/cli_time.h"
#include "director/cli/cli_vault_check.h"
#include "director/cli/cli_watch.h"

#include <stdlib.h>
#include <string.h>

#define LIST_LIMIT  200
#define BROWSE_PAGE 500

static json_t *
fetch_points(struct cli *cli, const char *object, struct error *err)
{
    char before[CLOCK_TEXT_LEN];
    bool given;

    if (cli_time_option(cli, "before", before, &given, err) != 0)
        return NULL;
    char *path = memory_strdup("/points");

    cli_client_add_query(&path, "tenant", cli_option(cli, "tenant"));
    cli_client_add_query(&path, "vault", cli_option(cli, "vault"));
    cli_client_add_query(&path, "run", cli_option(cli, "run"));
    cli_client_add_query(&path, "before", given ? before : NULL);
    cli_client_add_query(&path, "object", object);
    cli_client_add_query(&path, "retired", cli_flag(cli, "retired") ? "1" : NULL);
    json_t *reply = cli_client_list(cli, path, cli_flag(cli, "all") ? 0 : LIST_LIMIT, err);
    free(path);
    return reply;
}

/* A name may stand for a mailbox and a drive. */
static json_t *
fetch_points_named(struct cli *cli, const char *name, struct error *err)
{
    json_t *objects = cli_object_find_all(cli, cli_option(cli, "tenant"), NULL, name, err), *object;
    json_t *all = json_array();
    size_t i;

    json_array_foreach (objects, i, object) {
        json_t *reply = fetch_points(cli, cli_json_text(object, "id"), err);
        json_array_extend(all, json_object_get(reply, "items"));
        json_decref(reply);
    }
    bool failed = objects == NULL || error_is_set(err);
    json_decref(objects);
    if (!failed)
        return json_pack("{s:o}", "items", all);
    json_decref(all);
    return NULL;
}

static int
list(struct cli *cli, struct error *err)
{
    CLEANUP(cli_table_free_p)
    struct cli_table *table =
        cli_table_new("POINT", "VAULT", "OBJECT", "KIND", "TIME", ">ITEMS", ">SIZE", ">STORED", ">LEFT OUT", NULL);
    char created[CLI_FORMAT_LEN], items[CLI_FORMAT_LEN], bytes[CLI_FORMAT_LEN], stored[CLI_FORMAT_LEN],
        left_out[CLI_FORMAT_LEN];
    const char *name = cli_option(cli, "object");
    json_t *reply = name != NULL ? fetch_points_named(cli, name, err) : fetch_points(cli, NULL, err), *item;
    size_t i;

    if (reply == NULL)
        return -1;
    json_array_foreach (json_object_get(reply, "items"), i, item) {
        cli_format_count(cli_json_number(item, "items_skipped") + cli_json_number(item, "items_failed"), left_out);
        cli_table_add(table, cli_json_text(item, "id"), cli_json_or_dash(item, "vault.name"),
                      cli_json_or_dash(item, "object.name"), cli_json_or_dash(item, "object.kind"),
                      cli_json_time(item, "created", created), cli_json_count(item, "items", items),
                      cli_json_bytes(item, "bytes", bytes), cli_json_bytes(item, "stored_bytes", stored), left_out,
                      NULL);
    }
    if (!cli_json_printed(cli, reply))
        cli_table_print(table, "No recovery points yet; start a run: longhaul run start JOB --wait", cli->out);
    json_decref(reply);
    return 0;
}

static int
show(struct cli *cli, struct error *err)
{
    static const struct cli_json_line lines[] = {
        { "Point", "id", CLI_JSON_PLAIN },
        { "Object", "object.name", CLI_JSON_PLAIN },
        { "Kind", "object.kind", CLI_JSON_PLAIN },
        { "Tenant", "tenant.name", CLI_JSON_PLAIN },
        { "Vault", "vault.name", CLI_JSON_PLAIN },
        { "Time", "created", CLI_JSON_TIME },
        { "Run", "run", CLI_JSON_PLAIN },
        { "Previous", "previous", CLI_JSON_PLAIN },
        { "Items", "items", CLI_JSON_COUNT },
        { "Size", "bytes", CLI_JSON_BYTES },
        { "Newly stored", "stored_bytes", CLI_JSON_BYTES },
        { "New", "items_new", CLI_JSON_COUNT },
        { "Changed", "items_changed", CLI_JSON_COUNT },
        { "Deleted", "items_deleted", CLI_JSON_COUNT },
        { "Skipped", "items_skipped", CLI_JSON_COUNT },
        { "Failed", "items_failed", CLI_JSON_COUNT },
        { NULL, NULL, CLI_JSON_PLAIN },
    };
    CLEANUP(memory_free_p) char *path = cli_client_path("/points/%s", cli_argument(cli, 0));
    json_t *point = cli_client_get(cli, path, err);

    if (point == NULL)
        return -1;
    if (!cli_json_printed(cli, point))
        cli_json_print_lines(cli, point, lines);
    json_decref(point);
    return 0;
}

/* Asks about the point given as first argument. */
static json_t *
ask(struct cli *cli, json_t *request, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/points/%s", cli_argument(cli, 0));
    json_t *point = cli_client_get(cli, path, err), *reply = NULL;

    json_object_set_new(request, "point", json_string(cli_json_text(point, "stored_as")));
    if (point != NULL)
        reply = cli_query_ask(cli, cli_json_text(point, "vault.id"), cli_option(cli, "transporter"),
                              json_incref(request), err);
    json_decref(request);
    json_decref(point);
    return reply;
}

static void
print_items(struct cli *cli, json_t *items)
{
    CLEANUP(cli_table_free_p)
    struct cli_table *table = cli_table_new("KIND", ">SIZE", "MODIFIED", "FROM", "NAME", "KEY", NULL);
    char size[CLI_FORMAT_LEN], modified[CLI_FORMAT_LEN];
    json_t *item;
    size_t i;

    json_array_foreach (items, i, item) {
        const char *subject = cli_json_text(item, "subject");
        cli_table_add(table, cli_json_text(item, "kind"), cli_json_bytes(item, "size", size),
                      cli_json_time(item, "modified", modified), cli_json_or_dash(item, "from"),
                      subject[0] != '\0' ? subject : cli_json_text(item, "name"), cli_json_text(item, "key"), NULL);
    }
    cli_table_print(table, "Nothing here.", cli->out);
}

static int
print_reply(struct cli *cli, json_t *reply)
{
    json_t *items = json_object_get(reply, "items");
    uint64_t total = cli_json_number(reply, "total");

    if (reply == NULL)
        return -1;
    if (!cli_json_printed(cli, reply)) {
        print_items(cli, items);
        if (total > json_array_size(items))
            fprintf(cli->notices, "%zu of %llu shown; --offset and --limit show others\n", json_array_size(items),
                    (unsigned long long)total);
    }
    json_decref(reply);
    return 0;
}

static int
read_number(const struct cli *cli, const char *name, uint64_t fallback, json_t *request, struct error *err)
{
    const char *text = cli_option(cli, name);
    char *end = NULL;
    unsigned long long value = text != NULL ? strtoull(text, &end, 10) : fallback;

    if (text != NULL && (text[0] < '0' || text[0] > '9' || *end != '\0' || value > INT64_MAX))
        return FAIL(err, ERROR_USAGE, 0, "--%s wants a number", name);
    return json_object_set_new(request, name, json_integer((json_int_t)value));
}

static int
ask_and_print(struct cli *cli, json_t *request, struct error *err)
{
    if (read_number(cli, "offset", 0, request, err) != 0 || read_number(cli, "limit", BROWSE_PAGE, request, err) != 0) {
        json_decref(request);
        return -1;
    }
    return print_reply(cli, ask(cli, request, err));
}

static int
browse(struct cli *cli, struct error *err)
{
    const char *folder = cli_argument(cli, 1);

    return ask_and_print(cli, json_pack("{s:s, s:s}", "op", "list", "folder", folder != NULL ? folder : ""), err);
}

static int
find(struct cli *cli, struct error *err)
{
    static const char *const fields[] = { "name", "subject", "sender" };
    static const char *const times[] = { "from", "until" };
    json_t *request = json_pack("{s:s, s:s*}", "op", "find", "text", cli_argument(cli, 1));

    for (size_t i = 0; request != NULL && i < ARRAY_LEN(fields); i++)
        if (cli_option(cli, fields[i]) != NULL)
            json_object_set_new(request, fields[i], json_string(cli_option(cli, fields[i])));
    for (size_t i = 0; request != NULL && i < ARRAY_LEN(times); i++) {
        char time[CLOCK_TEXT_LEN];
        bool given;
        if (cli_time_option(cli, times[i], time, &given, err) != 0) {
            json_decref(request);
            return -1;
        }
        if (given)
            json_object_set_new(request, times[i], json_string(time));
    }
    if (request == NULL)
        return FAIL(err, ERROR_USAGE, 0, "what to find is UTF-8 text");
    return ask_and_print(cli, request, err);
}

static int
outcomes(struct cli *cli, struct error *err)
{
    CLEANUP(cli_table_free_p) struct cli_table *table = cli_table_new("OUTCOME", "REASON", "NAME", "KEY", NULL);
    json_t *reply = ask(cli, json_pack("{s:s}", "op", "outcomes"), err), *item;
    size_t i;

    if (reply == NULL)
        return -1;
    json_array_foreach (json_object_get(reply, "items"), i, item)
        cli_table_add(table, cli_json_text(item, "outcome"), cli_json_text(item, "reason"), cli_json_text(item, "name"),
                      cli_json_text(item, "key"), NULL);
    if (!cli_json_printed(cli, reply))
        cli_table_print(table, "Nothing was left out.", cli->out);
    json_decref(reply);
    return 0;
}

static int
verify(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/points/%s/verify", cli_argument(cli, 0));
    json_t *body = cli_vault_check_body(cli, err);

    return body == NULL ? -1 : cli_watch_started(cli, cli_client_post(cli, path, body, err), false, err);
}

static const struct cli_option list_options[] = {
    { "object", "NAME", false, "Of this object: name or id" },
    { "tenant", "NAME", false, "Of this tenant only" },
    { "vault", "NAME", false, "In this vault only" },
    { "run", "RUN", false, "Made by this run only" },
    { "before", "TIME", false, "Not after this time: " CLI_TIME_FORMS },
    { "retired", NULL, false, "Those that are retired and can be brought back" },
    { "all", NULL, false, "All, not just the newest 200" },
    { NULL, NULL, false, NULL },
};

static const struct cli_option browse_options[] = {
    { "offset", "N", false, "Leave out the first N" },
    { "limit", "N", false, "At most N (500)" },
    { "transporter", "NAME", false, "Ask this transporter" },
    { NULL, NULL, false, NULL },
};

static const struct cli_option find_options[] = {
    { "name", "TEXT", false, "Folders and files whose name contains it" },
    { "subject", "TEXT", false, "Messages whose subject contains it" },
    { "sender", "TEXT", false, "Messages from a name or address that contains it" },
    { "from", "TIME", false, "Received or modified at this time or later: " CLI_TIME_FORMS },
    { "until", "TIME", false, "Received or modified before this time" },
    { "offset", "N", false, "Leave out the first N" },
    { "limit", "N", false, "At most N (500)" },
    { "transporter", "NAME", false, "Ask this transporter" },
    { NULL, NULL, false, NULL },
};

static const struct cli_option verify_options[] = {
    { "data", NULL, false, "Also read, open and hash every chunk" },
    { "sample", "PERCENT", false, "With --data: only so much of it, each time what was read longest ago" },
    CLI_WATCH_WAIT,
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_point_commands[] = {
    { "list", "", 0, 0, "Recovery points, newest first", "  longhaul point list --object ada@contoso.example\n",
      list_options, list },
    { "show", "POINT", 1, 1, "One recovery point", NULL, NULL, show },
    { "browse", "POINT [FOLDER]", 1, 2, "Folders and items; FOLDER is a key from the list",
      "  longhaul point browse point-4kzq...\n  longhaul point browse point-4kzq... 6d61696c...\n", browse_options,
      browse },
    { "find", "POINT [TEXT]", 1, 2, "Items whose name, subject or sender contains the text, without regard to case",
      "  longhaul point find point-4kzq... invoice\n"
      "  longhaul point find point-4kzq... --sender ada --from 2026-09-01 --until 2026-10-01\n",
      find_options, find },
    { "outcomes", "POINT", 1, 1, "Items that were skipped or failed, with reasons", NULL, browse_options + 2,
      outcomes },
    { "expire", "[POINT...]", 0, CLI_ARGUMENTS, "Retire recovery points: they can be brought back for some days",
      "  longhaul point expire point-4kzq... point-7hw2... --wait\n"
      "  longhaul point expire --older-than 90 --vault contoso-vault --wait\n",
      cli_sweep_expire_options, cli_sweep_expire },
    { "verify", "POINT", 1, 1, "Check that everything in it is there and whole",
      "  longhaul point verify point-4kzq... --data --wait\n", verify_options, verify },
    { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL },
};
