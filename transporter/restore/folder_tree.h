#ifndef LONGHAUL_TRANSPORTER_RESTORE_FOLDER_TREE_H
#define LONGHAUL_TRANSPORTER_RESTORE_FOLDER_TREE_H

/* Where folders of a recovery point stand. Remembers some; what it has forgotten it looks up again, so that memory does
 * not grow with the number of folders. One thread. */

#include "common/vault/catalog.h"

struct error;
struct folder_tree;

#define FOLDER_TREE_DEPTH_MAX 400
#define FOLDER_TREE_CACHED    16384

/* catalog is borrowed for life. */
struct folder_tree *folder_tree_new(struct catalog *catalog);
void folder_tree_free(struct folder_tree *tree);
void folder_tree_free_p(struct folder_tree **tree);

/* The path of a folder for file systems: components made safe (safe_name.h), joined by '/'; "" for the top. A folder
 * that is not in the catalog, and what is deeper than FOLDER_TREE_DEPTH_MAX, counts as the top. The caller frees it. */
char *folder_tree_path(struct folder_tree *tree, struct catalog_key folder, struct error *err);

/* Keys from the top down to the folder itself, at most FOLDER_TREE_DEPTH_MAX; the same exceptions. */
int folder_tree_chain(struct folder_tree *tree, struct catalog_key folder, struct catalog_key_buffer *chain,
                      size_t *count, struct error *err);

#endif
