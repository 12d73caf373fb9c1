#include "common/base/memory.h"
#include "common/base/secret.h"
#include "director/cli/cli_client.h"
#include "director/cli/cli_json.h"
#include "director/cli/cli_nouns.h"
#include "director/cli/cli_object.h"
#include "director/cli/cli_query.h"
#include "director/cli/cli_report.h"
#include "director/cli/cli_seal.h"
#include "director/cli/cli_table.h"
#include "director/cli/cli_watch.h"

#include <stdlib.h>
#include <string.h>

static json_t *
fetch_point(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/points/%s", cli_argument(cli, 0));

    return cli_client_get(cli, path, err);
}

/* {"all":true}, or the keys given. Which items somebody wants back is nobody else's business, so it is sealed. */
static struct secret *
read_selection(const struct cli *cli, struct error *err)
{
    json_t *items = json_array(), *folders = json_array();
    const char *key;

    for (size_t i = 0; (key = cli_option_nth(cli, "item", i)) != NULL; i++)
        json_array_append_new(items, json_string(key));
    for (size_t i = 0; (key = cli_option_nth(cli, "folder-key", i)) != NULL; i++)
        json_array_append_new(folders, json_string(key));
    bool all = json_array_size(items) + json_array_size(folders) == 0;
    json_t *selection =
        all ? json_pack("{s:b}", "all", 1) : json_pack("{s:O, s:O}", "items", items, "folders", folders);
    CLEANUP(memory_free_p) char *text = json_dumps(selection, JSON_COMPACT);
    json_decref(selection);
    json_decref(items);
    json_decref(folders);
    return secret_new(text, strlen(text), err);
}

/* Is the secret sealed to the transporter? */
static bool
has_slot(json_t *secret, const char *transporter)
{
    json_t *slot;
    size_t i;

    json_array_foreach (json_object_get(secret, "slots"), i, slot)
        if (strcmp(cli_json_text(slot, "transporter"), transporter) == 0)
            return true;
    return false;
}

static json_t *
fetch_secret(struct cli *cli, const char *path, struct error *err)
{
    json_t *owner = cli_client_get(cli, path, err);
    json_t *secret = NULL;

    if (owner != NULL && cli_json_text(owner, "secret")[0] == '\0')
        FAIL(err, ERROR_CONFIG, 0, "the tenant has no credentials: longhaul tenant credentials --help");
    else if (owner != NULL) {
        CLEANUP(memory_free_p) char *secret_path = cli_client_path("/secrets/%s", cli_json_text(owner, "secret"));
        secret = cli_client_get(cli, secret_path, err);
    }
    json_decref(owner);
    return secret;
}

/* Every transporter that can open the vault and, when the data goes back to Microsoft, the tenant. */
static int
find_able(struct cli *cli, json_t *point, bool into_tenant, struct cli_recipients *to, struct error *err)
{
    CLEANUP(memory_free_p) char *vault_path = cli_client_path("/vaults/%s", cli_json_text(point, "vault.id"));
    CLEANUP(memory_free_p) char *tenant_path = cli_client_path("/tenants/%s", cli_json_text(point, "tenant.id"));
    json_t *vault = fetch_secret(cli, vault_path, err), *tenant = NULL, *slot;
    int result = vault == NULL ? -1 : 0;
    size_t i;

    if (result == 0 && into_tenant && (tenant = fetch_secret(cli, tenant_path, err)) == NULL)
        result = -1;
    json_array_foreach (json_object_get(vault, "slots"), i, slot) {
        struct error skipped = ERROR_INIT;
        const char *id = cli_json_text(slot, "transporter");
        if (result != 0 || (into_tenant && !has_slot(tenant, id)))
            continue;
        if (cli_seal_find_recipient(cli, to, id, &skipped) != 0 && skipped.kind != ERROR_USAGE) { /* not: revoked */
            *err = skipped;
            result = -1;
        }
    }
    json_decref(vault);
    json_decref(tenant);
    if (result == 0 && to->count == 0)
        return FAIL(err, ERROR_CONFIG, 0, "no transporter holds the vault's password%s",
                    into_tenant ? " and the tenant's credentials" : "");
    return result;
}

static int
seal_selection(struct cli *cli, json_t *point, const struct cli_recipients *to, char id[IDENTIFIER_LEN],
               struct error *err)
{
    CLEANUP(secret_free_p) struct secret *selection = read_selection(cli, err);

    if (selection == NULL || cli_seal_confirm(cli, to, err) != 0)
        return -1;
    return cli_seal_upload(cli, "selection", cli_json_text(point, "tenant.id"), to, selection, id, err);
}

/* The one transporter on whose disk the folder will be: named, or the one the director would ask. */
static int
find_target_machine(struct cli *cli, json_t *point, struct cli_recipients *to, struct error *err)
{
    const char *name = cli_option(cli, "transporter");

    if (name != NULL)
        return cli_seal_find_recipient(cli, to, name, err);
    CLEANUP(memory_free_p) char *path = cli_client_path("/vaults/%s/placement", cli_json_text(point, "vault.id"));
    json_t *placement = cli_client_get(cli, path, err);
    int result = placement == NULL ? -1 : cli_seal_add_recipient(to, placement, err);
    json_decref(placement);
    return result;
}

