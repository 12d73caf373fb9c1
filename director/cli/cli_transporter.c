#include "common/base/memory.h"
#include "director/cli/cli_client.h"
#include "director/cli/cli_json.h"
#include "director/cli/cli_labels.h"
#include "director/cli/cli_nouns.h"
#include "director/cli/cli_table.h"

#include <stdlib.h>
#include <string.h>

static const char *
state_of(json_t *transporter)
{
    if (cli_json_true(transporter, "revoked"))
        return "revoked";
    return cli_json_true(transporter, "online") ? "online" : "offline";
}

static int
list(struct cli *cli, struct error *err)
{
    CLEANUP(cli_table_free_p)
    struct cli_table *table =
        cli_table_new("NAME", "STATE", "VERSION", ">RUNNING", "LABELS", "CERTIFICATE UNTIL", "ID", NULL);
    json_t *reply = cli_client_list(cli, "/transporters", 0, err), *item;
    char running[CLI_FORMAT_LEN], expires[CLI_FORMAT_LEN];
    size_t i;

    if (reply == NULL)
        return -1;
    json_array_foreach (json_object_get(reply, "items"), i, item) {
        CLEANUP(memory_free_p) char *labels = cli_json_labels(item, "labels");
        cli_table_add(table, cli_json_text(item, "name"), state_of(item), cli_json_or_dash(item, "version"),
                      cli_json_count(item, "connection.running", running), labels,
                      cli_json_time(item, "certificate_expires", expires), cli_json_text(item, "id"), NULL);
    }
    if (!cli_json_printed(cli, reply))
        cli_table_print(table, "No transporters yet; add one: longhaul transporter invite NAME", cli->out);
    json_decref(reply);
    return 0;
}

static void
print_one(struct cli *cli, json_t *transporter)
{
    static const struct cli_json_line lines[] = {
        { "Name", "name", CLI_JSON_PLAIN },
        { "Id", "id", CLI_JSON_PLAIN },
        { "Online", "online", CLI_JSON_YES_NO },
        { "Revoked", "revoked_at", CLI_JSON_TIME },
        { "Version", "version", CLI_JSON_PLAIN },
        { "Labels", "labels", CLI_JSON_LABELS },
        { "Serves vaults at", "address", CLI_JSON_PLAIN },
        { "Task slots", "task_slots", CLI_JSON_COUNT },
        { "Running tasks", "connection.running", CLI_JSON_COUNT },
        { "Memory", "connection.resident_bytes", CLI_JSON_BYTES },
        { "Sealing key", "sealing_key_fingerprint", CLI_JSON_PLAIN },
        { "Certificate until", "certificate_expires", CLI_JSON_TIME },
        { "Enrolled", "enrolled", CLI_JSON_TIME },
        { "Last seen", "last_seen", CLI_JSON_TIME },
        { "Connected since", "connection.since", CLI_JSON_TIME },
        { "Connected from", "connection.address", CLI_JSON_PLAIN },
        { "TLS", "connection.tls_version", CLI_JSON_PLAIN },
        { "Cipher suite", "connection.tls_suite", CLI_JSON_PLAIN },
        { "Key exchange", "connection.tls_group", CLI_JSON_PLAIN },
        { NULL, NULL, CLI_JSON_PLAIN },
    };

    if (!cli_json_printed(cli, transporter))
        cli_json_print_lines(cli, transporter, lines);
}

static int
show(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/transporters/%s", cli_argument(cli, 0));
    json_t *transporter = cli_client_get(cli, path, err);

    if (transporter == NULL)
        return -1;
    print_one(cli, transporter);
    json_decref(transporter);
    return 0;
}

