#include "common/base/memory.h"
#include "director/cli/cli_client.h"
#include "director/cli/cli_json.h"
#include "director/cli/cli_nouns.h"
#include "director/cli/cli_table.h"
#include "director/cli/cli_watch.h"

#include <stdlib.h>
#include <string.h>

#define LIST_LIMIT 50

static int
list(struct cli *cli, struct error *err)
{
    CLEANUP(cli_table_free_p)
    struct cli_table *table =
        cli_table_new("RUN", "KIND", "JOB", "STATE", "CREATED", ">OBJECTS", ">ITEMS", ">READ", ">STORED", NULL);
    char *path = memory_strdup("/runs"), created[CLI_FORMAT_LEN], items[CLI_FORMAT_LEN], read[CLI_FORMAT_LEN],
         stored[CLI_FORMAT_LEN], tasks[CLI_FORMAT_LEN];
    cli_client_add_query(&path, "tenant", cli_option(cli, "tenant"));
    cli_client_add_query(&path, "job", cli_option(cli, "job"));
    cli_client_add_query(&path, "unfinished", cli_flag(cli, "unfinished") ? "true" : NULL);
    json_t *reply = cli_client_list(cli, path, cli_flag(cli, "all") ? 0 : LIST_LIMIT, err), *item;
    size_t i;

    free(path);
    if (reply == NULL)
        return -1;
    json_array_foreach (json_object_get(reply, "items"), i, item) {
        snprintf(tasks, sizeof(tasks), "%llu/%llu", (unsigned long long)cli_json_number(item, "tasks.done"),
                 (unsigned long long)cli_json_number(item, "tasks.total"));
        cli_table_add(table, cli_json_text(item, "id"), cli_json_text(item, "kind"), cli_json_or_dash(item, "job.name"),
                      cli_json_text(item, "state"), cli_json_time(item, "created", created), tasks,
                      cli_json_count(item, "counts.items_done", items), cli_json_bytes(item, "counts.bytes_read", read),
                      cli_json_bytes(item, "counts.bytes_stored", stored), NULL);
    }
    if (!cli_json_printed(cli, reply))
        cli_table_print(table, "No runs yet; start one: longhaul run start JOB --wait", cli->out);
    json_decref(reply);
    return 0;
}

static void
print_tasks(struct cli *cli, json_t *tasks)
{
    CLEANUP(cli_table_free_p)
    struct cli_table *table =
        cli_table_new("OBJECT", "KIND", "STATE", "TRANSPORTER", ">ITEMS", ">STORED", ">LEFT OUT", "REMARK", NULL);
    char items[CLI_FORMAT_LEN], stored[CLI_FORMAT_LEN], left_out[CLI_FORMAT_LEN];
    json_t *task;
    size_t i;

    json_array_foreach (json_object_get(tasks, "items"), i, task) {
        const char *remark = cli_json_text(task, "remark");
        if (remark[0] == '\0')
            remark = cli_json_text(task, "error.message");
        if (remark[0] == '\0')
            remark = cli_json_text(task, "waiting");
        if (remark[0] == '\0' && !cli_json_true(task, "final"))
            remark = cli_json_text(task, "phase");
        cli_format_count(cli_json_number(task, "counts.items_skipped") + cli_json_number(task, "counts.items_failed"),
                         left_out);
        cli_table_add(table, cli_json_or_dash(task, "object.name"), cli_json_or_dash(task, "object.kind"),
                      cli_json_text(task, "state"), cli_json_or_dash(task, "transporter.name"),
                      cli_json_count(task, "counts.items_done", items),
                      cli_json_bytes(task, "counts.bytes_stored", stored), left_out, remark, NULL);
    }
    cli_table_print(table, "It has no tasks.", cli->out);
}

