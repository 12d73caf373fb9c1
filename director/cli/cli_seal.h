#ifndef LONGHAUL_DIRECTOR_CLI_CLI_SEAL_H
#define LONGHAUL_DIRECTOR_CLI_CLI_SEAL_H

/* Sealing secrets to transporters and handing them to the director. */

#include "common/base/identifier.h"
#include "director/cli/cli.h"

#include <jansson.h>
#include <stdint.h>

struct secret;

#define CLI_SEAL_RECIPIENTS 64

struct cli_recipient {
    char id[IDENTIFIER_LEN];
    char name[65];
    uint8_t key[65];
};

struct cli_recipients {
    size_t count;
    struct cli_recipient at[CLI_SEAL_RECIPIENTS];
};

/* From {"id","name","sealing_key"} as the API shows it. ERROR_FORMAT; ERROR_DENIED when the key is not the one this
 * user knows. */
int cli_seal_add_recipient(struct cli_recipients *recipients, json_t *transporter, struct error *err);
/* By id or name, through the API. */
int cli_seal_find_recipient(struct cli *cli, struct cli_recipients *recipients, const char *name, struct error *err);
/* Every --transporter of the command. */
int cli_seal_option_recipients(struct cli *cli, struct cli_recipients *recipients, struct error *err);
/* Shows the fingerprints of those not known yet and asks; remembers them. */
int cli_seal_confirm(struct cli *cli, const struct cli_recipients *recipients, struct error *err);

/* Seals plain to each and uploads; tenant is NULL for storage. The new secret's id is filled in. */
int cli_seal_upload(struct cli *cli, const char *purpose, const char *tenant, const struct cli_recipients *recipients,
                    const struct secret *plain, char id[IDENTIFIER_LEN], struct error *err);
/* Seals plain to each as a further slot of a secret that is there already. */
int cli_seal_extend(struct cli *cli, const char *purpose, const char *id, const struct cli_recipients *recipients,
                    const struct secret *plain, struct error *err);

#endif
