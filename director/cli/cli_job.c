#include "common/base/memory.h"
#include "director/cli/cli_client.h"
#include "director/cli/cli_json.h"
#include "director/cli/cli_labels.h"
#include "director/cli/cli_nouns.h"
#include "director/cli/cli_table.h"
#include "director/cli/cli_time.h"

#include <stdlib.h>
#include <string.h>

static int
list(struct cli *cli, struct error *err)
{
    CLEANUP(cli_table_free_p)
    struct cli_table *table = cli_table_new("NAME", "KIND", "TENANT", "FROM", "VAULT", "SCOPE", "ENABLED", "ID", NULL);
    char *path = memory_strdup("/jobs"), scope[CLI_FORMAT_LEN];
    cli_client_add_query(&path, "tenant", cli_option(cli, "tenant"));
    json_t *reply = cli_client_list(cli, path, 0, err), *item;
    size_t i;

    free(path);
    if (reply == NULL)
        return -1;
    json_array_foreach (json_object_get(reply, "items"), i, item) {
        size_t rules = json_array_size(json_object_get(item, "rules"));
        snprintf(scope, sizeof(scope), "%zu rule%s", rules, rules == 1 ? "" : "s");
        cli_table_add(table, cli_json_text(item, "name"), cli_json_text(item, "kind"),
                      cli_json_text(item, "tenant.name"), cli_json_or_dash(item, "source.name"),
                      cli_json_text(item, "vault.name"), cli_json_true(item, "all") ? "everything" : scope,
                      cli_json_true(item, "enabled") ? "yes" : "no", cli_json_text(item, "id"), NULL);
    }
    if (!cli_json_printed(cli, reply))
        cli_table_print(table, "No jobs yet; make one: longhaul job create --help", cli->out);
    json_decref(reply);
    return 0;
}

static int
print_job(struct cli *cli, json_t *job)
{
    static const struct cli_json_line lines[] = {
        { "Name", "name", CLI_JSON_PLAIN },
        { "Id", "id", CLI_JSON_PLAIN },
        { "Tenant", "tenant.name", CLI_JSON_PLAIN },
        { "Kind", "kind", CLI_JSON_PLAIN },
        { "Copies from", "source.name", CLI_JSON_PLAIN },
        { "Vault", "vault.name", CLI_JSON_PLAIN },
        { "Points", "options.points", CLI_JSON_PLAIN },
        { "Points since", "options.since", CLI_JSON_PLAIN },
        { "Enabled", "enabled", CLI_JSON_YES_NO },
        { "Everything", "all", CLI_JSON_YES_NO },
        { "Transporter labels", "selector", CLI_JSON_LABELS },
        { "Immutable for days", "options.immutable_days", CLI_JSON_COUNT },
        { "Bytes per second", "options.bytes_per_second", CLI_JSON_BYTES },
        { "Created", "created", CLI_JSON_TIME },
        { NULL, NULL, CLI_JSON_PLAIN },
    };
    CLEANUP(cli_table_free_p) struct cli_table *table = cli_table_new("KIND", "OBJECTS", NULL);
    json_t *rule;
    size_t i;

    if (job == NULL)
        return -1;
    json_array_foreach (json_object_get(job, "rules"), i, rule)
        cli_table_add(table, cli_json_text(rule, "kind"), cli_json_text(rule, "pattern"), NULL);
    if (!cli_json_printed(cli, job)) {
        cli_json_print_lines(cli, job, lines);
        cli_table_print(table, NULL, cli->out);
    }
    json_decref(job);
    return 0;
}

static int
show(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/jobs/%s", cli_argument(cli, 0));

    return print_job(cli, cli_client_get(cli, path, err));
}

/* --object and --kind together: each pattern of each kind. Neither: everything. */
static json_t *
read_rules(const struct cli *cli)
{
    json_t *rules = json_array();
    size_t patterns = 0, kinds = 0;

    while (cli_option_nth(cli, "object", patterns) != NULL)
        patterns++;
    while (cli_option_nth(cli, "kind", kinds) != NULL)
        kinds++;
    for (size_t p = 0; patterns + kinds > 0 && p < (patterns > 0 ? patterns : 1); p++)
        for (size_t k = 0; k < (kinds > 0 ? kinds : 1); k++) {
            const char *pattern = cli_option_nth(cli, "object", p), *kind = cli_option_nth(cli, "kind", k);
            json_array_append_new(rules, json_pack("{s:s, s:s}", "kind", kind != NULL ? kind : "any", "pattern",
                                                   pattern != NULL ? pattern : "*"));
        }
    return rules;
}

static int
add_days(const struct cli *cli, json_t *options, struct error *err)
{
    const char *text = cli_option(cli, "immutable");
    char *end;

    if (text == NULL)
        return 0;
    long days = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || days > 36500)
        return FAIL(err, ERROR_USAGE, 0, "--immutable is a number of days, 0 to 36500");
    return json_object_set_new(options, "immutable_days", json_integer(days));
}

