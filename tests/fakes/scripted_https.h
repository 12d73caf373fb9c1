#ifndef LONGHAUL_TESTS_FAKES_SCRIPTED_HTTPS_H
#define LONGHAUL_TESTS_FAKES_SCRIPTED_HTTPS_H

/* An HTTPS server on loopback that plays exact bytes: for each request the first unused step whose start of request
 * line fits is played, then it is used up. A request that fits none is answered 599. */

#include <stddef.h>

struct scripted_https;

struct scripted_https *scripted_https_new(void);
/* Also checks that every step was used. */
void scripted_https_free(struct scripted_https *server);

/* "https://localhost:12345", and the path of a PEM file to trust. */
const char *scripted_https_origin(const struct scripted_https *server);
const char *scripted_https_ca(const struct scripted_https *server);

/* fit: "GET /v1.0/users" (a prefix). headers: "A: b\r\nC: d\r\n" or "". "{origin}" in headers and body is replaced.
 * Content-Length is added. */
void scripted_https_reply(struct scripted_https *server, const char *fit, int status, const char *headers,
                          const char *body);
/* The same, but the connection is cut after `sent` bytes of the body. */
void scripted_https_cut(struct scripted_https *server, const char *fit, int status, const char *headers,
                        const char *body, size_t sent);

/* Head and body of the n-th request received, NUL ended; "" when there were fewer. Valid until the server is freed. */
const char *scripted_https_request(struct scripted_https *server, size_t n);
size_t scripted_https_request_count(struct scripted_https *server);
/* Most requests that were being answered at one time. */
unsigned scripted_https_peak(struct scripted_https *server);
/* Each answer is held back so long: lets requests overlap. */
void scripted_https_delay(struct scripted_https *server, unsigned ms);

#endif
