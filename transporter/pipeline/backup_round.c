#include "transporter/pipeline/backup_internal.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/pipeline/backup_repair.h"
#include "transporter/pipeline/item_record.h"

#include <stdio.h>
#include <string.h>

/* The other threads' counters are looked at after so many events. */
#define OBSERVE_EVERY 64

/* Whether the record there is has this version of the content. */
static bool
is_unchanged(const struct source_item *item, const struct known_item *known)
{
    return item->change_tag[0] != '\0' && !known->gap && known->content.form != CONTENT_NONE &&
           known->tag == known_items_tag(item->change_tag);
}

/* What cannot be fetched at all is known from the listing. */
static int
put_skipped(struct backup *backup, const struct source_item *item, struct error *err)
{
    struct source_outcome outcome = { .result = SOURCE_SKIPPED };
    snprintf(outcome.reason, sizeof(outcome.reason), "%s", item->skip_reason);
    if (backup_ledger_put(backup->ledger, item, NULL, true, err) != 0)
        return -1;
    return backup_ledger_outcome(backup->ledger, item, &outcome, err);
}

/* Nothing to fetch: an empty file, or something that has no bytes of its own, such as a shortcut. */
static int
put_without_fetch(struct backup *backup, const struct source_item *item, struct error *err)
{
    static const struct content_ref empty = { .form = CONTENT_EMPTY };
    bool file = item->kind == CATALOG_FILE && item->size == 0 && (item->flags & SOURCE_FLAG_SHORTCUT) == 0;
    return backup_ledger_put(backup->ledger, item, file ? &empty : NULL, false, err);
}

static int
on_upsert(struct backup *backup, struct source_item **item, struct catalog_key key, struct error *err)
{
    struct known_item known;
    if (backup_scopes_named(backup->scopes, *item, key, err) != 0)
        return -1;
    if (catalog_kind_contains((*item)->kind))
        return backup_ledger_put(backup->ledger, *item, NULL, false, err);
    if ((*item)->skip_reason[0] != '\0')
        return put_skipped(backup, *item, err);
    if (!(*item)->has_content)
        return put_without_fetch(backup, *item, err);
    int found = backup_scopes_look_up(backup->scopes, key, &known, err);
    if (found < 0)
        return -1;
    bool unchanged = found == 1 && is_unchanged(*item, &known);
    const struct catalog_item stored = { .content = known.content };
    int whole = unchanged ? backup_repair_is_whole(backup, &stored, err) : 0;
    if (whole < 0)
        return -1;
    if (whole == 1) {
        atomic_fetch_add(&backup->task->items_done, 1);
        return backup_ledger_put(backup->ledger, *item, &known.content, false, err);
    }
    return backup_fetch_push(backup->fetch, MOVE(*item), err);
}

/* 1 when the record is removed, 0 when it is not there or the condition does not hold. */
static int
remove_if(struct backup *backup, const struct source_item *item, enum catalog_kind kind, struct error *err)
{
    struct catalog_key_buffer key, from;
    struct backup_ledger_record record;
    if (item_record_key(kind, item->id, &key, err) != 0 ||
        backup_fetch_await(backup->fetch, catalog_key_of(&key), err) != 0)
        return -1;
    int found = backup_ledger_get(backup->ledger, catalog_key_of(&key), &record, err);
    if (found <= 0)
        return found;
    if (item->from_parent[0] != '\0') {
        if (item_record_key(catalog_kind_facts(kind)->parent, item->from_parent, &from, err) != 0)
            return -1;
        if (!catalog_key_equal(catalog_key_of(&from), catalog_key_of(&record.parent)))
            return 0;
    }
    if (catalog_kind_contains(kind) && backup_scopes_folder_gone(backup->scopes, catalog_key_of(&key), err) != 0)
        return -1;
    return backup_ledger_remove(backup->ledger, catalog_key_of(&key), err) != 0 ? -1 : 1;
}

/* A drive's deletions do not always tell whether it was a file or a folder. */
static int
on_delete(struct backup *backup, const struct source_item *item, struct error *err)
{
    int removed = remove_if(backup, item, item->kind, err);
    if (removed == 0 && item->kind == CATALOG_FILE)
        removed = remove_if(backup, item, CATALOG_FOLDER, err);
    else if (removed == 0 && item->kind == CATALOG_FOLDER)
        removed = remove_if(backup, item, CATALOG_FILE, err);
    return removed < 0 ? -1 : 0;
}

/* A gap of its own, under a key that no item has. */
static int
on_refused(struct backup *backup, struct source_item *item, struct error *err)
{
    struct source_outcome outcome = { .result = SOURCE_SKIPPED };
    item->kind = CATALOG_FOLDER;
    while (item->kind < CATALOG_KIND_LAST && (item->kinds & CATALOG_KIND_BIT(item->kind)) == 0)
        item->kind++;
    snprintf(outcome.reason, sizeof(outcome.reason), "%s", item->skip_reason);
    snprintf(outcome.detail, sizeof(outcome.detail), "%s: %s", item->id, item->name);
    return backup_ledger_outcome(backup->ledger, item, &outcome, err);
}

static int
on_event(struct backup *backup, struct source_item **item, struct error *err)
{
    struct catalog_key_buffer key;
    switch ((*item)->event) {
    case SOURCE_UPSERT:
        if (item_record_key((*item)->kind, (*item)->id, &key, err) != 0 ||
            backup_fetch_await(backup->fetch, catalog_key_of(&key), err) != 0 ||
            known_items_name(backup->judged, catalog_key_of(&key), (*item)->sequence, err) != 0)
            return -1;
        return on_upsert(backup, item, catalog_key_of(&key), err);
    case SOURCE_DELETE:
        return on_delete(backup, *item, err);
    case SOURCE_LISTING:
        return backup_scopes_listing(backup->scopes, *item, err);
    case SOURCE_LISTED:
        return backup_scopes_listed(backup->scopes, *item, err);
    case SOURCE_UNLISTED:
        return backup_scopes_unlisted(backup->scopes, *item, err);
    case SOURCE_REFUSED:
        return on_refused(backup, *item, err);
    }
    return 0;
}

static void
expect(struct backup *backup)
{
    struct source_totals totals;
    source_totals(backup->source, &totals);
    uint64_t seen = totals.items + totals.folders;
    atomic_store(&backup->task->items_total, totals.expected_items > seen ? totals.expected_items : seen);
    backup_task_observe(backup);
}

int
backup_round_run(struct backup *backup, struct error *err)
{
    for (uint64_t events = 0;; events++) {
        CLEANUP(source_item_free_p) struct source_item *item = NULL;
        if (cancel_check(&backup->task->cancel, err) != 0)
            return -1;
        int more = source_next(backup->source, &item, err);
        if (more < 0)
            return -1;
        if (more == 0)
            break;
        bool folder = item->event == SOURCE_UPSERT && catalog_kind_contains(item->kind);
        if (on_event(backup, &item, err) != 0)
            return -1;
        if (folder)
            atomic_fetch_add(&backup->task->items_done, 1);
        if (events % OBSERVE_EVERY == 0)
            expect(backup);
    }
    expect(backup);
    return backup_fetch_drain(backup->fetch, err);
}
