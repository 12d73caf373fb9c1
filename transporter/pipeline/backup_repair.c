#include "transporter/pipeline/backup_repair.h"

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/vault/catalog.h"
#include "common/vault/vault_damage.h"
#include "common/vault/vault_quarantine.h"
#include "common/vault/vault_reader.h"
#include "transporter/pipeline/backup_internal.h"

#include <inttypes.h>

#define READER_CACHE ((size_t)4 << 20)

int
backup_repair_begin(struct backup *backup, struct error *err)
{
    uint64_t ordinal;
    if (vault_quarantine_ordinal(backup->vault, &ordinal, err) != 0)
        return -1;
    backup->point.counts.quarantine = ordinal;
    backup->repairing = backup->has_previous && ordinal > backup->previous.counts.quarantine;
    if (!backup->repairing && !(backup->has_previous && backup->task->order->force_full))
        return 0;
    backup->trusted = vault_quarantine_reader(backup->vault, READER_CACHE, err);
    return backup->trusted != NULL ? 0 : -1;
}

int
backup_repair_is_whole(struct backup *backup, const struct catalog_item *item, struct error *err)
{
    return backup->trusted == NULL ? 1 : vault_quarantine_item_whole(backup->trusted, item, err);
}

struct repair {
    struct backup *backup;
    uint64_t again, left;
};

/* What cannot be asked for again, as its properties are damaged themselves, waits for a heal or a full run. */
static int
on_item(void *ctx, const struct catalog_item *item, struct error *err)
{
    struct repair *repair = ctx;
    struct backup *backup = repair->backup;
    struct known_item named;
    struct source_item *again = NULL;
    struct error failure = ERROR_INIT;
    if (cancel_check(&backup->task->cancel, err) != 0)
        return -1;
    if (catalog_kind_contains(item->kind) || known_items_get(backup->judged, item->key, &named))
        return 0;
    int whole = backup_repair_is_whole(backup, item, err);
    if (whole != 0)
        return whole < 0 ? -1 : 0;
    int found =
        item->content.form == CONTENT_NONE ? -1 : backup_ledger_item(backup->ledger, item->key, "", &again, &failure);
    if (found < 0 && error_is_set(&failure) && !vault_damage_is(&failure)) {
        *err = failure;
        return -1;
    }
    repair->left += found < 0;
    repair->again += found == 1;
    return found == 1 ? backup_fetch_push_repair(backup->fetch, again, err) : 0;
}

int
backup_repair_run(struct backup *backup, struct error *err)
{
    struct repair repair = { .backup = backup };
    struct error failure = ERROR_INIT;
    const struct catalog_key start = { .len = 0 };
    if (!backup->repairing)
        return 0;
    struct catalog *catalog = catalog_open(backup->reader, &backup->previous.catalog);
    int failed = catalog_walk(catalog, start, on_item, &repair, &failure);
    catalog_close(catalog);
    if (failed != 0 && (!vault_damage_is(&failure) || cancel_raised(&backup->task->cancel))) {
        *err = failure;
        return -1;
    }
    if (backup_fetch_drain(backup->fetch, err) != 0)
        return -1;
    repair.left += backup_fetch_unrepaired(backup->fetch) + (failed != 0);
    log_info("backup", "fetched damaged items again task=%s items=%" PRIu64 " left=%" PRIu64,
             backup->task->order->task_id, repair.again, repair.left);
    /* The next run tries them again. */
    if (repair.left > 0)
        backup->point.counts.quarantine = backup->previous.counts.quarantine;
    return 0;
}