static int
show(struct cli *cli, struct error *err)
{
    static const struct cli_json_line lines[] = {
        { "Run", "id", CLI_JSON_PLAIN },
        { "Kind", "kind", CLI_JSON_PLAIN },
        { "State", "state", CLI_JSON_PLAIN },
        { "Error", "error.message", CLI_JSON_PLAIN },
        { "Held up by", "remark", CLI_JSON_PLAIN },
        { "Outcome", "summary", CLI_JSON_PLAIN },
        { "Job", "job.name", CLI_JSON_PLAIN },
        { "Tenant", "tenant.name", CLI_JSON_PLAIN },
        { "Vault", "vault.name", CLI_JSON_PLAIN },
        { "Started by", "actor", CLI_JSON_PLAIN },
        { "Created", "created", CLI_JSON_TIME },
        { "Finished", "finished", CLI_JSON_TIME },
        { "Items", "counts.items_done", CLI_JSON_COUNT },
        { "Read", "counts.bytes_read", CLI_JSON_BYTES },
        { "Stored", "counts.bytes_stored", CLI_JSON_BYTES },
        { "Items skipped", "counts.items_skipped", CLI_JSON_COUNT },
        { "Items failed", "counts.items_failed", CLI_JSON_COUNT },
        { "Requests", "counts.requests", CLI_JSON_COUNT },
        { "Throttled, all objects", "counts.throttled_ms", CLI_JSON_MS },
        { NULL, NULL, CLI_JSON_PLAIN },
    };
    CLEANUP(memory_free_p) char *path = cli_client_path("/runs/%s", cli_argument(cli, 0));
    CLEANUP(memory_free_p) char *tasks_path = cli_client_path("/runs/%s/tasks", cli_argument(cli, 0));
    json_t *run = cli_client_get(cli, path, err);
    json_t *tasks = run == NULL ? NULL : cli_client_list(cli, tasks_path, 0, err);

    if (tasks == NULL) {
        json_decref(run);
        return -1;
    }
    json_object_set_new(run, "task_list", json_incref(json_object_get(tasks, "items")));
    if (!cli_json_printed(cli, run)) {
        cli_json_print_lines(cli, run, lines);
        fputc('\n', cli->out);
        print_tasks(cli, tasks);
    }
    json_decref(tasks);
    json_decref(run);
    return 0;
}

static int
start(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/jobs/%s/runs", cli_argument(cli, 0));
    json_t *body = json_pack("{s:b}", "full", cli_flag(cli, "full"));

    return cli_watch_started(cli, cli_client_post(cli, path, body, err), false, err);
}

static int
watch(struct cli *cli, struct error *err)
{
    return cli_watch_run(cli, cli_argument(cli, 0), err);
}

static int
cancel(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/runs/%s/cancel", cli_argument(cli, 0));
    json_t *run = cli_client_post(cli, path, NULL, err);

    if (run == NULL)
        return -1;
    if (!cli_json_printed(cli, run))
        fprintf(cli->out, "Cancelling %s.\n", cli_json_text(run, "id"));
    json_decref(run);
    return 0;
}

static const struct cli_option list_options[] = {
    { "tenant", "NAME", false, "Of this tenant only" },
    { "job", "NAME", false, "Of this job only" },
    { "unfinished", NULL, false, "Only those that are not over" },
    { "all", NULL, false, "All, not just the newest 50" },
    { NULL, NULL, false, NULL },
};

static const struct cli_option start_options[] = {
    { "wait", NULL, false, "Follow it to its end; the exit code tells how it went" },
    { "full", NULL, false, "Look at everything again, not just at changes" },
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_run_commands[] = {
    { "start", "JOB", 1, 1, "Run a job now", "  longhaul run start everything --wait\n", start_options, start },
    { "list", "", 0, 0, "Runs, newest first", "  longhaul run list --unfinished\n", list_options, list },
    { "show", "RUN", 1, 1, "One run, object by object", NULL, NULL, show },
    { "watch", "RUN", 1, 1, "Follow a run to its end", NULL, NULL, watch },
    { "cancel", "RUN", 1, 1, "Stop a run; what is committed stays", NULL, NULL, cancel },
    { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL },
};
