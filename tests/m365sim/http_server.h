#ifndef LONGHAUL_TESTS_M365SIM_HTTP_SERVER_H
#define LONGHAUL_TESTS_M365SIM_HTTP_SERVER_H

/* HTTPS in front of service_handle(): HTTP/1.1 with keep-alive, one thread per connection. */

#include <stdint.h>

struct error;
struct http_server;
struct sim;

/* Listens on sim->options.listen. The sim must outlive it. */
struct http_server *http_server_open(struct sim *sim, struct error *err);
void http_server_close(struct http_server *server);
uint16_t http_server_port(const struct http_server *server);

#endif
