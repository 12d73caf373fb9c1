#ifndef LONGHAUL_TRANSPORTER_PIPELINE_BACKUP_INTERNAL_H
#define LONGHAUL_TRANSPORTER_PIPELINE_BACKUP_INTERNAL_H

/* What the steps of one backup share. The task's own thread, unless said otherwise. */

#include "common/vault/point.h"
#include "transporter/graph/graph_client.h"
#include "transporter/pipeline/backup_fetch.h"
#include "transporter/pipeline/backup_ledger.h"
#include "transporter/pipeline/backup_scopes.h"
#include "transporter/pipeline/known_items.h"
#include "transporter/pipeline/rate_limit.h"
#include "transporter/source/source.h"
#include "transporter/task/task.h"

struct backup {
    struct task *task;
    struct task_result *result;
    const struct source_driver *driver;
    struct graph_client *graph;
    char *scratch;

    struct vault_access *access;
    struct vault *vault;
    struct vault_writer *writer;
    struct vault_reader *reader; /* of what is committed; the ledger has its own */
    bool has_previous;
    struct point previous;
    struct point point;           /* being made */
    struct vault_reader *trusted; /* when the previous point may refer to what is damaged; else NULL */
    bool repairing;               /* damage was noted since */

    struct source *source;
    struct backup_ledger *ledger;
    struct backup_fetch *fetch;
    struct rate_limit limit;
    struct backup_scopes *scopes;
    struct known_items *judged; /* what this round has said something about */
};

/* The round's events, one after the other, until the source says that it is complete. */
int backup_round_run(struct backup *backup, struct error *err);
/* After the round: gaps of the last point that nobody has touched are tried again or carried over. */
int backup_gaps_run(struct backup *backup, struct error *err);
/* Counters of others, for the progress. */
void backup_task_observe(struct backup *backup);

#endif
