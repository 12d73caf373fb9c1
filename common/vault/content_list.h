#ifndef LONGHAUL_COMMON_VAULT_CONTENT_LIST_H
#define LONGHAUL_COMMON_VAULT_CONTENT_LIST_H

/* The node that names the pieces of a content of several chunks. See proto/FORMAT.md, "List". */

#include "common/vault/content.h"

#define CONTENT_LIST_ENTRIES    2048
#define CONTENT_LIST_LEVELS     5
#define CONTENT_LIST_HEADER_MAX 13
#define CONTENT_LIST_NODE_MAX   (CONTENT_LIST_HEADER_MAX + CONTENT_LIST_ENTRIES * (10 + CHUNK_ID_LEN))

struct content_list_entry {
    uint64_t len; /* bytes of content below */
    struct chunk_id id;
};

struct content_list_node {
    uint8_t level; /* 0: the entries are chunks; else nodes of the level below */
    size_t count;
    struct content_list_entry entries[CONTENT_LIST_ENTRIES];
};

/* out holds CONTENT_LIST_NODE_MAX bytes. Returns the length. */
size_t content_list_encode(const struct content_list_node *node, uint8_t *out);
/* ERROR_FORMAT. */
int content_list_decode(const uint8_t *data, size_t len, struct content_list_node *node, struct error *err);

#endif
