#ifndef LONGHAUL_DIRECTOR_CLI_CLI_TIME_H
#define LONGHAUL_DIRECTOR_CLI_CLI_TIME_H

/* Times as people give them, in UTC: 2026-09-14T07:58:10Z, 2026-09-14 (its midnight), today, yesterday, now, or so long
 * ago: 45m, 12h, 3d, 2w, with or without " ago". */

#include "common/base/clock.h"

#include <stdbool.h>

struct cli;
struct error;

#define CLI_TIME_FORMS "2026-09-14, 2026-09-14T07:58:10Z, today, yesterday, or how long ago: 3d, 12h, 45m, 2w (UTC)"

/* ERROR_USAGE, which tells the forms, when it is none. Pure. */
int cli_time_parse(const char *text, int64_t now_ms, int64_t *out, struct error *err);

/* The value of an option as the API takes it, 2026-09-14T07:58:10.000Z; *given: it was given at all. */
int cli_time_option(const struct cli *cli, const char *name, char out[CLOCK_TEXT_LEN], bool *given, struct error *err);

#endif
