#ifndef LONGHAUL_TRANSPORTER_PIPELINE_BACKUP_FETCH_H
#define LONGHAUL_TRANSPORTER_PIPELINE_BACKUP_FETCH_H

/* The threads of a backup that fetch items' bytes and pass them into the vault; what becomes of each item goes to the
 * ledger. A failure that ends the run raises the task's cancel. */

#include "transporter/source/source.h"

struct backup_fetch;
struct backup_ledger;
struct catalog_key;
struct rate_limit;
struct task;
struct vault_writer;

struct backup_fetch_options { /* all borrowed for life */
    struct task *task;
    struct source *source;
    struct vault_writer *writer;
    struct backup_ledger *ledger;
    struct rate_limit *limit;
    unsigned threads;
};

struct backup_fetch *backup_fetch_new(const struct backup_fetch_options *options, struct error *err);
/* Waits for what is being fetched; what waits is dropped. */
void backup_fetch_free(struct backup_fetch *fetch);

/* The calls below come from one thread. Each fails when the task has been cancelled. */

/* Takes the item in either case. Waits while the queue is full. */
int backup_fetch_push(struct backup_fetch *fetch, struct source_item *item, struct error *err);
/* Likewise for an item that the vault has, damaged: what cannot be fetched stays as it is. */
int backup_fetch_push_repair(struct backup_fetch *fetch, struct source_item *item, struct error *err);
/* How many of those could not be fetched. */
uint64_t backup_fetch_unrepaired(struct backup_fetch *fetch);
/* Waits until no item of this key is on its way. */
int backup_fetch_await(struct backup_fetch *fetch, struct catalog_key key, struct error *err);
/* Waits until none is on its way. */
int backup_fetch_drain(struct backup_fetch *fetch, struct error *err);

#endif
