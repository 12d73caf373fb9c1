#include "director/cli/cli_time.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "director/cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DAY_MS     ((int64_t)86400000)
#define AMOUNT_MAX 1000000

/* "3d", "12h ago" */
static int
parse_ago(const char *text, int64_t *ago_ms)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = { { 'm', 60000 }, { 'h', 3600000 }, { 'd', DAY_MS }, { 'w', 7 * DAY_MS } };
    int64_t amount = 0;
    size_t at = 0;

    for (; text[at] >= '0' && text[at] <= '9' && amount < AMOUNT_MAX; at++)
        amount = amount * 10 + (text[at] - '0');
    if (at == 0 || amount >= AMOUNT_MAX || text[at] == '\0' ||
        (text[at + 1] != '\0' && strcasecmp(text + at + 1, " ago") != 0))
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (units[i].unit == text[at]) {
            *ago_ms = amount * units[i].ms;
            return 0;
        }
    return -1;
}

int
cli_time_parse(const char *text, int64_t now_ms, int64_t *out, struct error *err)
{
    char midnight[32];
    int64_t ago, today = now_ms - now_ms % DAY_MS;

    if (strcasecmp(text, "now") == 0)
        *out = now_ms;
    else if (strcasecmp(text, "today") == 0)
        *out = today;
    else if (strcasecmp(text, "yesterday") == 0)
        *out = today - DAY_MS;
    else if (parse_ago(text, &ago) == 0)
        *out = now_ms - ago;
    else if (strlen(text) == 10 && snprintf(midnight, sizeof(midnight), "%sT00:00:00Z", text) > 0 &&
             clock_parse_ms(midnight, out) == 0)
        return 0;
    else if (clock_parse_ms(text, out) != 0)
        return FAIL(err, ERROR_USAGE, 0, "%.40s is no time that is understood here: " CLI_TIME_FORMS, text);
    return 0;
}

int
cli_time_option(const struct cli *cli, const char *name, char out[CLOCK_TEXT_LEN], bool *given, struct error *err)
{
    const char *text = cli_option(cli, name);
    int64_t ms;

    *given = text != NULL;
    if (text == NULL)
        return 0;
    if (cli_time_parse(text, clock_wall_ms(cli->clock), &ms, err) != 0)
        return error_wrap(err, "--%s", name);
    clock_format_ms(ms, out);
    return 0;
}
