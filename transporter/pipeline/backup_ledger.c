#include "transporter/pipeline/backup_ledger.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/vault_reader.h"
#include "common/vault/vault_writer.h"
#include "transporter/pipeline/item_record.h"
#include "transporter/pipeline/known_items.h"
#include "transporter/pipeline/outcome_line.h"
#include "transporter/task/task_result.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define EDIT_MEMORY  ((size_t)1 << 20) /* of each tree: what a large mailbox has more goes to files */
#define READER_CACHE ((size_t)1 << 20)

struct backup_ledger {
    struct backup_ledger_options options;
    pthread_mutex_t lock; /* of everything below */
    struct catalog_root base;
    struct vault_reader *reader;
    struct catalog_edit *edit;
    struct vault_stream *outcomes; /* NULL until there is one */
    struct task_result gaps;       /* gaps only */
    struct backup_ledger_totals totals;
};

static int
edit_begin(struct backup_ledger *ledger, struct error *err)
{
    const struct catalog_edit_options options = { .memory_bytes = EDIT_MEMORY, .temp_dir = ledger->options.scratch };
    ledger->edit = catalog_edit_begin(ledger->reader, ledger->options.writer, &ledger->base, &options, err);
    return ledger->edit != NULL ? 0 : -1;
}

struct backup_ledger *
backup_ledger_new(const struct backup_ledger_options *options, struct error *err)
{
    struct backup_ledger *ledger = MEMORY_NEW(struct backup_ledger);
    ledger->options = *options;
    pthread_mutex_init(&ledger->lock, NULL);
    if (options->base != NULL)
        ledger->base = *options->base;
    ledger->reader = vault_reader_open(options->vault, READER_CACHE, err);
    if (ledger->reader == NULL || edit_begin(ledger, err) != 0) {
        backup_ledger_free(ledger);
        return NULL;
    }
    return ledger;
}

void
backup_ledger_free(struct backup_ledger *ledger)
{
    if (ledger == NULL)
        return;
    vault_stream_abort(ledger->outcomes);
    catalog_edit_free(ledger->edit);
    vault_reader_close(ledger->reader);
    pthread_mutex_destroy(&ledger->lock);
    free(ledger);
}

void
backup_ledger_free_p(struct backup_ledger **ledger)
{
    backup_ledger_free(*ledger);
    *ledger = NULL;
}

/* What the catalog has of the same content; called with the lock held. 1, 0 or -1. */
static int
find_parts_locked(struct backup_ledger *ledger, const struct catalog_item *record, struct content_parts *parts,
                  struct error *err)
{
    struct catalog_item there;
    struct error failure = ERROR_INIT;
    if (catalog_edit_get(ledger->edit, record->key, &there, &failure) != 0) {
        if (failure.kind == ERROR_NOT_FOUND)
            return 0;
        if (err != NULL)
            *err = failure;
        return -1;
    }
    if (there.parts == NULL || there.parts_len > sizeof(parts->bytes) ||
        !content_equal(&there.content, &record->content))
        return 0;
    memcpy(parts->bytes, there.parts, there.parts_len);
    parts->len = there.parts_len;
    return 1;
}

static int
put(struct backup_ledger *ledger, const struct source_item *item, struct catalog_item *record, struct error *err)
{
    struct content_parts parts;
    bool found = false;
    if (record->metadata == NULL && item->metadata_len > 0 &&
        vault_writer_put(ledger->options.writer, VAULT_METADATA, item->metadata, item->metadata_len,
                         &record->metadata_ref, err) != 0)
        return -1;
    pthread_mutex_lock(&ledger->lock);
    int result = 0;
    if (record->content.message && record->parts == NULL) {
        result = find_parts_locked(ledger, record, &parts, err);
        found = result == 1;
        record->parts = found ? parts.bytes : NULL;
        record->parts_len = found ? parts.len : 0;
    }
    if (result >= 0)
        result = catalog_edit_put(ledger->edit, record, err);
    pthread_mutex_unlock(&ledger->lock);
    if (found)
        record->parts = NULL;
    return result;
}

