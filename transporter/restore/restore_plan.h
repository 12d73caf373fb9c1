#ifndef LONGHAUL_TRANSPORTER_RESTORE_RESTORE_PLAN_H
#define LONGHAUL_TRANSPORTER_RESTORE_RESTORE_PLAN_H

/* Which items of a recovery point a selection means, handed out in batches: the catalog is read in its own order, each
 * folder is announced once and after its parent, and items stand in the order of where their contents lie
 * (restore_window.h). One thread. */

#include "transporter/restore/restore_sink.h"
#include "transporter/restore/selection.h"

#define RESTORE_PLAN_ITEMS 1024 /* in a batch */

struct vault;

struct restore_batch {
    struct restore_item *items;
    size_t count;
};

void restore_plan_batch_free(struct restore_batch *batch);

struct restore_plan_options {
    struct vault *vault; /* borrowed for the call */
    const struct catalog_root *root;
    const struct selection *selection;
    void *ctx;
    /* Borrows the folder for the call. */
    int (*folder)(void *ctx, const struct restore_item *folder, struct error *err);
    /* Takes the batch, also when it fails. */
    int (*batch)(void *ctx, struct restore_batch *batch, struct error *err);
};

/* Selected items that are not in the point are passed over; *missing (may be NULL) counts them. */
int restore_plan_run(const struct restore_plan_options *options, uint64_t *missing, struct error *err);

#endif
