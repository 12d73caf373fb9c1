#ifndef LONGHAUL_COMMON_VAULT_TREE_NODE_H
#define LONGHAUL_COMMON_VAULT_TREE_NODE_H

/* A tree node as bytes and in memory. Pure. */

#include "common/vault/chunk.h"

struct buffer;
struct error;

#define TREE_KEY_MAX    1024
#define TREE_VALUE_MAX  ((size_t)64 << 10)
#define TREE_HEIGHT_MAX 16

#define TREE_NODE_MAX 65536 /* bytes of encoded entries, but for the last one's */

#define TREE_NODE_CEILING (TREE_NODE_MAX + TREE_KEY_MAX + TREE_VALUE_MAX + 64)

struct tree_bytes {
    const uint8_t *data;
    size_t len;
};

int tree_bytes_compare(struct tree_bytes a, struct tree_bytes b);

struct tree_entry {
    struct tree_bytes key;   /* level > 0: the last key below the child */
    struct tree_bytes value; /* level 0 */
    struct chunk_id child;   /* level > 0 */
    uint64_t count;          /* level > 0: entries of the tree below the child; 1 in a leaf */
};

struct tree_node {
    int level;
    size_t count;
    struct tree_entry *entries;
    uint8_t *bytes; /* keys and values */
};

/* ERROR_FORMAT. Keys are in strictly ascending order, within their limits, and there is at least one. */
struct tree_node *tree_node_decode(const uint8_t *data, size_t len, struct error *err);
void tree_node_free(struct tree_node *node);
void tree_node_free_p(struct tree_node **node);

/* Where nodes end: proto/FORMAT.md, "Tree". It follows from the version of the vault's format: equal maps in one vault
 * have equal roots whatever program wrote them. */
enum tree_rule {
    TREE_RULE_BYTES, /* versions 1 and 2: all nodes by their bytes */
    TREE_RULE_PATHS  /* since version 3: leaves by their bytes, nodes above by their entries, so that paths are short */
};

enum tree_rule tree_rule_of(unsigned format_version);

/* A node being written, entry by entry. */
struct tree_node_writer {
    struct buffer *out;
    enum tree_rule rule;
    int level;
    size_t count;
    uint8_t last_key[TREE_KEY_MAX];
    size_t last_key_len;
    uint64_t entries_below;
};

void tree_node_writer_begin(struct tree_node_writer *w, struct buffer *out, int level, enum tree_rule rule);
/* *full: the node ends with this entry. */
int tree_node_writer_add(struct tree_node_writer *w, const struct tree_entry *entry, bool *full, struct error *err);

#endif
