#include "common/base/memory.h"
#include "common/base/secret.h"
#include "director/cli/cli_client.h"
#include "director/cli/cli_json.h"
#include "director/cli/cli_nouns.h"
#include "director/cli/cli_query.h"
#include "director/cli/cli_seal.h"
#include "director/cli/cli_secret.h"
#include "director/cli/cli_table.h"
#include "director/cli/cli_sweep.h"
#include "director/cli/cli_vault_check.h"
#include "director/cli/cli_watch.h"

#include <stdlib.h>
#include <string.h>

#define PASSWORD_MIN 12 /* as in the options' help */

static int
list(struct cli *cli, struct error *err)
{
    CLEANUP(cli_table_free_p)
    struct cli_table *table = cli_table_new("NAME", "TENANT", "REPOSITORY", "STATE", "CREATED", "ID", NULL);
    char *path = memory_strdup("/vaults"), created[CLI_FORMAT_LEN];
    cli_client_add_query(&path, "tenant", cli_option(cli, "tenant"));
    json_t *reply = cli_client_list(cli, path, 0, err), *item;
    size_t i;

    free(path);
    if (reply == NULL)
        return -1;
    json_array_foreach (json_object_get(reply, "items"), i, item)
        cli_table_add(table, cli_json_text(item, "name"), cli_json_text(item, "tenant.name"),
                      cli_json_text(item, "repository.name"), cli_json_text(item, "state"),
                      cli_json_time(item, "created", created), cli_json_text(item, "id"), NULL);
    if (!cli_json_printed(cli, reply))
        cli_table_print(table, "No vaults yet; make one: longhaul vault create --help", cli->out);
    json_decref(reply);
    return 0;
}

/* Names say more; of a transporter that cannot be looked up the id must do. */
static void
print_transporter(struct cli *cli, const char *id)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/transporters/%s", id);
    struct error ignored = ERROR_INIT;
    json_t *transporter = cli_client_get(cli, path, &ignored);
    const char *name = cli_json_text(transporter, "name");

    fprintf(cli->out, " %s%s", name[0] != '\0' ? name : id, cli_json_true(transporter, "revoked") ? " (revoked)" : "");
    json_decref(transporter);
}

static int
print_slots(struct cli *cli, const char *secret_id, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/secrets/%s", secret_id);
    json_t *secret = cli_client_get(cli, path, err), *slot;
    size_t i;

    if (secret == NULL)
        return -1;
    fprintf(cli->out, "%-22s", "Password sealed to");
    json_array_foreach (json_object_get(secret, "slots"), i, slot)
        print_transporter(cli, cli_json_text(slot, "transporter"));
    fprintf(cli->out, "\n");
    json_decref(secret);
    return 0;
}

/* What it is a replica of by name, when that vault is still known here. */
static void
name_original(struct cli *cli, json_t *vault)
{
    const char *id = cli_json_text(vault, "replica_of");
    CLEANUP(memory_free_p) char *path = cli_client_path("/vaults/%s", id);
    struct error ignored = ERROR_INIT;
    json_t *original = id[0] != '\0' ? cli_client_get(cli, path, &ignored) : NULL;

    if (original != NULL)
        json_object_set(vault, "replica_of", json_object_get(original, "name"));
    json_decref(original);
}

