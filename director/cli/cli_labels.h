#ifndef LONGHAUL_DIRECTOR_CLI_CLI_LABELS_H
#define LONGHAUL_DIRECTOR_CLI_CLI_LABELS_H

#include "director/cli/cli.h"

#include <jansson.h>

/* {"site":"berlin"} of every --<option> KEY=VALUE. New reference, or NULL with ERROR_USAGE. */
json_t *cli_labels_read(const struct cli *cli, const char *option, struct error *err);
/* The same of one text. Adds to labels. */
int cli_labels_add(json_t *labels, const char *text, struct error *err);

#endif
