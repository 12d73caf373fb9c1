#include "director/cli/cli_sweep.h"

#include "common/base/memory.h"
#include "director/cli/cli_client.h"
#include "director/cli/cli_format.h"
#include "director/cli/cli_json.h"
#include "director/cli/cli_query.h"
#include "director/cli/cli_table.h"
#include "director/cli/cli_watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cli_option cli_sweep_options[] = {
    { "older-than", "DAYS", false, "Also retire points older than this, but for the newest of each object" },
    { "undo-days", "DAYS", false, "How long what is retired can be brought back (7)" },
    { "dry-run", NULL, false, "Only say what would be retired, after looking" },
    CLI_WATCH_WAIT,
    { NULL, NULL, false, NULL },
};

const struct cli_option cli_sweep_expire_options[] = {
    { "older-than", "DAYS", false, "Points older than this, but for the newest of each object; with --vault" },
    { "vault", "NAME", false, "Of this vault" },
    { "undo-days", "DAYS", false, "How long they can be brought back (7)" },
    { "dry-run", NULL, false, "Only say what would be retired, after looking" },
    CLI_WATCH_WAIT,
    { NULL, NULL, false, NULL },
};

static int
add_number(json_t *body, const char *name, const char *text, struct error *err)
{
    char *end = NULL;

    if (text == NULL)
        return 0;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < 0)
        return FAIL(err, ERROR_USAGE, 0, "%s is no number", text);
    json_object_set_new(body, name, json_integer(number));
    return 0;
}

/* body is taken over. */
static int
start(struct cli *cli, const char *vault, json_t *body, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/vaults/%s/sweep", vault);

    if (cli_flag(cli, "dry-run"))
        json_object_set_new(body, "dry_run", json_true());
    if (add_number(body, "older_than_days", cli_option(cli, "older-than"), err) != 0 ||
        add_number(body, "undo_days", cli_option(cli, "undo-days"), err) != 0) {
        json_decref(body);
        return -1;
    }
    /* Whoever asks what would be done waits for the answer. */
    return cli_watch_started(cli, cli_client_post(cli, path, body, err), cli_flag(cli, "dry-run"), err);
}

int
cli_sweep_vault(struct cli *cli, struct error *err)
{
    if (cli_option(cli, "older-than") != NULL && !cli_flag(cli, "dry-run") &&
        cli_confirm(cli, "Retire all older points of this vault?", err) != 0)
        return -1;
    return start(cli, cli_argument(cli, 0), json_object(), err);
}

/* All of one vault, whose name is in the first one. */
static json_t *
vault_of(struct cli *cli, const char *point, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/points/%s", point);
    json_t *json = cli_client_get(cli, path, err);
    json_t *vault = json == NULL ? NULL : json_incref(json_object_get(json, "vault"));

    json_decref(json);
    return vault;
}

static const char *
name_of(json_t *vault)
{
    return json_is_string(vault) ? json_string_value(vault) : cli_json_text(vault, "name");
}

int
cli_sweep_expire(struct cli *cli, struct error *err)
{
    json_t *points = json_array(), *vault = NULL;
    const char *name = cli_option(cli, "vault"), *point;

    for (size_t i = 0; (point = cli_argument(cli, i)) != NULL; i++)
        json_array_append_new(points, json_string(point));
    if (name == NULL && json_array_size(points) > 0 && (vault = vault_of(cli, cli_argument(cli, 0), err)) != NULL)
        name = name_of(vault);
    int result = -1;
    if (name == NULL && !error_is_set(err))
        FAIL(err, ERROR_USAGE, 0, "say which points, or --older-than with --vault");
    else if (name != NULL && json_array_size(points) == 0 && cli_option(cli, "older-than") == NULL)
        FAIL(err, ERROR_USAGE, 0, "say which points, or --older-than");
    else if (name != NULL && (cli_flag(cli, "dry-run") || cli_confirm(cli, "Retire these recovery points?", err) == 0))
        result = start(cli, name, json_pack("{s:O}", "points", points), err);
    json_decref(points);
    json_decref(vault);
    return result;
}

static void
add_record(struct cli_table *table, json_t *item)
{
    char record[24], points[24], bytes[CLI_FORMAT_LEN];

    snprintf(record, sizeof(record), "%lld", (long long)json_integer_value(json_object_get(item, "record")));
    snprintf(points, sizeof(points), "%zu", json_array_size(json_object_get(item, "points")));
    cli_format_bytes((uint64_t)json_integer_value(json_object_get(item, "bytes")), bytes);
    cli_table_add(table, record, cli_json_text(item, "retired"),
                  json_is_true(json_object_get(item, "closed")) ? "being removed" : cli_json_text(item, "undo_until"),
                  points, bytes, NULL);
}

int
cli_sweep_retired(struct cli *cli, struct error *err)
{
    CLEANUP(cli_table_free_p)
    struct cli_table *table = cli_table_new("RECORD", "RETIRED", "UNDO UNTIL", "POINTS", "STORED", NULL);
    CLEANUP(memory_free_p) char *path = cli_client_path("/vaults/%s", cli_argument(cli, 0));
    json_t *vault = cli_client_get(cli, path, err), *item;
    size_t i;

    if (vault == NULL)
        return -1;
    json_t *reply = cli_query_ask(cli, cli_json_text(vault, "id"), NULL, json_pack("{s:s}", "op", "retired"), err);
    json_decref(vault);
    if (reply == NULL)
        return -1;
    json_array_foreach (json_object_get(reply, "items"), i, item)
        add_record(table, item);
    if (!cli_json_printed(cli, reply))
        cli_table_print(table, "Nothing is retired.", cli->out);
    json_decref(reply);
    return 0;
}

int
cli_sweep_undo(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/vaults/%s/undo", cli_argument(cli, 0));
    json_t *body = json_object();

    if (add_number(body, "record", cli_argument(cli, 1), err) != 0) {
        json_decref(body);
        return -1;
    }
    return cli_watch_started(cli, cli_client_post(cli, path, body, err), false, err);
}
