#ifndef LONGHAUL_DIRECTOR_CLI_CLI_REPORT_H
#define LONGHAUL_DIRECTOR_CLI_CLI_REPORT_H

/* Item by item reports that stay with the transporters, through sealed queries. */

#include <jansson.h>

struct cli;
struct error;

/* {"items":[...]}: those of all tasks of the run that is the first argument, which must be of one of
 * these kinds; NULL ends them. */
json_t *cli_report_read(struct cli *cli, const char *const *kinds, struct error *err);

#endif
