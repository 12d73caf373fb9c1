#ifndef LONGHAUL_DIRECTOR_CLI_CLI_WATCH_H
#define LONGHAUL_DIRECTOR_CLI_CLI_WATCH_H

/* Following a run to its end: a bar on a terminal, plain lines elsewhere. */

#include "director/cli/cli.h"

#include <jansson.h>

#define CLI_WATCH_LINE   200
#define CLI_WATCH_REMARK 1024

/* --wait as every command has it that starts something; and where it is all there is, the table. */
#define CLI_WATCH_WAIT                                                                                                 \
    {                                                                                                                  \
        "wait", NULL, false, "Follow it to its end"                                                                    \
    }
extern const struct cli_option cli_watch_options[];

/* 0 when it went well, else the run's own kind and text. */
int cli_watch_run(struct cli *cli, const char *run_id, struct error *err);
/* After something was started: {"run": id}. With --wait (or always, when `always`) follows it; otherwise prints how to.
 * started is taken over; NULL passes the failure on. */
int cli_watch_started(struct cli *cli, json_t *started, bool always, struct error *err);

/* "[#####     ]  50%  1,234 items  2.1 GiB read ..." of at most width cells. Pure. */
void cli_watch_format(json_t *run, bool bar, char out[CLI_WATCH_LINE]);
/* Whether the run's remark has something to say that `shown` does not hold yet, and puts it there. Pure. */
bool cli_watch_is_news(json_t *run, char shown[CLI_WATCH_REMARK]);

#endif