int
backup_ledger_put_stored(struct backup_ledger *ledger, const struct source_item *item,
                         const struct content_ref *content, const struct content_parts *parts, struct error *err)
{
    struct item_record_room room;
    struct catalog_item record;
    if (item_record_make(item, &room, &record, err) != 0)
        return -1;
    record.content = *content;
    if (content->message && parts->known) {
        record.parts = parts->bytes;
        record.parts_len = parts->len;
    }
    return put(ledger, item, &record, err);
}

int
backup_ledger_put(struct backup_ledger *ledger, const struct source_item *item, const struct content_ref *content,
                  bool gap, struct error *err)
{
    struct item_record_room room;
    struct catalog_item record;
    if (item_record_make(item, &room, &record, err) != 0)
        return -1;
    if (content != NULL)
        record.content = *content;
    if (gap)
        record.flags |= CATALOG_FLAG_NO_CONTENT;
    return put(ledger, item, &record, err);
}

int
backup_ledger_remove(struct backup_ledger *ledger, struct catalog_key key, struct error *err)
{
    pthread_mutex_lock(&ledger->lock);
    int result = catalog_edit_remove(ledger->edit, key, err);
    pthread_mutex_unlock(&ledger->lock);
    return result;
}

/* 1, 0 or -1, with the lock held. */
static int
get_locked(struct backup_ledger *ledger, struct catalog_key key, struct catalog_item *item, struct error *err)
{
    struct error failure = ERROR_INIT;
    if (catalog_edit_get(ledger->edit, key, item, &failure) == 0)
        return 1;
    if (failure.kind == ERROR_NOT_FOUND)
        return 0;
    if (err != NULL && !error_is_set(err))
        *err = failure;
    return -1;
}

int
backup_ledger_get(struct backup_ledger *ledger, struct catalog_key key, struct backup_ledger_record *record,
                  struct error *err)
{
    struct catalog_item item;
    pthread_mutex_lock(&ledger->lock);
    int found = get_locked(ledger, key, &item, err);
    if (found == 1) {
        record->parent.len = item.parent.len;
        if (item.parent.len > 0)
            memcpy(record->parent.bytes, item.parent.bytes, item.parent.len);
        record->content = item.content;
        record->tag = known_items_tag(item.tag != NULL ? item.tag : "");
        record->gap = (item.flags & CATALOG_FLAG_NO_CONTENT) != 0;
    }
    pthread_mutex_unlock(&ledger->lock);
    return found;
}

/* Metadata that is kept apart is read through the ledger's reader, so with the lock held; the record's pointers are
 * dead by then, which is why the item was copied first. */
static int
add_metadata_locked(struct backup_ledger *ledger, const struct content_ref *ref, struct source_item **item,
                    struct error *err)
{
    CLEANUP(memory_free_p) uint8_t *data = NULL;
    size_t len = 0;
    if (vault_reader_get(ledger->reader, ref, (size_t)16 << 20, &data, &len, err) != 0)
        return -1;
    struct source_item *old = *item;
    struct source_item with = *old;
    with.metadata = (const char *)data;
    with.metadata_len = len;
    *item = item_record_copy(&with);
    source_item_free(old);
    return 0;
}

int
backup_ledger_item(struct backup_ledger *ledger, struct catalog_key key, const char *locator, struct source_item **item,
                   struct error *err)
{
    struct catalog_item record;
    pthread_mutex_lock(&ledger->lock);
    int found = get_locked(ledger, key, &record, err);
    if (found == 1) {
        struct item_record_texts texts;
        struct source_item view;
        struct content_ref metadata_ref = record.metadata_ref;
        item_record_back(&record, &texts, &view);
        view.locator = locator;
        *item = item_record_copy(&view);
        if (metadata_ref.form != CONTENT_NONE && add_metadata_locked(ledger, &metadata_ref, item, err) != 0) {
            source_item_free_p(item);
            found = -1;
        }
    }
    pthread_mutex_unlock(&ledger->lock);
    return found;
}