static int
show(struct cli *cli, struct error *err)
{
    static const struct cli_json_line lines[] = {
        { "Name", "name", CLI_JSON_PLAIN },
        { "Id", "id", CLI_JSON_PLAIN },
        { "Tenant", "tenant.name", CLI_JSON_PLAIN },
        { "Repository", "repository.name", CLI_JSON_PLAIN },
        { "State", "state", CLI_JSON_PLAIN },
        { "Replica of", "replica_of", CLI_JSON_PLAIN },
        { "Created", "created", CLI_JSON_TIME },
        { "Locked until", "locked_until", CLI_JSON_TIME },
        { "Warning", "lock_warning", CLI_JSON_PLAIN },
        { NULL, NULL, CLI_JSON_PLAIN },
    };
    CLEANUP(memory_free_p) char *path = cli_client_path("/vaults/%s", cli_argument(cli, 0));
    json_t *vault = cli_client_get(cli, path, err);
    int result = 0;

    if (vault == NULL)
        return -1;
    if (!cli_json_printed(cli, vault)) {
        name_original(cli, vault);
        cli_json_print_lines(cli, vault, lines);
        result = print_slots(cli, cli_json_text(vault, "secret"), err);
    }
    json_decref(vault);
    return result;
}

static struct secret *
read_password(struct cli *cli, struct error *err)
{
    static const struct cli_secret_source source = { "password-file", "LONGHAUL_VAULT_PASSWORD", "Vault password",
                                                     true };
    CLEANUP(secret_free_p) struct secret *password = cli_secret_read(cli, &source, err);

    if (password == NULL)
        return NULL;
    if (secret_len(password) < PASSWORD_MIN) {
        FAIL(err, ERROR_USAGE, 0, "a vault password has at least %d bytes", PASSWORD_MIN);
        return NULL;
    }
    const struct cli_secret_field field = { "password", NULL, password };
    return cli_secret_object(&field, 1, err);
}

/* Tenant and password are those of the vault that it is a replica of. */
static int
create_replica(struct cli *cli, const char *of, struct error *err)
{
    const char *repository;

    if (cli_option_required(cli, "repository", &repository, err) != 0)
        return -1;
    if (cli_option(cli, "tenant") != NULL || cli_option(cli, "password-file") != NULL)
        return FAIL(err, ERROR_USAGE, 0,
                    "a replica has the tenant and the password of the vault that it is a replica of");
    json_t *vault = cli_client_post(
        cli, "/vaults",
        json_pack("{s:s, s:s, s:s}", "name", cli_argument(cli, 0), "repository", repository, "replica_of", of), err);
    if (vault == NULL)
        return -1;
    if (!cli_json_printed(cli, vault))
        fprintf(cli->out, "Replica %s (%s). Fill it: longhaul job create NAME --vault %s --from %s --tenant ...\n",
                cli_json_text(vault, "name"), cli_json_text(vault, "id"), cli_json_text(vault, "name"), of);
    json_decref(vault);
    return 0;
}

/* The tenant's id: by it the secret is owned. */
static int
create(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) struct cli_recipients *recipients = MEMORY_NEW(struct cli_recipients);
    CLEANUP(secret_free_p) struct secret *password = NULL;
    const char *tenant, *repository;
    char id[IDENTIFIER_LEN];

    if (cli_option(cli, "replica-of") != NULL)
        return create_replica(cli, cli_option(cli, "replica-of"), err);
    if (cli_option_required(cli, "tenant", &tenant, err) != 0 ||
        cli_option_required(cli, "repository", &repository, err) != 0 ||
        cli_seal_option_recipients(cli, recipients, err) != 0 || cli_seal_confirm(cli, recipients, err) != 0 ||
        (password = read_password(cli, err)) == NULL ||
        cli_seal_upload(cli, "vault-password", tenant, recipients, password, id, err) != 0)
        return -1;
    json_t *body = json_pack("{s:s, s:s, s:s, s:s}", "name", cli_argument(cli, 0), "tenant", tenant, "repository",
                             repository, "secret", id);
    json_t *vault = cli_client_post(cli, "/vaults", body, err);
    if (vault == NULL)
        return -1;
    if (!cli_flag(cli, "json"))
        fprintf(cli->out, "Creating vault %s (%s). Keep its password: without it nobody can read the backup.\n",
                cli_json_text(vault, "name"), cli_json_text(vault, "id"));
    return cli_watch_started(cli, vault, !cli_flag(cli, "no-wait"), err);
}

