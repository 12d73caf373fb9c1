#include "director/cli/cli_report.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "director/cli/cli.h"
#include "director/cli/cli_client.h"
#include "director/cli/cli_json.h"
#include "director/cli/cli_query.h"

#include <string.h>

#define REPORT_PAGE 500

static bool
is_of(const char *const *kinds, const char *kind)
{
    for (; *kinds != NULL; kinds++)
        if (strcmp(*kinds, kind) == 0)
            return true;
    return false;
}

/* A reply has a ceiling, so a report comes in pages. */
static int
add_report(struct cli *cli, const char *const *kinds, json_t *task, json_t *all, struct error *err)
{
    const char *transporter = cli_json_text(task, "transporter.id");
    json_int_t at = 0, total = 1;

    if (!is_of(kinds, cli_json_text(task, "kind")))
        return FAIL(err, ERROR_USAGE, 0, "%s is a %s: longhaul run show tells about it; this is for a %s%s%s",
                    cli_argument(cli, 0), cli_json_text(task, "kind"), kinds[0], kinds[1] != NULL ? " or a " : "",
                    kinds[1] != NULL ? kinds[1] : "");
    if (transporter[0] == '\0')
        return FAIL(err, ERROR_NOT_FOUND, 0, "no transporter has worked on it yet");
    while (at < total) {
        json_t *reply = cli_query_ask(cli, cli_json_text(task, "vault.id"), transporter,
                                      json_pack("{s:s, s:s, s:I, s:i}", "op", "report", "task",
                                                cli_json_text(task, "id"), "offset", at, "limit", REPORT_PAGE),
                                      err);
        if (reply == NULL)
            return -1;
        json_t *items = json_object_get(reply, "items");
        json_array_extend(all, items);
        total = json_array_size(items) > 0 ? json_integer_value(json_object_get(reply, "total")) : 0;
        at += (json_int_t)json_array_size(items);
        json_decref(reply);
    }
    return 0;
}

/* Reports of all tasks of the run as one list. */
static json_t *
collect_reports(struct cli *cli, const char *const *kinds, json_t *tasks, struct error *err)
{
    json_t *all = json_array(), *task;
    size_t i;

    json_array_foreach (json_object_get(tasks, "items"), i, task) {
        if (add_report(cli, kinds, task, all, err) != 0) {
            json_decref(all);
            return NULL;
        }
    }
    return json_pack("{s:o}", "items", all);
}

json_t *
cli_report_read(struct cli *cli, const char *const *kinds, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/runs/%s/tasks", cli_argument(cli, 0));
    json_t *tasks = cli_client_list(cli, path, 0, err);
    json_t *all = tasks == NULL ? NULL : collect_reports(cli, kinds, tasks, err);

    json_decref(tasks);
    return all;
}
