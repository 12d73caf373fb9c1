#ifndef LONGHAUL_TRANSPORTER_RESTORE_TO_TENANT_H
#define LONGHAUL_TRANSPORTER_RESTORE_TO_TENANT_H

/* Puts items of a recovery point into a user's mailbox or drive through Microsoft Graph. Call to_tenant_folder() for
 * parents before their children; then to_tenant_item() from several threads. */

#include "transporter/source/source.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct graph_client;
struct to_tenant;

enum to_tenant_conflict { TO_TENANT_SKIP, TO_TENANT_RENAME, TO_TENANT_OVERWRITE };

struct to_tenant_options {
    struct graph_client *graph; /* borrowed for the restore's life */
    const char *external_id;    /* the receiving user */
    enum catalog_kind content;  /* CATALOG_MESSAGE: into the mailbox; CATALOG_FILE: into the drive */
    const char *top_folder;     /* "" or NULL: original folders; else a folder of this name at the top holds all */
    enum to_tenant_conflict conflict;
    const char *scratch; /* folder for temporary files */
    const atomic_bool *cancel;
};

struct to_tenant *to_tenant_open(const struct to_tenant_options *options, struct error *err);
void to_tenant_free(struct to_tenant *restore);
void to_tenant_free_p(struct to_tenant **restore);

/* Reads the content of the item being restored; as http_body_fn. */
struct to_tenant_content {
    void *ctx;
    uint64_t len;
    /* At most capacity bytes from offset; any order of offsets. */
    int (*read)(void *ctx, uint64_t offset, void *out, size_t capacity, size_t *len, struct error *err);
};

enum to_tenant_result { TO_TENANT_RESTORED, TO_TENANT_SKIPPED, TO_TENANT_FAILED };

struct to_tenant_report {
    enum to_tenant_result result;
    char reason[48];  /* of skipped and failed: "exists", "quota", "too_large", "malformed", "refused", ... */
    char detail[160]; /* status and service code */
    char new_id[513]; /* in the tenant */
    /* What the service would not take though the item was restored, comma separated codes: "attachment_too_large",
     * "attachment_refused", "recipients_dropped", "reply_to_dropped", "headers", "hash_differs", "dates", ... */
    char losses[256];
};

/* Fields used: id, parent_id, name, well_known, flags, metadata. Creates it or finds the one that is there. The
 * mapping from the point's folder id to the tenant's is kept inside (about 300 bytes per folder). A folder whose
 * parent was not named goes to the top. -1 only when the restore as a whole cannot go on. */
int to_tenant_folder(struct to_tenant *restore, const struct source_item *folder, struct to_tenant_report *report,
                     struct error *err);
/* Fields used: id, parent_id, name, size, created_ms, modified_ms, flags, metadata. Any thread. -1 only when the
 * restore as a whole cannot go on (cancelled, credentials refused, content unreadable). */
int to_tenant_item(struct to_tenant *restore, const struct source_item *item, const struct to_tenant_content *content,
                   struct to_tenant_report *report, struct error *err);

#endif
