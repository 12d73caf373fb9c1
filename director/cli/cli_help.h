#ifndef LONGHAUL_DIRECTOR_CLI_CLI_HELP_H
#define LONGHAUL_DIRECTOR_CLI_CLI_HELP_H

/* Texts made from the command tables. */

struct cli;

/* About the program, a noun or a command, whichever the call got to. */
void cli_help_print(const struct cli *cli);

#endif
