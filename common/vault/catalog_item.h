#ifndef LONGHAUL_COMMON_VAULT_CATALOG_ITEM_H
#define LONGHAUL_COMMON_VAULT_CATALOG_ITEM_H

/* Items as bytes in the two trees of a catalog. proto/FORMAT.md, "Catalog". Pure. */

#include "common/vault/catalog.h"
#include "common/vault/tree_node.h"

#define CATALOG_SORT_MAX   64
#define CATALOG_PARENT_LEN 16 /* of the hash that stands for a folder in the children tree */
#define CATALOG_CHILD_MAX  (CATALOG_PARENT_LEN + 1 + CATALOG_SORT_MAX + 1 + CATALOG_KEY_MAX)
#define CATALOG_VALUE_MAX  ((size_t)48 << 10)

/* ERROR_LIMIT when a field is too long, ERROR_USAGE when key and kind or parent do not fit. */
int catalog_item_check(const struct catalog_item *item, struct error *err);

/* Value in the items tree; out is emptied first. */
int catalog_item_encode(const struct catalog_item *item, struct buffer *out, struct error *err);
/* Pointers into value. item->key is set from key. ERROR_FORMAT. */
int catalog_item_decode(struct tree_bytes key, struct tree_bytes value, struct catalog_item *item, struct error *err);

/* Key and value in the children tree. sort: how the folder's listing is ordered; from catalog_item_sort(), or from the
 * stored item: what an older version made of a name is what must be removed. */
struct catalog_sort {
    uint8_t bytes[CATALOG_SORT_MAX + 1];
    size_t len;
};
void catalog_item_sort(const struct catalog_item *item, struct catalog_sort *sort);
/* The sort order that a stored item was listed under. */
int catalog_item_stored_sort(struct tree_bytes key, struct tree_bytes value, struct catalog_sort *sort,
                             struct error *err);
size_t catalog_item_child_key(const struct catalog_item *item, const struct catalog_sort *sort,
                              uint8_t out[CATALOG_CHILD_MAX]);
int catalog_item_child_encode(const struct catalog_item *item, struct buffer *out, struct error *err);
int catalog_item_child_decode(struct tree_bytes key, struct tree_bytes value, struct catalog_item *item,
                              struct error *err);
void catalog_item_parent_hash(struct catalog_key parent, uint8_t out[CATALOG_PARENT_LEN]);

#endif
