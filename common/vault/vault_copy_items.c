#include "common/base/buffer.h"
#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "common/vault/catalog_edit.h"
#include "common/vault/catalog_item.h"
#include "common/vault/vault_copy_internal.h"
#include "common/vault/vault_damage.h"
#include "common/vault/vault_probe.h"
#include "common/vault/vault_reader_internal.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW       4096
#define WINDOW_BYTES ((size_t)4 << 20)
#define TELL_EVERY   64 /* contents */
#define CHECKPOINT   ((uint64_t)256 << 20)

enum part { PART_CONTENT, PART_METADATA, PARTS };

struct held_part {
    struct held *item;
    enum part part;
    struct content_ref to;
    bool damaged;
};

/* An item whose contents are being copied. */
struct held {
    size_t key_at, key_len, value_at, value_len; /* in the window's bytes */
    enum catalog_kind kind;
    struct held_part parts[PARTS];
};

struct copy_items {
    struct copy_items_options options;
    struct buffer bytes;
    struct held *held;
    size_t held_count;
    struct vault_read *reads;
    size_t read_count;
    struct vault_stream *stream;
    uint64_t damaged;
    uint64_t checked; /* bytes read at the last checkpoint */
};

struct copy_items *
vault_copy_items_new(const struct copy_items_options *options)
{
    struct copy_items *items = MEMORY_NEW(struct copy_items);
    items->options = *options;
    items->checked = options->copy->counts->bytes_read;
    buffer_init(&items->bytes, WINDOW_BYTES + TREE_KEY_MAX + TREE_VALUE_MAX);
    items->held = memory_new(WINDOW * sizeof(items->held[0]));
    items->reads = memory_new(WINDOW * PARTS * sizeof(items->reads[0]));
    return items;
}

void
vault_copy_items_free(struct copy_items *items)
{
    if (items == NULL)
        return;
    vault_stream_abort(items->stream);
    buffer_clear(&items->bytes);
    free(items->held);
    free(items->reads);
    free(items);
}

void
vault_copy_items_free_p(struct copy_items **items)
{
    vault_copy_items_free(*items);
    *items = NULL;
}

uint64_t
vault_copy_items_damaged(const struct copy_items *items)
{
    return items->damaged;
}

static int
on_content_begin(void *ctx, struct vault_read *read, struct error *err)
{
    struct copy_items *items = ctx;
    const struct held_part *part = read->ctx;
    enum vault_content type = part->part == PART_METADATA              ? VAULT_METADATA
                              : catalog_kind_is_mime(part->item->kind) ? VAULT_MESSAGE
                                                                       : VAULT_FILE;
    if (vault_copy_check(items->options.copy, err) != 0)
        return -1;
    items->stream = vault_stream_begin(items->options.writer, type, err);
    return items->stream == NULL ? -1 : 0;
}

static int
on_content_data(void *ctx, struct vault_read *read, const uint8_t *data, size_t len, struct error *err)
{
    struct copy_items *items = ctx;
    (void)read;
    items->options.copy->counts->bytes_read += len;
    return vault_stream_write(items->stream, data, len, err);
}

static struct catalog_key
key_of(const struct copy_items *items, const struct held *held)
{
    return (struct catalog_key){ items->bytes.data + held->key_at, held->key_len };
}

static int
note_damage(struct copy_items *items, struct held_part *part, const struct error *cause, struct error *err)
{
    static const char *const texts[PARTS] = {
        "an item's content is damaged in the source; the copy has the item without content and tries again next time",
        "an item's metadata is damaged in the source; the copy has the item without it and tries again next time",
    };
    char hex[2 * CATALOG_KEY_MAX + 1];
    struct catalog_key key = key_of(items, part->item);
    part->damaged = true;
    encoding_hex(key.bytes, key.len, hex);
    if (buffer_printf(
            items->options.outcomes, err,
            "{\"key\":\"%s\",\"result\":\"failed\",\"reason\":\"damaged\",\"detail\":\"%s\",\"locator\":\"\"}\n", hex,
            part->part == PART_CONTENT ? "content" : "metadata") != 0)
        return -1;
    return vault_copy_tell(items->options.copy, key, texts[part->part], cause, err);
}

