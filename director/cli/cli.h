#ifndef LONGHAUL_DIRECTOR_CLI_CLI_H
#define LONGHAUL_DIRECTOR_CLI_CLI_H

/* `longhaul`: commands are lines of tables (cli_commands.c), one file for each noun. One thread. */

#include "common/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CLI_ARGUMENTS 17
#define CLI_OPTIONS   512

struct cli;
struct cli_client;
struct clock;

struct cli_option {
    const char *name;  /* "label": --label */
    const char *value; /* what it takes, as help shows it: "KEY=VALUE"; NULL: it takes nothing */
    bool many;         /* may be given more than once */
    const char *help;
};

struct cli_command {
    const char *verb;      /* NULL: the noun alone is the command */
    const char *arguments; /* as help shows them: "POINT [FOLDER]"; "" for none */
    size_t arguments_min, arguments_max;
    const char *summary;
    const char *examples;             /* whole lines; may be NULL */
    const struct cli_option *options; /* ends with a NULL name; may be NULL */
    int (*run)(struct cli *cli, struct error *err);
};

struct cli_noun {
    const char *name;
    const char *summary;
    const struct cli_command *commands; /* ends with a NULL run */
};

struct cli_given {
    const struct cli_option *option;
    const char *value; /* NULL for those that take nothing */
};

/* One call of the program. */
struct cli {
    const struct clock *clock;
    FILE *out;     /* results */
    FILE *notices; /* questions, progress, hints */
    bool terminal; /* notices are shown on a terminal */
    const struct cli_noun *noun;
    const struct cli_command *command;
    bool help, version;
    bool check_config, print_config; /* instead of a command */
    const char *arguments[CLI_ARGUMENTS];
    size_t argument_count;
    struct cli_given given[CLI_OPTIONS];
    size_t given_count;
    struct cli_client *client; /* opened when first needed */
};

/* All nouns; ends with a NULL name. Options that every command takes; ends with a NULL name. */
extern const struct cli_noun cli_nouns[];
extern const struct cli_option cli_common_options[];

/* Parses, runs, prints errors; returns the exit code. */
int cli_main(int argc, char **argv);

/* The value of an option; NULL when it was not given. For those given often: the n-th. */
const char *cli_option(const struct cli *cli, const char *name);
const char *cli_option_nth(const struct cli *cli, const char *name, size_t n);
bool cli_flag(const struct cli *cli, const char *name);
/* The value, or ERROR_USAGE naming the option that is missing. */
int cli_option_required(const struct cli *cli, const char *name, const char **value, struct error *err);
/* The n-th argument; NULL when it was not given. */
const char *cli_argument(const struct cli *cli, size_t n);

/* Ask on the terminal; --yes answers yes. ERROR_USAGE when there is nobody to ask, ERROR_CANCELLED on a no. */
int cli_confirm(struct cli *cli, const char *question, struct error *err);

#endif