static int
restore_folder(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) struct cli_recipients *to = MEMORY_NEW(struct cli_recipients);
    const char *folder;
    char selection[IDENTIFIER_LEN];
    int result = -1;

    if (cli_option_required(cli, "to", &folder, err) != 0)
        return -1;
    json_t *point = fetch_point(cli, err), *started = NULL;
    if (point != NULL && find_target_machine(cli, point, to, err) == 0 &&
        seal_selection(cli, point, to, selection, err) == 0)
        started = cli_client_post(cli, "/restores",
                                  json_pack("{s:s, s:s, s:s, s:s}", "point", cli_argument(cli, 0), "selection",
                                            selection, "transporter", to->at[0].id, "folder_path", folder),
                                  err);
    if (started != NULL && !cli_flag(cli, "json"))
        fprintf(cli->out, "Restoring to folder %s below the restore folder of transporter %s.\n", folder,
                to->at[0].name);
    if (started != NULL)
        result = cli_watch_started(cli, started, false, err);
    json_decref(point);
    return result;
}

/* The object the data goes to, of the point's own tenant and kind. */
static int
find_target_object(struct cli *cli, json_t *point, json_t *body, struct error *err)
{
    const char *name = cli_option(cli, "to-object");
    char id[IDENTIFIER_LEN];

    if (name == NULL)
        return 0;
    if (cli_object_find(cli, cli_json_text(point, "tenant.id"), cli_json_text(point, "object.kind"), name, id, err) !=
        0)
        return -1;
    return json_object_set_new(body, "target_object", json_string(id));
}

static int
restore_tenant(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) struct cli_recipients *to = MEMORY_NEW(struct cli_recipients);
    const char *only = cli_option(cli, "transporter");
    json_t *point = fetch_point(cli, err);
    char selection[IDENTIFIER_LEN];

    if (point == NULL)
        return -1;
    json_t *body = json_pack("{s:s, s:s*, s:s*}", "point", cli_argument(cli, 0), "target_folder",
                             cli_option(cli, "folder"), "conflict", cli_option(cli, "conflict"));
    int result = find_target_object(cli, point, body, err);
    if (result == 0)
        result = only != NULL ? cli_seal_find_recipient(cli, to, only, err) : find_able(cli, point, true, to, err);
    if (result == 0 && only != NULL)
        json_object_set_new(body, "transporter", json_string(to->at[0].id));
    if (result == 0)
        result = seal_selection(cli, point, to, selection, err);
    if (result == 0)
        json_object_set_new(body, "selection", json_string(selection));
    json_decref(point);
    if (result != 0) {
        json_decref(body);
        return -1;
    }
    return cli_watch_started(cli, cli_client_post(cli, "/restores", body, err), false, err);
}

static void
add_report_row(struct cli_table *table, json_t *item)
{
    const char *reason = cli_json_or_dash(item, "reason"), *detail = cli_json_text(item, "detail");
    char both[256];

    snprintf(both, sizeof(both), "%s%s%s", reason, detail[0] != '\0' ? ": " : "", detail);
    cli_table_add(table, cli_json_text(item, "outcome"), both, cli_json_or_dash(item, "losses"),
                  cli_json_or_dash(item, "path"), cli_json_text(item, "key"), NULL);
}

static int
report(struct cli *cli, struct error *err)
{
    CLEANUP(cli_table_free_p) struct cli_table *table = cli_table_new("OUTCOME", "REASON", "LOST", "NAME", "KEY", NULL);
    static const char *const kinds[] = { "restore", NULL };
    json_t *all = cli_report_read(cli, kinds, err), *item;
    size_t i;

    if (all == NULL)
        return -1;
    json_array_foreach (json_object_get(all, "items"), i, item)
        add_report_row(table, item);
    if (!cli_json_printed(cli, all))
        cli_table_print(table, "The report is empty.", cli->out);
    json_decref(all);
    return 0;
}

#define SELECTION_OPTIONS                                                                                              \
    { "item", "KEY", true, "Only this item: a key from longhaul point browse" },                                       \
        { "folder-key", "KEY", true, "Only this folder and what is in it" },                                           \
        { "transporter", "NAME", false, "The transporter that does it" },                                              \
    {                                                                                                                  \
        "wait", NULL, false, "Follow it to its end"                                                                    \
    }

static const struct cli_option folder_options[] = {
    { "to", "NAME", false, "A folder below the transporter's restore folder; what is there stays" },
    SELECTION_OPTIONS,
    { NULL, NULL, false, NULL },
};

static const struct cli_option tenant_options[] = {
    { "to-object", "NAME", false, "Another mailbox or drive of the tenant; the original by default" },
    { "folder", "NAME", false, "Into a new top folder of this name; the original folders by default" },
    { "conflict", "RULE", false, "When the item is there: skip (the default), rename or overwrite" },
    SELECTION_OPTIONS,
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_restore_commands[] = {
    { "folder", "POINT", 1, 1, "To a folder on a transporter: .eml and files, with their times",
      "  longhaul restore folder point-4kzq... --to ada-2026-11 --wait\n", folder_options, restore_folder },
    { "tenant", "POINT", 1, 1, "Back into Microsoft 365",
      "  longhaul restore tenant point-4kzq... --folder \"Restored 2026-11-22\" --conflict skip --wait\n"
      "  longhaul restore tenant point-4kzq... --to-object bob@contoso.example --item 6d61...\n",
      tenant_options, restore_tenant },
    { "report", "RUN", 1, 1, "Item by item: what came back, and what Microsoft would not take",
      "  longhaul restore report run-4kzq...\n", NULL, report },
    { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL },
};
