#ifndef LONGHAUL_COMMON_VAULT_CATALOG_INTERNAL_H
#define LONGHAUL_COMMON_VAULT_CATALOG_INTERNAL_H

#include "common/vault/catalog.h"
#include "common/vault/tree.h"

struct catalog {
    struct tree_cursor items, children;
};

#endif