/* The director cannot tell whether the password is right; the transporter finds out with its next task. */
static int
seal(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) struct cli_recipients *recipients = MEMORY_NEW(struct cli_recipients);
    CLEANUP(secret_free_p) struct secret *password = NULL;
    CLEANUP(memory_free_p) char *path = cli_client_path("/vaults/%s", cli_argument(cli, 0));
    json_t *vault = cli_client_get(cli, path, err);

    if (vault == NULL)
        return -1;
    int result = cli_seal_option_recipients(cli, recipients, err);
    if (result == 0)
        result = cli_seal_confirm(cli, recipients, err);
    if (result == 0 && (password = read_password(cli, err)) == NULL)
        result = -1;
    if (result == 0)
        result = cli_seal_extend(cli, "vault-password", cli_json_text(vault, "secret"), recipients, password, err);
    json_decref(vault);
    if (result == 0 && !cli_flag(cli, "json"))
        fprintf(
            cli->out,
            "Sealed. A wrong password would show with the transporter's next task: longhaul vault verify %s --wait\n",
            cli_argument(cli, 0));
    return result;
}

static int
print_locks(struct cli *cli, json_t *reply)
{
    static const struct cli_json_line lines[] = {
        { "Points held until", "promise", CLI_JSON_TIME },
        { "Objects they need", "objects", CLI_JSON_COUNT },
        { "Locked now", "locked", CLI_JSON_COUNT },
        { "First lock ends", "earliest", CLI_JSON_TIME },
        { "Last lock ends", "latest", CLI_JSON_TIME },
        { "Without a lock", "without", CLI_JSON_COUNT },
        { "Lock ends too early", "short_of_promise", CLI_JSON_COUNT },
        { "Retired, still locked", "dead", CLI_JSON_COUNT },
        { "Checked", "checked", CLI_JSON_COUNT },
        { "Missing", "missing", CLI_JSON_COUNT },
        { "Extended", "extended", CLI_JSON_COUNT },
        { NULL, NULL, CLI_JSON_PLAIN },
    };

    if (!cli_json_printed(cli, reply)) {
        if (!cli_json_true(reply, "supported"))
            fprintf(cli->out, "The repository's storage has no locks.\n");
        cli_json_print_lines(cli, reply, lines);
    }
    json_decref(reply);
    return 0;
}

static int
locks(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/vaults/%s", cli_argument(cli, 0));
    json_t *vault = cli_client_get(cli, path, err);

    if (vault == NULL)
        return -1;
    json_t *reply = cli_query_ask(cli, cli_json_text(vault, "id"), cli_option(cli, "transporter"),
                                  json_pack("{s:s, s:b}", "op", "locks", "check", cli_flag(cli, "check")), err);
    json_decref(vault);
    return reply == NULL ? -1 : print_locks(cli, reply);
}

static int
delete_vault(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/vaults/%s", cli_argument(cli, 0));

    if (cli_confirm(cli, "Forget the vault? What is stored stays.", err) != 0)
        return -1;
    json_t *reply = cli_client_call(cli, "DELETE", path, NULL, err);
    json_decref(reply);
    return reply == NULL ? -1 : 0;
}

static const struct cli_option list_options[] = {
    { "tenant", "NAME", false, "Of this tenant only" },
    { NULL, NULL, false, NULL },
};

static const struct cli_option create_options[] = {
    { "tenant", "NAME", false, "Whose vault it is" },
    { "repository", "NAME", false, "Where it is stored" },
    { "replica-of", "VAULT", false,
      "The same vault once more, byte by byte, in another repository: copy jobs fill it" },
    { "password-file", "FILE", false,
      "Its password, of at least 12 bytes ('-': standard input; or LONGHAUL_VAULT_PASSWORD); else asked for" },
    { "transporter", "NAME", true, "Seal the password to this transporter" },
    { "no-wait", NULL, false, "Do not wait until it is made" },
    { NULL, NULL, false, NULL },
};

