#ifndef LONGHAUL_TRANSPORTER_PIPELINE_BACKUP_SCOPES_H
#define LONGHAUL_TRANSPORTER_PIPELINE_BACKUP_SCOPES_H

/* What is gone: by set difference when a folder or the whole object has been listed anew, and by a folder's deletion,
 * which takes along what is left in it. See "Order and folding" in transporter/source/source.h. One thread. */

#include "transporter/pipeline/backup_ledger.h"
#include "transporter/pipeline/known_items.h"
#include "transporter/source/source.h"

struct backup_fetch;
struct backup_scopes;
struct vault;

struct backup_scopes_options { /* all borrowed for life */
    struct vault *vault;
    struct backup_ledger *ledger;
    struct backup_fetch *fetch;
    const char *scratch;
};

struct backup_scopes *backup_scopes_new(const struct backup_scopes_options *options, struct error *err);
void backup_scopes_free(struct backup_scopes *scopes);

/* The round names this item now. */
int backup_scopes_named(struct backup_scopes *scopes, const struct source_item *item, struct catalog_key key,
                        struct error *err);
/* A listing begins, is complete (then what it has not named is removed), or was given up (then nothing is). */
int backup_scopes_listing(struct backup_scopes *scopes, const struct source_item *event, struct error *err);
int backup_scopes_listed(struct backup_scopes *scopes, const struct source_item *event, struct error *err);
int backup_scopes_unlisted(struct backup_scopes *scopes, const struct source_item *event, struct error *err);
/* A folder has been removed. */
int backup_scopes_folder_gone(struct backup_scopes *scopes, struct catalog_key key, struct error *err);
/* After the round: removes what is left in folders that are gone. */
int backup_scopes_finish(struct backup_scopes *scopes, struct error *err);

/* 1 and what the last point has of the item, 0 when nothing, -1. Cheap while everything is listed anew. */
int backup_scopes_look_up(struct backup_scopes *scopes, struct catalog_key key, struct known_item *known,
                          struct error *err);

#endif
