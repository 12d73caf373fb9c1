#ifndef LONGHAUL_TRANSPORTER_PIPELINE_BACKUP_REPAIR_H
#define LONGHAUL_TRANSPORTER_PIPELINE_BACKUP_REPAIR_H

/* Items whose stored bytes were found damaged are fetched again by the next run, whether they have changed or not: what
 * they need is then stored anew, and older points that need the same are whole again too. The task's own thread. */

#include <stdbool.h>

struct backup;
struct catalog_item;
struct error;

/* Before the round: is there damage that the previous point does not know of? A full run always looks. */
int backup_repair_begin(struct backup *backup, struct error *err);
/* 1 when what the previous point has of the item may be counted on, 0 when it must be fetched again, -1. */
int backup_repair_is_whole(struct backup *backup, const struct catalog_item *item, struct error *err);
/* After the round: fetches what it has not named. */
int backup_repair_run(struct backup *backup, struct error *err);

#endif