static int
add_options(const struct cli *cli, json_t *body, struct error *err)
{
    const char *rate = cli_option(cli, "rate"), *points = cli_option(cli, "points");
    json_t *options = json_object();
    char since[CLOCK_TEXT_LEN];
    uint64_t bytes;
    bool given;

    json_object_set_new(body, "options", options);
    if (points != NULL)
        json_object_set_new(options, "points", json_string(points));
    if (cli_time_option(cli, "since", since, &given, err) != 0)
        return -1;
    if (given)
        json_object_set_new(options, "since", json_string(since));
    if (cli_option(cli, "from") != NULL)
        json_object_set_new(body, "source", json_string(cli_option(cli, "from")));
    if (add_days(cli, options, err) != 0)
        return -1;
    if (rate == NULL)
        return 0;
    if (cli_format_parse_bytes(rate, &bytes, err) != 0)
        return -1;
    return json_object_set_new(options, "bytes_per_second", json_integer((json_int_t)bytes));
}

static int
create(struct cli *cli, struct error *err)
{
    const char *tenant, *vault;

    if (cli_option_required(cli, "tenant", &tenant, err) != 0 || cli_option_required(cli, "vault", &vault, err) != 0)
        return -1;
    json_t *labels = cli_labels_read(cli, "label", err);
    if (labels == NULL)
        return -1;
    json_t *rules = read_rules(cli);
    json_t *body = json_pack("{s:s, s:s, s:s, s:b, s:o, s:o}", "name", cli_argument(cli, 0), "tenant", tenant, "vault",
                             vault, "all", json_array_size(rules) == 0, "rules", rules, "selector", labels);
    if (body == NULL)
        return FAIL(err, ERROR_USAGE, 0, "names are UTF-8 text");
    if (add_options(cli, body, err) != 0) {
        json_decref(body);
        return -1;
    }
    return print_job(cli, cli_client_post(cli, "/jobs", body, err));
}

/* Options that are not named stay as they are. */
static int
edit(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/jobs/%s", cli_argument(cli, 0));
    json_t *job = cli_client_get(cli, path, err);

    if (job == NULL)
        return -1;
    json_t *body = json_object(), *named;
    int failed = add_options(cli, body, err);
    named = json_object_get(body, "options");
    if (failed == 0 && json_object_size(named) == 0)
        failed = FAIL(err, ERROR_USAGE, 0, "say what to change: --immutable, --rate, --points or --since");
    json_object_update_missing(named, json_object_get(job, "options"));
    json_decref(job);
    if (failed == 0)
        return print_job(cli, cli_client_call(cli, "PATCH", path, body, err));
    json_decref(body);
    return -1;
}

static int
set_enabled(struct cli *cli, bool enabled, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/jobs/%s", cli_argument(cli, 0));

    return print_job(cli, cli_client_call(cli, "PATCH", path, json_pack("{s:b}", "enabled", enabled), err));
}

static int
enable(struct cli *cli, struct error *err)
{
    return set_enabled(cli, true, err);
}

static int
disable(struct cli *cli, struct error *err)
{
    return set_enabled(cli, false, err);
}

static int
delete_job(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/jobs/%s", cli_argument(cli, 0));

    if (cli_confirm(cli, "Delete the job? Its runs and points stay.", err) != 0)
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
    { "tenant", "NAME", false, "What is protected" },
    { "vault", "NAME", false, "Where to" },
    { "object", "PATTERN", true, "Only these: a name with * and ?, or an id" },
    { "kind", "KIND", true, "Only mailbox, or only drive" },
    { "label", "KEY=VALUE", true, "Only transporters with this label do the work" },
    { "immutable", "DAYS", false, "Lock what it writes, and all that its points need, for so long" },
    { "rate", "SIZE", false, "Read at most so many bytes a second: 10M" },
    { "from", "VAULT", false, "Copy the recovery points of this vault instead of backing up" },
    { "points", "WHICH", false, "Of a copy: all (the default), or latest: the newest of each object" },
    { "since", "TIME", false, "Of a copy: no points from before: " CLI_TIME_FORMS },
    { NULL, NULL, false, NULL },
};

static const struct cli_option edit_options[] = {
    { "immutable", "DAYS", false, "Lock what it writes from now on for so long; 0: not. What is locked stays so" },
    { "rate", "SIZE", false, "Read at most so many bytes a second: 10M" },
    { "points", "WHICH", false, "Of a copy: all, or latest" },
    { "since", "TIME", false, "Of a copy: no points from before: " CLI_TIME_FORMS },
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_job_commands[] = {
    { "create", "NAME", 1, 1, "Say what to protect or copy, and where to",
      "  longhaul job create everything --tenant contoso --vault contoso-vault\n"
      "  longhaul job create sales --tenant contoso --vault v --object 'sales-*@contoso.example' --kind mailbox\n"
      "  longhaul job create away --tenant contoso --from contoso-vault --vault contoso-away --points latest\n",
      create_options, create },
    { "list", "", 0, 0, "All jobs", NULL, list_options, list },
    { "show", "NAME", 1, 1, "One job", NULL, NULL, show },
    { "edit", "NAME", 1, 1, "Change a job's options", "  longhaul job edit everything --immutable 30\n", edit_options,
      edit },
    { "enable", "NAME", 1, 1, "Let it run again", NULL, NULL, enable },
    { "disable", "NAME", 1, 1, "Do not let it run", NULL, NULL, disable },
    { "delete", "NAME", 1, 1, "Delete a job; its runs and points stay", NULL, NULL, delete_job },
    { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL },
};