static int
invite(struct cli *cli, struct error *err)
{
    const char *expires = cli_option(cli, "expires");
    uint64_t lifetime = 24 * 3600;

    if (expires != NULL && cli_format_parse_duration(expires, &lifetime, err) != 0)
        return -1;
    json_t *labels = cli_labels_read(cli, "label", err);
    if (labels == NULL)
        return -1;
    json_t *reply = cli_client_post(cli, "/invites",
                                    json_pack("{s:s, s:o, s:I}", "name", cli_argument(cli, 0), "labels", labels,
                                              "lifetime_s", (json_int_t)lifetime),
                                    err);
    if (reply == NULL)
        return -1;
    if (!cli_json_printed(cli, reply)) {
        char until[CLI_FORMAT_LEN];
        if (!cli_flag(cli, "quiet"))
            fprintf(cli->notices, "Run this line on the machine that becomes %s, once, before %s:\n",
                    cli_argument(cli, 0), cli_json_time(reply, "expires", until));
        fprintf(cli->out, "%s\n", cli_json_text(reply, "command"));
    }
    json_decref(reply);
    return 0;
}

static int
revoke(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/transporters/%s/revoke", cli_argument(cli, 0));

    if (cli_confirm(cli, "Revoking is for good; the machine must be invited again. Go on?", err) != 0)
        return -1;
    json_t *transporter = cli_client_post(cli, path, NULL, err);
    if (transporter == NULL)
        return -1;
    if (!cli_json_printed(cli, transporter))
        fprintf(cli->out, "Revoked %s. Secrets it could open should be renewed at their source.\n",
                cli_json_text(transporter, "name"));
    json_decref(transporter);
    return 0;
}

/* The labels given are set; --remove takes others away; the rest stays. */
static int
label(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/transporters/%s", cli_argument(cli, 0));
    CLEANUP(memory_free_p) char *labels_path = cli_client_path("/transporters/%s/labels", cli_argument(cli, 0));
    json_t *transporter = cli_client_get(cli, path, err);
    const char *key;

    if (transporter == NULL)
        return -1;
    json_t *labels = json_incref(json_object_get(transporter, "labels"));
    json_decref(transporter);
    for (size_t i = 1; cli_argument(cli, i) != NULL; i++)
        if (cli_labels_add(labels, cli_argument(cli, i), err) != 0) {
            json_decref(labels);
            return -1;
        }
    for (size_t i = 0; (key = cli_option_nth(cli, "remove", i)) != NULL; i++)
        json_object_del(labels, key);
    transporter = cli_client_call(cli, "PUT", labels_path, json_pack("{s:o}", "labels", labels), err);
    if (transporter == NULL)
        return -1;
    print_one(cli, transporter);
    json_decref(transporter);
    return 0;
}

static const struct cli_option invite_options[] = {
    { "label", "KEY=VALUE", true, "Label of the transporter, for placement" },
    { "expires", "DURATION", false, "How long the invitation is good: 15m, 1h, 7d (24h by default)" },
    { "quiet", NULL, false, "Print the command line alone" },
    { NULL, NULL, false, NULL },
};

static const struct cli_option label_options[] = {
    { "remove", "KEY", true, "Take this label away" },
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_transporter_commands[] = {
    { "invite", "NAME", 1, 1, "Print the one command that makes a machine a transporter",
      "  longhaul transporter invite frankfurt-1 --label region=eu --expires 1h\n", invite_options, invite },
    { "list", "", 0, 0, "All transporters", "  longhaul transporter list --json\n", NULL, list },
    { "show", "NAME", 1, 1, "One transporter, with its sealing key's fingerprint and its connection",
      "  longhaul transporter show frankfurt-1\n", NULL, show },
    { "label", "NAME [KEY=VALUE]...", 1, CLI_ARGUMENTS, "Set or remove labels",
      "  longhaul transporter label frankfurt-1 region=eu tier=gold\n"
      "  longhaul transporter label frankfurt-1 --remove tier\n",
      label_options, label },
    { "revoke", "NAME", 1, 1, "Take a transporter's rights away, at once and for good",
      "  longhaul transporter revoke frankfurt-1\n", NULL, revoke },
    { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL },
};
