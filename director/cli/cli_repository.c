#include "common/base/memory.h"
#include "common/base/secret.h"
#include "director/cli/cli_client.h"
#include "director/cli/cli_json.h"
#include "director/cli/cli_nouns.h"
#include "director/cli/cli_repository_azure.h"
#include "director/cli/cli_repository_s3.h"
#include "director/cli/cli_seal.h"
#include "director/cli/cli_secret.h"
#include "director/cli/cli_table.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST_TRIES  40
#define HOST_TRY_MS 250

static int
list(struct cli *cli, struct error *err)
{
    CLEANUP(cli_table_free_p)
    struct cli_table *table = cli_table_new("NAME", "HOST", "STATE", ">FREE", "ERROR", "ID", NULL);
    json_t *reply = cli_client_list(cli, "/repositories", 0, err), *item;
    char space[CLI_FORMAT_LEN];
    size_t i;

    if (reply == NULL)
        return -1;
    json_array_foreach (json_object_get(reply, "items"), i, item)
        cli_table_add(table, cli_json_text(item, "name"), cli_json_text(item, "host.name"),
                      cli_json_text(item, "state"), cli_json_bytes(item, "free_bytes", space),
                      cli_json_or_dash(item, "error.message"), cli_json_text(item, "id"), NULL);
    if (!cli_json_printed(cli, reply))
        cli_table_print(table, "No repositories yet; add one: longhaul repository add --help", cli->out);
    json_decref(reply);
    return 0;
}

static int
print_repository(struct cli *cli, json_t *repository)
{
    static const struct cli_json_line lines[] = {
        { "Name", "name", CLI_JSON_PLAIN },           { "Id", "id", CLI_JSON_PLAIN },
        { "Host", "host.name", CLI_JSON_PLAIN },      { "State", "state", CLI_JSON_PLAIN },
        { "Error", "error.message", CLI_JSON_PLAIN }, { "Free", "free_bytes", CLI_JSON_BYTES },
        { "Storage", "probe", CLI_JSON_PLAIN },       { "Created", "created", CLI_JSON_TIME },
        { "Last report", "reported", CLI_JSON_TIME }, { NULL, NULL, CLI_JSON_PLAIN },
    };

    if (repository == NULL)
        return -1;
    if (!cli_json_printed(cli, repository))
        cli_json_print_lines(cli, repository, lines);
    json_decref(repository);
    return 0;
}

static int
show(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/repositories/%s", cli_argument(cli, 0));

    return print_repository(cli, cli_client_get(cli, path, err));
}

static struct secret *
folder_location(struct cli *cli, struct error *err)
{
    const char *folder, *lock_mode = cli_option(cli, "lock-mode");

    if (cli_option_required(cli, "path", &folder, err) != 0)
        return NULL;
    if (folder[0] != '/')
        FAIL(err, ERROR_USAGE, 0, "--path is an absolute path on the host");
    else if (lock_mode != NULL && strcmp(lock_mode, "immutable") != 0)
        FAIL(err, ERROR_USAGE, 0, "--lock-mode of a folder can be immutable");
    if (error_is_set(err))
        return NULL;
    json_t *location = json_pack("{s:s, s:s, s:s*}", "driver", "local", "path", folder, "lock_mode", lock_mode);
    if (location == NULL) {
        FAIL(err, ERROR_USAGE, 0, "--path is not UTF-8");
        return NULL;
    }
    if (cli_flag(cli, "create"))
        json_object_set_new(location, "create", json_true());
    CLEANUP(memory_free_p) char *text = json_dumps(location, JSON_COMPACT);
    json_decref(location);
    return secret_new(text, strlen(text), err);
}

