#ifndef LONGHAUL_COMMON_CONFIG_CONFIG_VALUE_H
#define LONGHAUL_COMMON_CONFIG_CONFIG_VALUE_H

/* Texts to values, by the option's type. Pure. */

#include "common/config/config.h"

struct config_value {
    uint64_t number; /* numbers, durations, sizes; 1 or 0 for a boolean */
};

/* ERROR_CONFIG with what was expected. `value` may be NULL. */
int config_value_parse(const struct config_option *option, const char *text, struct config_value *value,
                       struct error *err);

/* "10s" to milliseconds, "16MiB" to bytes; for command lines too. 0, or -1. */
int config_value_duration(const char *text, uint64_t *ms);
int config_value_size(const char *text, uint64_t *bytes);

#endif
