#ifndef LONGHAUL_COMMON_VAULT_CATALOG_SEARCH_H
#define LONGHAUL_COMMON_VAULT_CATALOG_SEARCH_H

/* Items of a recovery point by what people remember of them. Texts are compared without regard to case and accents
 * (Unicode: decomposed, case-folded, marks removed), so "muller" finds "Müller". Reads what listings show, not whole
 * items. One thread. */

#include "common/vault/catalog.h"

#define CATALOG_SEARCH_TEXT_MAX 512

/* All that are given must hold; NULL or 0: not asked. Texts are UTF-8 and contained in the item's. */
struct catalog_search_query {
    const char *text;    /* in name, subject or sender */
    const char *name;    /* of a folder or file */
    const char *subject; /* of a message */
    const char *sender;  /* of a message: name or address */
    int64_t from_ms;     /* received (messages) or modified (files, folders) at this time or later */
    int64_t until_ms;    /* before this time */
};

/* Calls found for each match as catalog_list() does, parent not set, in the order of the children tree: folder by
 * folder. ERROR_USAGE when a text is not UTF-8 or too long, or nothing is asked. */
int catalog_search(struct catalog *catalog, const struct catalog_search_query *query, catalog_item_fn *found, void *ctx,
                   struct error *err);

#endif
