#ifndef LONGHAUL_DIRECTOR_DIRECTOR_CONFIG_H
#define LONGHAUL_DIRECTOR_DIRECTOR_CONFIG_H

/* The director's configuration, finished and checked. */

#include <stddef.h>
#include <stdint.h>

struct director_config {
    char *state_dir;
    char *rpc_listen;    /* "0.0.0.0:8443" */
    char *rpc_advertise; /* "host:port" printed in invites; empty: none can be made */
    char *api_listen;
    char *api_advertise;
    uint64_t lease_ms;
    uint64_t heartbeat_ms;
    uint64_t certificate_lifetime_ms;
    char *log_level;
};

#endif