static int
write_line_locked(struct backup_ledger *ledger, const void *line, size_t len, struct error *err)
{
    if (ledger->outcomes == NULL)
        ledger->outcomes = vault_stream_begin(ledger->options.writer, VAULT_METADATA, err);
    if (ledger->outcomes == NULL)
        return -1;
    return vault_stream_write(ledger->outcomes, line, len, err);
}

static void
count_locked(struct backup_ledger *ledger, enum source_result result, const char *reason)
{
    if (result == SOURCE_SKIPPED)
        ledger->totals.skipped++;
    if (result == SOURCE_FAILED)
        ledger->totals.failed++;
    if (result == SOURCE_SKIPPED || result == SOURCE_FAILED)
        task_result_add_gap(&ledger->gaps, reason[0] != '\0' ? reason : "unknown", 1);
}

int
backup_ledger_outcome(struct backup_ledger *ledger, const struct source_item *item,
                      const struct source_outcome *outcome, struct error *err)
{
    struct catalog_key_buffer key;
    CLEANUP(buffer_clear) struct buffer line = BUFFER_INIT(OUTCOME_LINE_MAX);
    if (item_record_key(item->kind, item->id, &key, err) != 0 ||
        outcome_line_build(catalog_key_of(&key), outcome, item->locator, &line, err) != 0)
        return -1;
    pthread_mutex_lock(&ledger->lock);
    int result = write_line_locked(ledger, line.data, line.len, err);
    if (result == 0)
        count_locked(ledger, outcome->result, outcome->reason);
    pthread_mutex_unlock(&ledger->lock);
    return result;
}

int
backup_ledger_carry(struct backup_ledger *ledger, const char *line, size_t len, bool failed, const char *reason,
                    struct error *err)
{
    pthread_mutex_lock(&ledger->lock);
    int result = write_line_locked(ledger, line, len, err);
    if (result == 0)
        result = write_line_locked(ledger, "\n", 1, err);
    if (result == 0)
        count_locked(ledger, failed ? SOURCE_FAILED : SOURCE_SKIPPED, reason);
    pthread_mutex_unlock(&ledger->lock);
    return result;
}

void
backup_ledger_base(struct backup_ledger *ledger, struct catalog_root *root)
{
    pthread_mutex_lock(&ledger->lock);
    *root = ledger->base;
    pthread_mutex_unlock(&ledger->lock);
}

static int
commit_locked(struct backup_ledger *ledger, struct error *err)
{
    struct catalog_edit_counts counts = { .added = 0 };
    int result = catalog_edit_commit(ledger->edit, &ledger->base, &counts, err);
    catalog_edit_free_p(&ledger->edit);
    ledger->totals.added += counts.added;
    ledger->totals.changed += counts.changed;
    ledger->totals.removed += counts.removed;
    ledger->totals.bytes_grown += counts.bytes_grown;
    return result;
}

int
backup_ledger_checkpoint(struct backup_ledger *ledger, struct error *err)
{
    pthread_mutex_lock(&ledger->lock);
    int result = commit_locked(ledger, err);
    if (result == 0)
        result = vault_writer_flush(ledger->options.writer, err);
    if (result == 0)
        result = edit_begin(ledger, err);
    pthread_mutex_unlock(&ledger->lock);
    return result;
}

int
backup_ledger_finish(struct backup_ledger *ledger, struct task_result *result, struct backup_ledger_totals *totals,
                     struct error *err)
{
    pthread_mutex_lock(&ledger->lock);
    int failed = commit_locked(ledger, err);
    if (failed == 0 && ledger->outcomes != NULL)
        failed = vault_stream_end(MOVE(ledger->outcomes), &ledger->totals.outcomes, err);
    ledger->totals.root = ledger->base;
    *totals = ledger->totals;
    for (size_t i = 0; i < ledger->gaps.gap_count; i++)
        task_result_add_gap(result, ledger->gaps.gaps[i].reason, ledger->gaps.gaps[i].count);
    pthread_mutex_unlock(&ledger->lock);
    return failed;
}
