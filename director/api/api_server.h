#ifndef LONGHAUL_DIRECTOR_API_API_SERVER_H
#define LONGHAUL_DIRECTOR_API_API_SERVER_H

/* The REST API (openapi.yaml beside this file): HTTPS only, TLS 1.2 at least and the highest common version,
 * HTTP/1.1, on the director's loop. Its certificate is issued by the director's authority at start and
 * renewed in time; the chain that is sent includes the root, so that a client can pin its fingerprint. Loop thread,
 * or before the loop runs. */

#include <stdint.h>

struct clock;
struct director;
struct error;
struct event_loop;

struct api_server;

struct api_server_options {
    const char *listen;       /* "127.0.0.1:8440"; "[::1]:0"; port 0: any free one, see api_server_port() */
    const char *advertise;    /* "host:port" that people use; its host gets into the certificate. NULL or empty: none */
    unsigned max_connections; /* 0: 512; more are refused */
};

/* director is borrowed; it must have its store and its authority. Listens at once. */
struct api_server *api_server_new(struct event_loop *loop, struct director *director,
                                  const struct api_server_options *options, struct error *err);
uint16_t api_server_port(const struct api_server *server);
/* Drops what runs. The loop must not be running (it is turned until every connection is closed). NULL is fine. */
void api_server_free(struct api_server *server);

#endif