static int
on_content_end(void *ctx, struct vault_read *read, const struct error *failure, struct error *err)
{
    struct copy_items *items = ctx;
    struct held_part *part = read->ctx;
    struct vault_stream *stream = MOVE(items->stream);
    if (++items->options.copy->counts->contents_read % TELL_EVERY == 0)
        vault_copy_progress(items->options.copy);
    if (failure != NULL)
        vault_stream_abort(stream);
    /* Without err the batch is ending for a reason that is not the content's. */
    if (failure != NULL && (err == NULL || (!vault_damage_is(failure) && failure->kind != ERROR_LIMIT)))
        return -1;
    if (failure != NULL)
        return note_damage(items, part, failure, err);
    if (vault_stream_end(stream, &part->to, err) != 0)
        return -1;
    if (part->to.len != read->ref.len)
        return FAIL(err, ERROR_INTERNAL, 0, "a content has another length after it was copied");
    vault_copy_refs_put(items->options.refs, &read->ref, &part->to);
    return 0;
}

static void
wait_for(struct copy_items *items, struct held *held, enum part which, const struct content_ref *ref)
{
    struct held_part *part = &held->parts[which];
    *part = (struct held_part){ .item = held, .part = which, .to = *ref };
    if (ref->form == CONTENT_NONE || ref->form == CONTENT_EMPTY)
        return;
    if (vault_copy_refs_find(items->options.refs, ref, &part->to)) {
        items->options.copy->counts->contents_known++;
        return;
    }
    items->reads[items->read_count++] = (struct vault_read){ *ref, part };
}

int
vault_copy_items_add(struct copy_items *items, struct tree_bytes key, struct tree_bytes value, struct error *err)
{
    struct catalog_item item;
    if (catalog_item_decode(key, value, &item, err) != 0)
        return -1;
    if ((items->held_count == WINDOW || items->bytes.len + key.len + value.len > WINDOW_BYTES) &&
        vault_copy_items_flush(items, err) != 0)
        return -1;
    struct held *held = &items->held[items->held_count];
    *held = (struct held){ .key_at = items->bytes.len,
                           .key_len = key.len,
                           .value_at = items->bytes.len + key.len,
                           .value_len = value.len,
                           .kind = item.kind };
    if (buffer_append(&items->bytes, key.data, key.len, err) != 0 ||
        buffer_append(&items->bytes, value.data, value.len, err) != 0)
        return -1;
    wait_for(items, held, PART_CONTENT, &item.content);
    wait_for(items, held, PART_METADATA, &item.metadata_ref);
    items->held_count++;
    return 0;
}

static int
put(struct copy_items *items, const struct held *held, struct error *err)
{
    struct tree_bytes key = { items->bytes.data + held->key_at, held->key_len };
    struct tree_bytes value = { items->bytes.data + held->value_at, held->value_len };
    struct catalog_item item;
    const struct content_ref none = { .form = CONTENT_NONE };
    bool no_content = held->parts[PART_CONTENT].damaged, no_metadata = held->parts[PART_METADATA].damaged;
    if (catalog_item_decode(key, value, &item, err) != 0)
        return -1;
    item.content = no_content ? none : held->parts[PART_CONTENT].to;
    /* The parts that the source's recipe names have other names here. */
    item.parts = NULL;
    item.parts_len = 0;
    item.metadata_ref = no_metadata ? none : held->parts[PART_METADATA].to;
    if (no_content)
        item.flags |= CATALOG_FLAG_NO_CONTENT;
    if (no_content || no_metadata) {
        item.flags |= CATALOG_FLAG_DAMAGED;
        /* What a backup takes for unchanged it does not fetch; this must be fetched. */
        item.tag = NULL;
    }
    /* A copy of a copy carries the mark along. */
    if ((item.flags & CATALOG_FLAG_DAMAGED) != 0)
        items->damaged++;
    return catalog_edit_put(items->options.edit, &item, err);
}

