#include "director/cli/cli_watch.h"

#include "common/base/memory.h"
#include "director/cli/cli_client.h"
#include "director/cli/cli_json.h"
#include "director/cli/cli_table.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define BAR        24
#define RETRIES    30
#define RETRY_MS   2000
#define FAILED_MAX 20 /* failed tasks that are listed */

const struct cli_option cli_watch_options[] = {
    CLI_WATCH_WAIT,
    { NULL, NULL, false, NULL },
};

/* By bytes when their total is known, else by items, else by tasks. */
static unsigned
percent_of(json_t *run)
{
    static const char *const pairs[][2] = { { "counts.bytes_read", "counts.bytes_total" },
                                            { "counts.items_done", "counts.items_total" },
                                            { "tasks.done", "tasks.total" } };

    const char *state = cli_json_text(run, "state");

    /* Totals are estimates of Microsoft's, or of items that have changed since. */
    if (strcmp(state, "succeeded") == 0 || strcmp(state, "warning") == 0)
        return 100;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        uint64_t done = cli_json_number(run, pairs[i][0]), total = cli_json_number(run, pairs[i][1]);
        if (total > 0)
            return done >= total ? 100 : (unsigned)((double)done * 100 / (double)total);
    }
    return 0;
}

static void
format_bar(unsigned percent, char out[BAR + 3])
{
    unsigned full = percent * BAR / 100;

    out[0] = '[';
    memset(out + 1, '#', full);
    memset(out + 1 + full, ' ', BAR - full);
    memcpy(out + 1 + BAR, "]", 2);
}

void
cli_watch_format(json_t *run, bool bar, char out[CLI_WATCH_LINE])
{
    char drawn[BAR + 3], items[CLI_FORMAT_LEN], read[CLI_FORMAT_LEN], stored[CLI_FORMAT_LEN], rate[CLI_FORMAT_LEN],
        left[CLI_FORMAT_LEN] = "";
    bool restores = strcmp(cli_json_text(run, "kind"), "restore") == 0;
    unsigned percent = percent_of(run);
    uint64_t throttled_s = cli_json_number(run, "counts.throttled_ms") / 1000;
    int at;

    cli_format_count(cli_json_number(run, "counts.items_done"), items);
    cli_format_bytes(cli_json_number(run, "counts.bytes_read"), read);
    cli_format_bytes(cli_json_number(run, "counts.bytes_stored"), stored);
    cli_format_bytes(cli_json_number(run, "bytes_per_second"), rate);
    if (json_is_integer(cli_json_at(run, "seconds_left")))
        cli_format_duration(cli_json_number(run, "seconds_left"), left);
    format_bar(percent, drawn);
    if (bar)
        at = snprintf(out, CLI_WATCH_LINE, "%s %3u%%  %s items  %s read", drawn, percent, items, read);
    else
        at = snprintf(out, CLI_WATCH_LINE, "%s: %u%%, %s items, %s read", cli_json_text(run, "state"), percent, items,
                      read);
    const char *gap = bar ? "  " : ", ";
    at += snprintf(out + at, CLI_WATCH_LINE - (size_t)at, "%s%s %s%s%s/s", gap, stored, restores ? "written" : "stored",
                   gap, rate);
    if (left[0] != '\0' && at < CLI_WATCH_LINE)
        at += snprintf(out + at, CLI_WATCH_LINE - (size_t)at, "%s%s left", gap, left);
    if (throttled_s > 0 && cli_json_true(run, "final") && at < CLI_WATCH_LINE) {
        cli_format_duration(throttled_s, left);
        snprintf(out + at, CLI_WATCH_LINE - (size_t)at, "%sthrottled for %s%s", gap, left,
                 cli_json_number(run, "tasks.total") > 1 ? " over all objects" : "");
    }
}

static void
show(struct cli *cli, json_t *run, char shown[CLI_WATCH_LINE])
{
    char line[CLI_WATCH_LINE];

    cli_watch_format(run, cli->terminal, line);
    if (cli->terminal)
        fprintf(cli->notices, "\r\033[K%s", line);
    else if (strcmp(line, shown) != 0)
        fprintf(cli->notices, "%s\n", line);
    memcpy(shown, line, CLI_WATCH_LINE);
    fflush(cli->notices);
}

bool
cli_watch_is_news(json_t *run, char shown[CLI_WATCH_REMARK])
{
    const char *remark = cli_json_text(run, "remark"), *since = cli_json_text(run, "throttled.since");
    char key[CLI_WATCH_REMARK];

    /* What it says of throttling changes with every answer: once a minute is enough. */
    if (strncmp(remark, "throttled ", 10) == 0 && since[0] != '\0')
        snprintf(key, sizeof(key), "throttled %s %llu", since,
                 (unsigned long long)(cli_json_number(run, "throttled.seconds") / 60));
    else
        snprintf(key, sizeof(key), "%s", remark);
    bool news = remark[0] != '\0' && strcmp(key, shown) != 0;
    memcpy(shown, key, sizeof(key));
    return news;
}

