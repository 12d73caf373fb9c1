#ifndef LONGHAUL_COMMON_VAULT_SPILL_FILE_H
#define LONGHAUL_COMMON_VAULT_SPILL_FILE_H

/* A sorted run of tree changes in a file without a name, in blocks sealed with a key that only this process has. */

#include "common/vault/tree.h"

struct clock;
struct spill_file;

struct spill_file *spill_file_new(const struct clock *clock, const char *folder, struct error *err);
void spill_file_free(struct spill_file *file);

/* Ascending keys; then finish once. */
int spill_file_add(struct spill_file *file, const struct tree_change *change, struct error *err);
int spill_file_finish(struct spill_file *file, struct error *err);

/* 1, 0, -1 as tree_changes_get(); borrowed until the next call. Loses the place of spill_file_next(). */
int spill_file_find(struct spill_file *file, struct tree_bytes key, struct tree_change *change, struct error *err);
/* From the start. */
int spill_file_rewind(struct spill_file *file, struct error *err);
int spill_file_next(struct spill_file *file, struct tree_change *change, struct error *err);

#endif
