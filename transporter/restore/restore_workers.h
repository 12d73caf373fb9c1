#ifndef LONGHAUL_TRANSPORTER_RESTORE_RESTORE_WORKERS_H
#define LONGHAUL_TRANSPORTER_RESTORE_RESTORE_WORKERS_H

/* The threads that read batches of items out of the vault, pack by pack, and write them to a sink. */

#include "transporter/restore/restore_plan.h"

struct cancel;
struct restore_workers;

struct restore_workers_options { /* all borrowed for life */
    struct vault *vault;
    struct restore_sink *sink;
    struct cancel *cancel; /* a failure that ends the restore raises it */
    unsigned threads;
    /* Called from the threads: bytes of content that came; an item that is through. May be NULL. */
    void (*progress)(void *ctx, uint64_t bytes, uint64_t items);
    void *progress_ctx;
};

struct restore_workers *restore_workers_new(const struct restore_workers_options *options, struct error *err);
/* Takes the batch in either case; waits while the threads are behind. */
int restore_workers_push(struct restore_workers *workers, struct restore_batch *batch, struct error *err);
/* Waits until all is done. Fails when the cancel has been raised. */
int restore_workers_finish(struct restore_workers *workers, struct error *err);
void restore_workers_free(struct restore_workers *workers);

#endif
