#ifndef LONGHAUL_COMMON_NET_HTTP_CLIENT_INTERNAL_H
#define LONGHAUL_COMMON_NET_HTTP_CLIENT_INTERNAL_H

#include "common/net/http_client.h"

#include <curl/curl.h>

/* A handle that is set up and belongs to the caller until http_client_put(). */
CURL *http_client_take(struct http_client *client, struct error *err);
void http_client_put(struct http_client *client, CURL *easy);

/* Adds one raw header line; a status line forgets what came before. ERROR_LIMIT when there are too many. */
int http_response_add(struct http_response *response, const char *line, size_t len, struct error *err);

/* Turns a CURLcode into an error; detail is libcurl's own text, may be empty. */
int http_client_fail(CURLcode code, const char *host, const char *detail, struct error *err);

#endif