/* An earlier run's word is believed when everything it names is there. */
static int
probe_recalled(struct copy_items *items, const struct vault_read *reads, const struct content_ref *recalled,
               size_t count, struct error *err)
{
    struct vault_copy_counts *counts = items->options.copy->counts;
    for (size_t i = 0; i < count; i++) {
        struct held_part *part = reads[i].ctx;
        struct error missing = ERROR_INIT;
        uint64_t chunks = 0;
        bool known = recalled[i].form != CONTENT_NONE &&
                     vault_probe(items->options.to_reader, &recalled[i], &chunks, &missing) == 0;
        if (error_is_set(&missing) && !vault_damage_is(&missing)) {
            *err = missing;
            return -1;
        }
        if (!known) {
            items->reads[items->read_count++] = reads[i];
            continue;
        }
        part->to = recalled[i];
        counts->contents_known++;
        vault_copy_refs_put(items->options.refs, &reads[i].ref, &part->to);
    }
    return 0;
}

static int
recall(struct copy_items *items, struct error *err)
{
    size_t count = items->read_count, named = 0;
    if (count == 0)
        return 0;
    CLEANUP(memory_free_p) struct content_ref *recalled = memory_new(count * sizeof(*recalled));
    CLEANUP(memory_free_p) struct chunk_id *ids = memory_new(count * sizeof(*ids));
    for (size_t i = 0; i < count; i++) {
        if (!vault_copy_refs_recall(items->options.refs, &items->reads[i].ref, &recalled[i]))
            recalled[i].form = CONTENT_NONE;
        else if (recalled[i].form == CONTENT_CHUNK || recalled[i].form == CONTENT_LIST)
            ids[named++] = recalled[i].id;
    }
    if (named == 0)
        return 0;
    if (vault_reader_locate(items->options.to_reader, ids, named, err) != 0)
        return -1;
    /* What is not known after all moves to the front of the same array. */
    items->read_count = 0;
    return probe_recalled(items, items->reads, recalled, count, err);
}

/* So that what was copied until now need not even be read by the next run, should this one be cut off. */
static int
checkpoint(struct copy_items *items, struct error *err)
{
    const struct vault_copy *copy = items->options.copy;
    uint64_t every = copy->options->checkpoint_bytes == 0 ? CHECKPOINT : copy->options->checkpoint_bytes;
    if (copy->options->refs_path == NULL ||
        (copy->counts->bytes_read - items->checked < every && !vault_copy_refs_full(items->options.refs)))
        return 0;
    if (vault_writer_flush(items->options.writer, err) != 0)
        return -1;
    vault_copy_refs_settle(items->options.refs);
    items->checked = copy->counts->bytes_read;
    return 0;
}

int
vault_copy_items_flush(struct copy_items *items, struct error *err)
{
    static const struct vault_batch_vtable vtable = { on_content_begin, on_content_data, on_content_end };
    struct vault_copy *copy = items->options.copy;
    if (recall(items, err) != 0 ||
        vault_reader_batch(items->options.reader, items->reads, items->read_count, &vtable, items, err) != 0)
        return -1;
    for (size_t i = 0; i < items->held_count; i++) {
        if (put(items, &items->held[i], err) != 0)
            return -1;
    }
    copy->counts->items_done += items->held_count;
    if (copy->counts->items_total < copy->counts->items_done)
        copy->counts->items_total = copy->counts->items_done;
    items->held_count = items->read_count = items->bytes.len = 0;
    vault_copy_progress(copy);
    return checkpoint(items, err) != 0 ? -1 : vault_copy_check(copy, err);
}
