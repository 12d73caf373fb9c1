#include "transporter/transporter_config.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/net/http_client.h"

#include <stddef.h>

#define FIELD(name) offsetof(struct transporter_config, name)

static const struct config_option options[] = {
    { .key = "state_dir",
      .type = CONFIG_PATH,
      .offset = FIELD(state_dir),
      .default_text = "/var/lib/longhaul/transporter",
      .help = "Keys, certificate, unacknowledged results and reports" },
    { .key = "rpc.listen",
      .type = CONFIG_ADDRESS,
      .offset = FIELD(rpc_listen),
      .default_text = "",
      .help = "Where other transporters reach the vaults held here; empty: holds none" },
    { .key = "rpc.advertise",
      .type = CONFIG_ADDRESS,
      .offset = FIELD(rpc_advertise),
      .default_text = "",
      .help = "host:port that other transporters are told; empty: rpc.listen" },
    { .key = "task.slots",
      .type = CONFIG_UINT,
      .offset = FIELD(task_slots),
      .default_text = "4",
      .lowest = 1,
      .highest = 64,
      .help = "Tasks that run at a time" },
    { .key = "graph.extra_ca",
      .type = CONFIG_PATH,
      .offset = FIELD(graph_extra_ca),
      .default_text = "",
      .help = "PEM file of authorities trusted for Microsoft Graph beside the system's" },
    { .key = "graph.throttle_patience",
      .type = CONFIG_DURATION,
      .offset = FIELD(graph_throttle_patience_ms),
      .default_text = "30m",
      .lowest = 1000,
      .highest = 86400000,
      .help = "How long a task gets nothing but \"too many requests\" from Microsoft 365 before it fails and is tried "
              "again later" },
    { .key = "restore.folder",
      .type = CONFIG_PATH,
      .offset = FIELD(restore_folder),
      .default_text = "/var/lib/longhaul/restore",
      .help = "Restores to a folder go below this one" },
    { .key = "pipeline.threads",
      .type = CONFIG_UINT,
      .offset = FIELD(pipeline_threads),
      .default_text = "4",
      .lowest = 1,
      .highest = 16,
      .help = "Items fetched at a time by one task; Microsoft allows 4 for a mailbox" },
    { .key = "vault.settle",
      .type = CONFIG_DURATION,
      .offset = FIELD(vault_settle_ms),
      .default_text = "15m",
      .lowest = 1,
      .highest = 86400000,
      .help = "What a retention sweep has closed is removed after this time; longer than any commit may take" },
    { .key = "vault.patience",
      .type = CONFIG_DURATION,
      .offset = FIELD(vault_patience_ms),
      .default_text = "5m",
      .lowest = 100,
      .highest = 3600000,
      .help = "How long a task waits for a vault whose host or disk cannot be had, before it fails" },
    { .key = "vault.lock_max",
      .type = CONFIG_UINT,
      .offset = FIELD(vault_lock_max_days),
      .default_text = "3650",
      .lowest = 1,
      .highest = 36500,
      .help = "Days for which objects of vaults held here may be locked at the most, whatever the director wants" },
    { .key = "log.level",
      .type = CONFIG_CHOICE,
      .offset = FIELD(log_level),
      .default_text = "info",
      .choices = "debug info warn error",
      .help = "Lowest level that is written" },
};

const struct config_schema transporter_config_schema = {
    .program = "longhaul-transporter",
    .options = options,
    .count = ARRAY_LEN(options),
};

int
transporter_config_check(const struct transporter_config *config, struct error *err)
{
    if (config->graph_extra_ca[0] == '\0' || http_client_check_ca(config->graph_extra_ca, err) == 0)
        return 0;
    return error_wrap(err, "graph.extra_ca");
}

static int
check_loaded(const struct config *config, struct error *err)
{
    struct transporter_config values;

    config_store(config, &values);
    return transporter_config_check(&values, err);
}

const struct config_program transporter_config_program = {
    .schema = &transporter_config_schema,
    .summary = "Moves data between Microsoft 365 and vaults, and holds vaults for others.",
    .commands = "Commands:\n"
                "  run                    serve until SIGTERM (the default)\n"
                "  enrol --director HOST:PORT --fingerprint HEX --token TOKEN\n"
                "                         make this machine a transporter; the invite prints the whole line\n"
                "  vault list|browse|search|verify|heal|rebuild-index|export --storage PLACE ...\n"
                "                         read or mend a vault with nothing but its storage and its password\n",
    .default_file = TRANSPORTER_CONFIG_FILE,
    .check = check_loaded,
};
