#ifndef LONGHAUL_COMMON_VAULT_VAULT_DAMAGE_H
#define LONGHAUL_COMMON_VAULT_VAULT_DAMAGE_H

#include "common/base/error.h"

/* Whether a failure tells of damaged or missing data. Everything else, want of memory included, means that it could not
 * be looked at, and says nothing about the data. */
static inline bool
vault_damage_is(const struct error *err)
{
    return err->kind == ERROR_CORRUPT || err->kind == ERROR_FORMAT || err->kind == ERROR_NOT_FOUND ||
           err->kind == ERROR_UNSUPPORTED;
}

#endif
