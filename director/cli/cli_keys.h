#ifndef LONGHAUL_DIRECTOR_CLI_CLI_KEYS_H
#define LONGHAUL_DIRECTOR_CLI_CLI_KEYS_H

/* The sealing keys of transporters that this user has sealed to before ("sealing-keys.json" beside the login): a
 * director that hands out another key for the same transporter is noticed. */

#include "director/cli/cli.h"

#include <stdint.h>

enum cli_key_state { CLI_KEY_NEW, CLI_KEY_KNOWN, CLI_KEY_CHANGED };

enum cli_key_state cli_keys_look(const char *node_id, const uint8_t key[65]);
/* Remembers it; without a home folder nothing is remembered. */
int cli_keys_remember(const char *node_id, const uint8_t key[65], struct error *err);

#endif