/* The host says soon what it makes of it. One that is away says so when it comes: that is no failure. */
static int
await_host(struct cli *cli, json_t *repository, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/repositories/%s", cli_json_text(repository, "id"));

    for (int i = 0; repository != NULL && i < HOST_TRIES; i++) {
        if (strcmp(cli_json_text(repository, "state"), "waiting") != 0)
            break;
        poll(NULL, 0, HOST_TRY_MS);
        json_decref(repository);
        repository = cli_client_get(cli, path, err);
    }
    if (repository == NULL)
        return -1;
    const char *state = cli_json_text(repository, "state"), *name = cli_json_text(repository, "name");
    int result = 0;
    if (strcmp(state, "failed") == 0)
        result = FAIL(err, error_kind_from_name(cli_json_text(repository, "error.kind")), 0,
                      "the host cannot attach it: %s. Put that right, then longhaul repository attach %s; or "
                      "longhaul repository delete %s",
                      cli_json_text(repository, "error.message"), name, name);
    else if (strcmp(state, "waiting") == 0)
        fprintf(
            cli->notices,
            "Transporter %s has not answered yet: start it with its rpc.listen set, and it attaches the repository. "
            "Look again: longhaul repository show %s\n",
            cli_json_text(repository, "host.name"), name);
    else
        fprintf(cli->notices, "Next: longhaul vault create NAME --tenant TENANT --repository %s --transporter NAME\n",
                name);
    if (result != 0) {
        json_decref(repository);
        return result;
    }
    return print_repository(cli, repository);
}

/* Where the storage is concerns its host alone, so it is sealed like a password. */
static int
add(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) struct cli_recipients *host = MEMORY_NEW(struct cli_recipients);
    CLEANUP(secret_free_p) struct secret *location = NULL;
    const char *host_name;
    char id[IDENTIFIER_LEN];

    if (cli_option_required(cli, "host", &host_name, err) != 0)
        return -1;
    location = cli_repository_azure_wanted(cli) ? cli_repository_azure_location(cli, err)
               : cli_repository_s3_wanted(cli)  ? cli_repository_s3_location(cli, err)
                                                : folder_location(cli, err);
    if (location == NULL || cli_seal_find_recipient(cli, host, host_name, err) != 0 ||
        cli_seal_confirm(cli, host, err) != 0 || cli_seal_upload(cli, "storage", NULL, host, location, id, err) != 0)
        return -1;
    json_t *body = json_pack("{s:s, s:s, s:s}", "name", cli_argument(cli, 0), "host", host->at[0].id, "secret", id);
    return await_host(cli, cli_client_post(cli, "/repositories", body, err), err);
}

static int
attach(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/repositories/%s/attach", cli_argument(cli, 0));

    return print_repository(cli, cli_client_post(cli, path, NULL, err));
}

static int
delete_repository(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/repositories/%s", cli_argument(cli, 0));

    if (cli_confirm(cli, "Forget the repository? What is stored stays.", err) != 0)
        return -1;
    json_t *reply = cli_client_call(cli, "DELETE", path, NULL, err);
    json_decref(reply);
    return reply == NULL ? -1 : 0;
}

static const struct cli_option add_options[] = {
    { "host", "TRANSPORTER", false, "The transporter that the storage is attached to" },
    { "path", "DIR", false, "The folder on that machine; it must exist" },
    { "create", NULL, false, "Make the last part of --path when it does not exist" },
    { "lock-mode", "MODE", false, "immutable: objects are held by the file system's immutable flag" },
    CLI_REPOSITORY_AZURE_OPTIONS,
    CLI_REPOSITORY_S3_OPTIONS,
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_repository_commands[] = {
    { "add", "NAME", 1, 1, "Attach storage to a transporter",
      "  longhaul repository add nas1 --host frankfurt-2 --path /srv/longhaul\n"
      "  longhaul repository add s3 --host aws-1 --s3-bucket backup --s3-region eu-central-1 --s3-lock-mode "
      "compliance\n",
      add_options, add },
    { "list", "", 0, 0, "All repositories", NULL, NULL, list },
    { "show", "NAME", 1, 1, "One repository", NULL, NULL, show },
    { "attach", "NAME", 1, 1, "Tell the host to attach it again", NULL, NULL, attach },
    { "delete", "NAME", 1, 1, "Forget a repository without vaults; what is stored stays", NULL, NULL,
      delete_repository },
    { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL },
};
