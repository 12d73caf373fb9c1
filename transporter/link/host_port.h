#ifndef LONGHAUL_TRANSPORTER_LINK_HOST_PORT_H
#define LONGHAUL_TRANSPORTER_LINK_HOST_PORT_H

/* "host:port" and "[v6]:port". Pure; any thread. */

#include <stdint.h>

struct error;

struct host_port {
    char host[256]; /* without brackets */
    uint16_t port;
};

/* ERROR_USAGE when it is none. */
int host_port_parse(const char *text, struct host_port *out, struct error *err);

#endif
