#ifndef LONGHAUL_DIRECTOR_CLI_CLI_QUERY_H
#define LONGHAUL_DIRECTOR_CLI_CLI_QUERY_H

/* Questions about a vault's content: sealed to a transporter, answered to a key made for this one question. The
 * director relays both and can read neither. */

#include "director/cli/cli.h"

#include <jansson.h>

/* transporter: id or name, NULL: one that can. request is taken over. New reference, or NULL. */
json_t *cli_query_ask(struct cli *cli, const char *vault_id, const char *transporter, json_t *request,
                      struct error *err);

#endif
