#ifndef LONGHAUL_TRANSPORTER_GRAPH_GRAPH_URL_H
#define LONGHAUL_TRANSPORTER_GRAPH_GRAPH_URL_H

/* Paths and queries for Microsoft Graph. Pure; any thread. */

#include <stdbool.h>

/* A copy of fmt where each %s is replaced by the next text, percent-encoded (RFC 3986 unreserved characters stay),
 * and "%%" by "%". Other directives are not known. Free with free(). */
char *graph_url(const char *fmt, ...);

/* Same scheme, host and port. */
bool graph_url_same_origin(const char *a, const char *b);
bool graph_url_is_https(const char *url);

#endif