/* Why it does not go on, once for each reason. */
static void
show_remark(struct cli *cli, json_t *run, char shown[CLI_WATCH_REMARK])
{
    if (cli_watch_is_news(run, shown))
        fprintf(cli->notices, "%slonghaul: %s; still trying\n", cli->terminal ? "\n" : "",
                cli_json_text(run, "remark"));
}

/* The director may be restarted meanwhile: the run goes on, so does the watch. */
static json_t *
fetch_run(struct cli *cli, const char *path, struct error *err)
{
    for (int i = 0;; i++) {
        error_clear(err);
        json_t *run = cli_client_get(cli, path, err);
        bool again = err->kind == ERROR_NETWORK || err->kind == ERROR_TIMEOUT || err->kind == ERROR_UNAVAILABLE;
        if (run != NULL || !again || i == RETRIES)
            return run;
        if (i == 0)
            fprintf(cli->notices, "%slonghaul: %s; trying again\n", cli->terminal ? "\n" : "", err->text);
        poll(NULL, 0, RETRY_MS);
    }
}

static void
print_failed_tasks(struct cli *cli, const char *run_id)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/runs/%s/tasks", run_id);
    CLEANUP(cli_table_free_p) struct cli_table *table = cli_table_new("OBJECT", "KIND", "ERROR", NULL);
    struct error ignored = ERROR_INIT;
    json_t *tasks = cli_client_list(cli, path, 0, &ignored), *task;
    size_t i, failed = 0;

    json_array_foreach (json_object_get(tasks, "items"), i, task) {
        if (strcmp(cli_json_text(task, "state"), "failed") != 0 || failed++ >= FAILED_MAX)
            continue;
        cli_table_add(table, cli_json_or_dash(task, "object.name"), cli_json_or_dash(task, "object.kind"),
                      cli_json_or_dash(task, "error.message"), NULL);
    }
    cli_table_print(table, NULL, cli->notices);
    json_decref(tasks);
}

static int
finish(struct cli *cli, json_t *run, struct error *err)
{
    const char *state = cli_json_text(run, "state"), *id = cli_json_text(run, "id");
    char line[CLI_WATCH_LINE];

    if (cli->terminal)
        fprintf(cli->notices, "\n");
    if (!cli_json_printed(cli, run)) {
        cli_watch_format(run, false, line);
        fprintf(cli->out, "%s %s %s\n", cli_json_text(run, "kind"), id, line);
        if (cli_json_text(run, "summary")[0] != '\0')
            fprintf(cli->out, "%s\n", cli_json_text(run, "summary"));
    }
    if (strcmp(state, "succeeded") == 0)
        return 0;
    if (strcmp(state, "warning") == 0) {
        fprintf(cli->notices, "Items were left out: longhaul run show %s\n", id);
        return 0;
    }
    if (strcmp(state, "cancelled") == 0)
        return FAIL(err, ERROR_CANCELLED, 0, "run %s was cancelled", id);
    print_failed_tasks(cli, id);
    enum error_kind kind = error_kind_from_name(cli_json_text(run, "error.kind"));
    return FAIL(err, kind, 0, "run %s failed: %s", id, cli_json_or_dash(run, "error.message"));
}

int
cli_watch_run(struct cli *cli, const char *run_id, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/runs/%s?wait=%s", run_id, cli->terminal ? "1" : "5");
    char shown[CLI_WATCH_LINE] = "", remark[CLI_WATCH_REMARK] = "";

    for (;;) {
        json_t *run = fetch_run(cli, path, err);
        if (run == NULL)
            return -1;
        bool final = cli_json_true(run, "final");
        if (!final)
            show_remark(cli, run, remark);
        if (!final || cli->terminal)
            show(cli, run, shown);
        int result = final ? finish(cli, run, err) : 0;
        json_decref(run);
        if (final)
            return result;
    }
}

int
cli_watch_started(struct cli *cli, json_t *started, bool always, struct error *err)
{
    char run[64];

    if (started == NULL)
        return -1;
    snprintf(run, sizeof(run), "%s", cli_json_text(started, "run"));
    bool wait = always || cli_flag(cli, "wait");
    if (!wait && !cli_json_printed(cli, started))
        fprintf(cli->out, "Started run %s; follow it: longhaul run watch %s\n", run, run);
    json_decref(started);
    return wait ? cli_watch_run(cli, run, err) : 0;
}
