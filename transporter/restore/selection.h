#ifndef LONGHAUL_TRANSPORTER_RESTORE_SELECTION_H
#define LONGHAUL_TRANSPORTER_RESTORE_SELECTION_H

/* What of a recovery point is to be restored: {"all":true} or {"items":["<key hex>",...],"folders":["<key hex>",...]};
 * a folder means all that is in it. Pure; one thread. */

#include "common/vault/catalog.h"

struct error;

#define SELECTION_KEYS_MAX 50000

struct selection {
    bool all;
    struct catalog_key *items; /* owned, also their bytes */
    size_t item_count;
    struct catalog_key *folders;
    size_t folder_count;
};

/* ERROR_USAGE when it is not of this form or selects nothing. Clear it after success. */
int selection_parse(const char *text, size_t len, struct selection *selection, struct error *err);
void selection_clear(struct selection *selection);

#endif
