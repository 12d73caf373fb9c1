/* A catalog node: what decodes encodes to the same bytes, and its items and listings decode safely. */

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/vault/catalog_item.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_items(const struct tree_node *node)
{
    for (size_t i = 0; i < node->count; i++) {
        struct error err = ERROR_INIT;
        struct catalog_item item;
        struct catalog_sort sort;
        const struct tree_entry *entry = &node->entries[i];
        if (catalog_item_decode(entry->key, entry->value, &item, &err) == 0 && item.name != NULL)
            (void)strlen(item.name);
        (void)catalog_item_stored_sort(entry->key, entry->value, &sort, &err);
        (void)catalog_item_child_decode(entry->key, entry->value, &item, &err);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    struct tree_node *node = tree_node_decode(data, size, &err);
    if (node == NULL)
        return 0;
    struct buffer again = BUFFER_INIT(TREE_NODE_CEILING * 2);
    struct tree_node_writer *writer = malloc(sizeof(*writer));
    if (writer == NULL)
        abort();
    tree_node_writer_begin(writer, &again, node->level, TREE_RULE_PATHS);
    for (size_t i = 0; i < node->count; i++) {
        bool full;
        if (tree_node_writer_add(writer, &node->entries[i], &full, &err) != 0)
            abort();
    }
    if (again.len != size || memcmp(again.data, data, size) != 0)
        abort();
    if (node->level == 0)
        try_items(node);
    free(writer);
    buffer_clear(&again);
    tree_node_free(node);
    return 0;
}
