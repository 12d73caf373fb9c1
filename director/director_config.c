#include "director/director_config.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <stddef.h>

#define FIELD(name)   offsetof(struct director_config, name)
#define SECONDS(n)    ((uint64_t)(n)*1000)
#define DAYS(n)       SECONDS((uint64_t)(n)*24 * 3600)
#define BEATS_A_LEASE 3

static const struct config_option options[] = {
    { .key = "state_dir",
      .type = CONFIG_PATH,
      .offset = FIELD(state_dir),
      .default_text = "/var/lib/longhaul/director",
      .help = "Database, certificate authority and the first API token" },
    { .key = "rpc.listen",
      .type = CONFIG_ADDRESS,
      .offset = FIELD(rpc_listen),
      .default_text = "0.0.0.0:8443",
      .help = "Where transporters connect" },
    { .key = "rpc.advertise",
      .type = CONFIG_ADDRESS,
      .offset = FIELD(rpc_advertise),
      .default_text = "",
      .help = "host:port that invites tell transporters; empty: no invites can be made" },
    { .key = "api.listen",
      .type = CONFIG_ADDRESS,
      .offset = FIELD(api_listen),
      .default_text = "127.0.0.1:8440",
      .help = "Where the REST API is served (HTTPS)" },
    { .key = "api.advertise",
      .type = CONFIG_ADDRESS,
      .offset = FIELD(api_advertise),
      .default_text = "",
      .help = "host:port that people use for the API; its host gets into the certificate" },
    { .key = "lease.duration",
      .type = CONFIG_DURATION,
      .offset = FIELD(lease_ms),
      .default_text = "60s",
      .lowest = 500,
      .highest = SECONDS(3600),
      .help = "A task whose transporter is not heard of for this long is given to another" },
    { .key = "heartbeat.interval",
      .type = CONFIG_DURATION,
      .offset = FIELD(heartbeat_ms),
      .default_text = "10s",
      .lowest = 100,
      .highest = SECONDS(300),
      .help = "How often transporters report; at most a third of lease.duration" },
    { .key = "retry.attempts",
      .type = CONFIG_UINT,
      .offset = FIELD(retry_attempts),
      .default_text = "5",
      .lowest = 1,
      .highest = 100,
      .help = "How often a task is tried whose failure may pass, before it has failed" },
    { .key = "retry.delay",
      .type = CONFIG_DURATION,
      .offset = FIELD(retry_delay_ms),
      .default_text = "5s",
      .lowest = 100,
      .highest = SECONDS(600),
      .help = "Pause before the second try; four times as long before each further one, at most 10 minutes" },
    { .key = "certificate.lifetime",
      .type = CONFIG_DURATION,
      .offset = FIELD(certificate_lifetime_ms),
      .default_text = "30d",
      .lowest = SECONDS(600),
      .highest = DAYS(365),
      .help = "Of the certificates of transporters and of the director; renewed by themselves" },
    { .key = "log.level",
      .type = CONFIG_CHOICE,
      .offset = FIELD(log_level),
      .default_text = "info",
      .choices = "debug info warn error",
      .help = "Lowest level that is written" },
};

const struct config_schema director_config_schema = {
    .program = "longhaul-director",
    .options = options,
    .count = ARRAY_LEN(options),
};

int
director_config_check(const struct director_config *config, struct error *err)
{
    if (config->heartbeat_ms * BEATS_A_LEASE > config->lease_ms)
        return FAIL(
            err, ERROR_CONFIG, 0,
            "heartbeat.interval (%llu ms) is more than a third of lease.duration (%llu ms): a late report would "
            "cost a transporter its tasks",
            (unsigned long long)config->heartbeat_ms, (unsigned long long)config->lease_ms);
    return 0;
}

static int
check_loaded(const struct config *config, struct error *err)
{
    struct director_config values;

    config_store(config, &values);
    return director_config_check(&values, err);
}

const struct config_program director_config_program = {
    .schema = &director_config_schema,
    .summary = "plans backups, remembers them, and serves the API",
    .default_file = "/etc/longhaul/director.yaml",
    .check = check_loaded,
};
