#include "director/cli/cli_vault_check.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "director/cli/cli.h"
#include "director/cli/cli_client.h"
#include "director/cli/cli_json.h"
#include "director/cli/cli_report.h"
#include "director/cli/cli_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *
cli_vault_check_body(const struct cli *cli, struct error *err)
{
    const char *sample = cli_option(cli, "sample");
    bool data = cli_flag(cli, "data");
    char *end = NULL;
    double percent = sample != NULL ? strtod(sample, &end) : 0;

    if (sample == NULL)
        return json_pack("{s:b}", "data", data);
    if (!data) {
        FAIL(err, ERROR_USAGE, 0, "--sample goes with --data");
        return NULL;
    }
    if (end != sample && *end == '%')
        end++;
    if (end == sample || *end != '\0' || !(percent >= 0.0001 && percent <= 100)) {
        FAIL(err, ERROR_USAGE, 0, "--sample takes a percentage, such as 5 or 0.1");
        return NULL;
    }
    return json_pack("{s:b, s:I}", "data", true, "sample_ppm", (json_int_t)(percent * 10000 + 0.5));
}

int
cli_vault_check_verify(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/vaults/%s/verify", cli_argument(cli, 0));
    json_t *body = cli_vault_check_body(cli, err);

    return body == NULL ? -1 : cli_watch_started(cli, cli_client_post(cli, path, body, err), false, err);
}

int
cli_vault_check_rebuild(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/vaults/%s/verify", cli_argument(cli, 0));
    json_t *body = json_pack("{s:b, s:b}", "data", false, "rebuild_index", true);

    return cli_watch_started(cli, cli_client_post(cli, path, body, err), false, err);
}

int
cli_vault_check_heal(struct cli *cli, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/vaults/%s/heal", cli_argument(cli, 0));
    json_t *body = json_pack("{s:s*}", "from", cli_option(cli, "from"));

    return cli_watch_started(cli, cli_client_post(cli, path, body, err), false, err);
}

static void
print_damage(struct cli *cli, json_t *item)
{
    const char *name = cli_json_text(item, "path"), *object = cli_json_text(item, "object");
    size_t i;
    json_t *point, *points = json_object_get(item, "points");

    fprintf(cli->out, "%s %s", cli_json_text(item, "outcome"), cli_json_text(item, "reason"));
    if (cli_json_text(item, "key")[0] != '\0')
        fprintf(cli->out, " of %s %s (%s)", cli_json_text(item, "kind"), name, cli_json_text(item, "key"));
    if (object[0] != '\0')
        fprintf(cli->out, " of %s", object);
    fprintf(cli->out, "\n  %s\n", cli_json_text(item, "detail"));
    if (cli_json_text(item, "advice")[0] != '\0')
        fprintf(cli->out, "  %s\n", cli_json_text(item, "advice"));
    if (json_array_size(points) > 1)
        json_array_foreach (points, i, point)
            fprintf(cli->out, "    %s\n", json_string_value(point) != NULL ? json_string_value(point) : "");
}

int
cli_vault_check_damage(struct cli *cli, struct error *err)
{
    static const char *const kinds[] = { "verify", "heal", NULL };
    json_t *all = cli_report_read(cli, kinds, err), *item;
    size_t i;

    if (all == NULL)
        return -1;
    if (!cli_json_printed(cli, all)) {
        json_array_foreach (json_object_get(all, "items"), i, item)
            print_damage(cli, item);
        if (json_array_size(json_object_get(all, "items")) == 0)
            fputs("Nothing is damaged, and nothing had to be healed.\n", cli->out);
    }
    json_decref(all);
    return 0;
}
