#ifndef LONGHAUL_DIRECTOR_CLI_CLI_CLIENT_H
#define LONGHAUL_DIRECTOR_CLI_CLI_CLIENT_H

/* The director's REST API over libcurl: HTTPS only, trusting the director's own authority and nobody else. */

#include "director/cli/cli.h"

#include <jansson.h>

struct cli_settings;

#define CLI_CLIENT_REPLY_LIMIT ((size_t)16 << 20)

/* NULL is fine. */
void cli_client_close(struct cli_client *client);

/* body (may be NULL) is taken over. NULL with the director's own kind and text, or what went wrong on the way. */
json_t *cli_client_call(struct cli *cli, const char *method, const char *path, json_t *body, struct error *err);
json_t *cli_client_get(struct cli *cli, const char *path, struct error *err);
json_t *cli_client_post(struct cli *cli, const char *path, json_t *body, struct error *err);
/* Every page of a list as one {"items":[...]}; limit: at most so many (0: all). */
json_t *cli_client_list(struct cli *cli, const char *path, size_t limit, struct error *err);

/* "/tenants/%s/objects" with every %s filled in and escaped; freed with free(). */
char *cli_client_path(const char *pattern, ...);
/* Adds ?name=value or &name=value, escaped; nothing when value is NULL. */
void cli_client_add_query(char **path, const char *name, const char *value);

/* For login: the root certificate of whoever answers there, if its SHA-256 is this one and it vouches for the server.
 * Freed with free(). */
char *cli_client_fetch_root(const char *director, const char *fingerprint, struct error *err);

#endif
