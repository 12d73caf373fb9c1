#ifndef LONGHAUL_DIRECTOR_CLI_CLI_PARSE_H
#define LONGHAUL_DIRECTOR_CLI_CLI_PARSE_H

/* From argv to a filled struct cli. Pure; argv is borrowed. */

#include "director/cli/cli.h"

/* "--name value", "--name=value", "--" ends options. ERROR_USAGE with what to do. With --help anywhere what is known so
 * far is filled in and nothing is refused. */
int cli_parse(struct cli *cli, int argc, char **argv, struct error *err);

#endif
