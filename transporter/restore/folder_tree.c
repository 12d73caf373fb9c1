#include "transporter/restore/folder_tree.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/restore/safe_name.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define PATH_CEILING ((size_t)FOLDER_TREE_DEPTH_MAX * (SAFE_NAME_MAX + 1))

struct node {
    struct catalog_key_buffer key, parent;
    char name[SAFE_NAME_MAX + 1];
    bool missing;
    UT_hash_handle hh;
};

struct folder_tree {
    struct catalog *catalog;
    struct node *nodes; /* oldest first */
    char *room;         /* PATH_CEILING + 1 bytes, the last one NUL */
};

struct folder_tree *
folder_tree_new(struct catalog *catalog)
{
    struct folder_tree *tree = MEMORY_NEW(struct folder_tree);
    tree->catalog = catalog;
    tree->room = memory_new(PATH_CEILING + 1);
    return tree;
}

static void
forget(struct folder_tree *tree, struct node *node)
{
    HASH_DEL(tree->nodes, node);
    free(node);
}

void
folder_tree_free(struct folder_tree *tree)
{
    if (tree == NULL)
        return;
    while (tree->nodes != NULL)
        forget(tree, tree->nodes);
    free(tree->room);
    free(tree);
}

void
folder_tree_free_p(struct folder_tree **tree)
{
    folder_tree_free(*tree);
    *tree = NULL;
}

static void
copy_key(struct catalog_key_buffer *to, struct catalog_key from)
{
    to->len = from.len;
    if (from.len > 0)
        memcpy(to->bytes, from.bytes, from.len);
}

/* The node, from memory or the catalog; NULL on failure. Valid until the next look-up. */
static struct node *
look_up(struct folder_tree *tree, struct catalog_key key, struct error *err)
{
    struct node *node = NULL;
    HASH_FIND(hh, tree->nodes, key.bytes, (unsigned)key.len, node);
    if (node != NULL)
        return node;
    struct catalog_item item;
    struct error failure = ERROR_INIT;
    bool missing = catalog_get(tree->catalog, key, &item, &failure) != 0;
    if (missing && failure.kind != ERROR_NOT_FOUND) {
        if (err != NULL)
            *err = failure;
        return NULL;
    }
    node = MEMORY_NEW(struct node);
    copy_key(&node->key, key);
    node->missing = missing;
    if (!missing) {
        copy_key(&node->parent, item.parent);
        safe_name_file(item.name != NULL ? item.name : "", node->name);
    }
    if (HASH_COUNT(tree->nodes) >= FOLDER_TREE_CACHED)
        forget(tree, tree->nodes);
    HASH_ADD(hh, tree->nodes, key.bytes, (unsigned)node->key.len, node);
    return node;
}

/* Calls fn for the folder and each one above it. */
static int
climb(struct folder_tree *tree, struct catalog_key folder, int (*fn)(void *ctx, const struct node *node), void *ctx,
      struct error *err)
{
    struct catalog_key_buffer at;
    copy_key(&at, folder);
    for (unsigned depth = 0; at.len > 0 && depth < FOLDER_TREE_DEPTH_MAX; depth++) {
        const struct node *node = look_up(tree, catalog_key_of(&at), err);
        if (node == NULL)
            return -1;
        if (node->missing)
            return 0;
        if (fn(ctx, node) != 0)
            return 0;
        struct catalog_key_buffer parent = node->parent;
        at = parent;
    }
    return 0;
}

struct chain {
    struct catalog_key_buffer *keys;
    size_t count;
};

static int
on_chain_node(void *ctx, const struct node *node)
{
    struct chain *chain = ctx;
    chain->keys[chain->count++] = node->key;
    return 0;
}

int
folder_tree_chain(struct folder_tree *tree, struct catalog_key folder, struct catalog_key_buffer *chain, size_t *count,
                  struct error *err)
{
    struct chain found = { .keys = chain };
    if (climb(tree, folder, on_chain_node, &found, err) != 0)
        return -1;
    for (size_t i = 0; i < found.count / 2; i++) {
        struct catalog_key_buffer swap = chain[i];
        chain[i] = chain[found.count - 1 - i];
        chain[found.count - 1 - i] = swap;
    }
    *count = found.count;
    return 0;
}

/* The path as it grows from its end. */
struct path {
    char *text; /* the tree's room */
    size_t start;
};

static int
on_path_node(void *ctx, const struct node *node)
{
    struct path *path = ctx;
    size_t len = strlen(node->name);
    if (path->start < len + 1)
        return -1;
    if (path->text[path->start] != '\0')
        path->text[--path->start] = '/';
    path->start -= len;
    memcpy(path->text + path->start, node->name, len);
    return 0;
}

char *
folder_tree_path(struct folder_tree *tree, struct catalog_key folder, struct error *err)
{
    struct path path = { .text = tree->room, .start = PATH_CEILING };
    if (climb(tree, folder, on_path_node, &path, err) != 0)
        return NULL;
    return memory_strdup(tree->room + path.start);
}
