#ifndef LONGHAUL_TRANSPORTER_SOURCE_SOURCE_SPOOL_H
#define LONGHAUL_TRANSPORTER_SOURCE_SOURCE_SPOOL_H

/* Deletions that wait for the end of a round, in an unnamed temporary file; in memory 16 to 32 bytes for each one of
 * the folder being read. One thread. */

#include <stddef.h>

struct error;
struct source_spool;

/* folder: where the temporary file is made. */
struct source_spool *source_spool_new(const char *folder, struct error *err);
void source_spool_free(struct source_spool *spool);

/* From now on deletions are of this mail folder. */
void source_spool_scope(struct source_spool *spool, const char *folder_id);
int source_spool_add(struct source_spool *spool, const char *id, struct error *err);
/* The id came back later in the same scope: its deletion, if any, is void. */
int source_spool_cancel(struct source_spool *spool, const char *id, struct error *err);

/* Reads back from the start: 1 and the texts (valid until the next call), 0 at the end, -1. No more adding. */
int source_spool_next(struct source_spool *spool, const char **folder_id, const char **id, struct error *err);

#endif
