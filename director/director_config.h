#ifndef LONGHAUL_DIRECTOR_DIRECTOR_CONFIG_H
#define LONGHAUL_DIRECTOR_DIRECTOR_CONFIG_H

/* The director's configuration, finished and checked. Texts belong to the struct config they came from. */

#include "common/config/config_program.h"

struct director_config {
    const char *state_dir;
    const char *rpc_listen;    /* "0.0.0.0:8443" */
    const char *rpc_advertise; /* "host:port" printed in invites; empty: none can be made */
    const char *api_listen;
    const char *api_advertise;
    uint64_t lease_ms;
    uint64_t heartbeat_ms;
    uint64_t retry_attempts;
    uint64_t retry_delay_ms;
    uint64_t certificate_lifetime_ms;
    const char *log_level;
};

extern const struct config_schema director_config_schema;
extern const struct config_program director_config_program;

/* What one option alone cannot show: a lease must outlast lost heartbeats. ERROR_CONFIG. */
int director_config_check(const struct director_config *config, struct error *err);

#endif
