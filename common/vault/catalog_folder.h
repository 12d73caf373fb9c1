#ifndef LONGHAUL_COMMON_VAULT_CATALOG_FOLDER_H
#define LONGHAUL_COMMON_VAULT_CATALOG_FOLDER_H

#include "common/vault/catalog.h"

/* Whether there is such a folder; a key of len 0, the top, there always is. ERROR_NOT_FOUND when the key is unknown, or
 * is that of an item. One thread, as the catalog. */
int catalog_folder_check(struct catalog *catalog, struct catalog_key folder, struct error *err);

#endif
