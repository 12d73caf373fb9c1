#ifndef LONGHAUL_DIRECTOR_CLI_CLI_CLIENT_INTERNAL_H
#define LONGHAUL_DIRECTOR_CLI_CLI_CLIENT_INTERNAL_H

/* What API calls and the first connection of a login share. */

#include <curl/curl.h>

struct error;

/* https only, TLS 1.2 at least, both checks on, no system authorities. Write data is a struct buffer. */
CURL *cli_client_curl_new(struct error *err);
/* Returns -1. */
int cli_client_curl_error(CURLcode code, const char *director, struct error *err);

#endif
