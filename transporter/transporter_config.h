#ifndef LONGHAUL_TRANSPORTER_TRANSPORTER_CONFIG_H
#define LONGHAUL_TRANSPORTER_TRANSPORTER_CONFIG_H

/* The transporter's configuration, finished and checked. */

#include "common/config/config_program.h"

#include <stdint.h>

struct error;

#define TRANSPORTER_CONFIG_FILE "/etc/longhaul/transporter.yaml"

struct transporter_config {
    char *state_dir;
    char *rpc_listen;    /* empty: serves no vaults */
    char *rpc_advertise; /* empty: rpc_listen, when that names an address others can reach */
    uint64_t task_slots;
    char *graph_extra_ca; /* empty: the system's authorities only */
    uint64_t graph_throttle_patience_ms;
    char *restore_folder;
    uint64_t pipeline_threads;
    uint64_t vault_patience_ms;
    uint64_t vault_settle_ms;
    uint64_t vault_lock_max_days;
    char *log_level;
};

/* What no single value tells. ERROR_CONFIG. */
int transporter_config_check(const struct transporter_config *config, struct error *err);

extern const struct config_schema transporter_config_schema;
extern const struct config_program transporter_config_program;

#endif
