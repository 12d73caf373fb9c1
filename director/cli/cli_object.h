#ifndef LONGHAUL_DIRECTOR_CLI_CLI_OBJECT_H
#define LONGHAUL_DIRECTOR_CLI_CLI_OBJECT_H

#include "common/base/identifier.h"
#include "director/cli/cli.h"

#include <jansson.h>

/* [{"id"}...] of the objects with this id, name or Microsoft id. tenant and kind ("mailbox", "drive") may be NULL: any.
 * New reference; NULL with ERROR_NOT_FOUND. */
json_t *cli_object_find_all(struct cli *cli, const char *tenant, const char *kind, const char *name, struct error *err);
/* The only one; ERROR_USAGE when there are several. */
int cli_object_find(struct cli *cli, const char *tenant, const char *kind, const char *name, char id[IDENTIFIER_LEN],
                    struct error *err);

#endif