static const struct cli_option seal_options[] = {
    { "password-file", "FILE", false,
      "The vault's password ('-': standard input; or LONGHAUL_VAULT_PASSWORD); else asked for" },
    { "transporter", "NAME", true, "Seal the password to this transporter" },
    { NULL, NULL, false, NULL },
};

static const struct cli_option verify_options[] = {
    { "data", NULL, false, "Also read, open and hash every chunk" },
    { "sample", "PERCENT", false, "With --data: only so much of it, each time what was read longest ago" },
    CLI_WATCH_WAIT,
    { NULL, NULL, false, NULL },
};

static const struct cli_option heal_options[] = {
    { "from", "VAULT", false, "A replica or a re-sealed copy of it; without one only what can be read here after all" },
    CLI_WATCH_WAIT,
    { NULL, NULL, false, NULL },
};

static const struct cli_option locks_options[] = {
    { "check", NULL, false, "Ask the storage for every object, and extend what falls short of what was promised" },
    { "transporter", "NAME", false, "Ask this one" },
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_vault_commands[] = {
    { "create", "NAME", 1, 1, "Make an encrypted space for a tenant in a repository",
      "  longhaul vault create contoso-vault --tenant contoso --repository nas1 --transporter frankfurt-1\n"
      "  longhaul vault create v2 --tenant contoso --repository nas1 --transporter t1 --password-file pw --yes\n"
      "  longhaul vault create contoso-away --replica-of contoso-vault --repository cloud1\n",
      create_options, create },
    { "list", "", 0, 0, "All vaults", NULL, list_options, list },
    { "show", "NAME", 1, 1, "One vault, and which transporters can open it", NULL, NULL, show },
    { "seal", "NAME", 1, 1, "Give a vault's password to further transporters: a new one, or one in place of a lost one",
      "  longhaul vault seal contoso-vault --transporter frankfurt-3\n", seal_options, seal },
    { "verify", "NAME", 1, 1, "Check that everything in it is there and whole",
      "  longhaul vault verify contoso-vault --data --wait\n"
      "  longhaul vault verify contoso-vault --data --sample 5 --wait\n",
      verify_options, cli_vault_check_verify },
    { "damage", "RUN", 1, 1,
      "What a verification or a heal found: which items of which points, what it means, what to do",
      "  longhaul vault damage run-4kzq...\n", NULL, cli_vault_check_damage },
    { "heal", "NAME", 1, 1, "Store anew what a verification found damaged, from a copy of the vault",
      "  longhaul vault verify contoso-vault --data --wait\n"
      "  longhaul vault heal contoso-vault --from contoso-mirror --wait\n",
      heal_options, cli_vault_check_heal },
    { "rebuild-index", "NAME", 1, 1, "Make the host's index anew from the packs, then check that everything is there",
      "  longhaul vault rebuild-index contoso-vault --wait\n", cli_watch_options, cli_vault_check_rebuild },
    { "locks", "NAME", 1, 1, "What is held by locks until when", "  longhaul vault locks contoso-vault --check\n",
      locks_options, locks },
    { "sweep", "NAME", 1, 1, "Retire what nothing needs, and remove what was retired long enough ago",
      "  longhaul vault sweep contoso-vault --dry-run --wait\n"
      "  longhaul vault sweep contoso-vault --older-than 90 --wait\n",
      cli_sweep_options, cli_sweep_vault },
    { "retired", "NAME", 1, 1, "What is retired, and until when that can be undone", NULL, NULL, cli_sweep_retired },
    { "undo", "NAME RECORD", 2, 2, "Bring back what a retire record names; `vault retired` lists them",
      "  longhaul vault undo contoso-vault 3 --wait\n", cli_watch_options, cli_sweep_undo },
    { "delete", "NAME", 1, 1, "Forget a vault without jobs and points; what is stored stays", NULL, NULL,
      delete_vault },
    { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL },
};
