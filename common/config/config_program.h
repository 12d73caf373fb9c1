#ifndef LONGHAUL_COMMON_CONFIG_CONFIG_PROGRAM_H
#define LONGHAUL_COMMON_CONFIG_CONFIG_PROGRAM_H

/* The command line that every daemon has: --config FILE, --set key=value, --check-config, --print-config,
 * --print-options, --help, --version. */

#include "common/config/config.h"

struct config_program {
    const struct config_schema *schema;
    const char *summary;      /* one line */
    const char *commands;     /* further lines of --help about subcommands; NULL: none */
    const char *default_file; /* read when it exists and --config is not given */
    /* What no single value tells, such as two that do not fit, or a file that is not there. NULL: nothing. */
    int (*check)(const struct config *config, struct error *err);
};

enum config_outcome {
    CONFIG_RUN,  /* go on */
    CONFIG_DONE, /* what was asked is printed; exit with 0 */
    CONFIG_FAILED
};

/* Handles argv[1] to argv[argc - 1]; *rest (may be NULL) is the index of the first argument that is no option, or
 * argc. With rest NULL such an argument is ERROR_USAGE. */
enum config_outcome config_program_start(const struct config_program *program, struct config *config, int argc,
                                         char **argv, int *rest, struct error *err);

#endif
