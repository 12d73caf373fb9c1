#ifndef LONGHAUL_COMMON_CONFIG_CONFIG_INTERNAL_H
#define LONGHAUL_COMMON_CONFIG_CONFIG_INTERNAL_H

#include "common/config/config.h"

struct config_entry {
    char *text;
    char *origin; /* "director.yaml:4", "command line"; NULL: default */
};

struct config {
    const struct config_schema *schema;
    struct config_entry *entries; /* one an option, same order */
};

/* ERROR_CONFIG, with the nearest key, when there is no such option. */
const struct config_option *config_find(const struct config_schema *schema, const char *key, struct error *err);
/* Checks and keeps a copy of text. `origin` is copied. */
int config_assign(struct config *config, const struct config_option *option, const char *text, const char *origin,
                  struct error *err);

#endif
