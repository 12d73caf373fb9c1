#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/vault/catalog_edit.h"
#include "common/vault/tree.h"
#include "common/vault/vault_copy_internal.h"
#include "common/vault/vault_damage.h"
#include "common/vault/vault_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTCOMES_MAX ((size_t)64 << 20)

/* A point that both vaults hold. */
struct pair {
    bool there;
    struct point from, to;
};

struct reseal {
    struct vault_copy copy;
    struct vault *from, *to;
    struct vault_reader *reader, *to_reader;
    struct vault_writer *writer;
    struct copy_refs *refs;
    struct pair base;
    uint64_t epoch; /* of the destination */
};

/* One point on the way. */
struct passage {
    struct reseal *run;
    const struct pair *base; /* NULL: from nothing */
    struct point from, to;
    struct catalog_edit *edit;
    struct copy_items *items;
    struct buffer lines; /* for the outcomes */
};

static int
on_item_changed(void *ctx, struct tree_bytes key, const struct tree_bytes *before, const struct tree_bytes *after,
                struct error *err)
{
    struct passage *passage = ctx;
    (void)before;
    if (after != NULL)
        return vault_copy_items_add(passage->items, key, *after, err);
    return catalog_edit_remove(passage->edit, (struct catalog_key){ key.data, key.len }, err);
}

/* What the copy before could not read may be whole again: from a heal, or because it was fetched again. */
static int
on_base_item(void *ctx, const struct catalog_item *item, struct error *err)
{
    struct passage *passage = ctx;
    struct tree_bytes wanted = { item->key.bytes, item->key.len };
    struct tree_cursor cursor = { 0 };
    if ((item->flags & CATALOG_FLAG_DAMAGED) == 0)
        return 0;
    tree_cursor_open(&cursor, passage->run->reader, &passage->from.catalog.items);
    int failed = tree_cursor_seek(&cursor, wanted, err);
    const struct tree_entry *entry = failed == 0 ? tree_cursor_entry(&cursor) : NULL;
    if (entry != NULL && tree_bytes_compare(entry->key, wanted) == 0)
        failed = vault_copy_items_add(passage->items, entry->key, entry->value, err);
    tree_cursor_clear(&cursor);
    return failed;
}

static int
copy_items(struct passage *passage, struct error *err)
{
    static const struct tree_root nothing = { .height = 0 };
    const struct pair *base = passage->base;
    if (base != NULL && base->to.counts.items_damaged > 0) {
        const struct catalog_key start = { .len = 0 };
        CLEANUP(catalog_close_p)
        struct catalog *catalog = catalog_open(passage->run->to_reader, &base->to.catalog);
        if (catalog_walk(catalog, start, on_base_item, passage, err) != 0)
            return -1;
    }
    if (tree_diff(passage->run->reader, base == NULL ? &nothing : &base->from.catalog.items,
                  &passage->from.catalog.items, on_item_changed, passage, err) != 0)
        return -1;
    return vault_copy_items_flush(passage->items, err);
}

static int
on_outcome_block(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    return vault_stream_write(ctx, data, len, err);
}

/* Damage of the source's own lines costs those, not the point. */
static int
copy_outcomes(struct passage *passage, struct error *err)
{
    const struct content_ref *from = &passage->from.outcomes;
    struct error damage = ERROR_INIT;
    passage->to.outcomes = (struct content_ref){ .form = CONTENT_NONE };
    if (from->form == CONTENT_NONE && passage->lines.len == 0)
        return 0;
    struct vault_stream *stream = vault_stream_begin(passage->run->writer, VAULT_METADATA, err);
    if (stream == NULL)
        return -1;
    int failed = 0;
    if (from->form != CONTENT_NONE &&
        vault_reader_read(passage->run->reader, from, on_outcome_block, stream, &damage) != 0)
        failed = vault_damage_is(&damage) ? vault_copy_tell(&passage->run->copy, (struct catalog_key){ NULL, 0 },
                                                            "the point's list of left out items is damaged in the "
                                                            "source; the copy has what could be read",
                                                            &damage, err)
                                          : error_wrap(err, "%s", damage.text);
    if (failed != 0 && err != NULL && !error_is_set(err))
        *err = damage;
    if (failed == 0)
        failed = vault_stream_write(stream, passage->lines.data, passage->lines.len, err);
    if (failed == 0)
        return vault_stream_end(stream, &passage->to.outcomes, err);
    vault_stream_abort(stream);
    return -1;
}

static int
read_cursor(struct passage *passage, uint8_t **cursor, size_t *len, struct error *err)
{
    struct error damage = ERROR_INIT;
    if (point_read_cursor(passage->run->reader, &passage->from, cursor, len, &damage) == 0)
        return 0;
    *len = 0;
    if (vault_damage_is(&damage))
        return vault_copy_tell(
            &passage->run->copy, (struct catalog_key){ NULL, 0 },
            "the point's cursor is damaged in the source; a backup that goes on in the copy has to be "
            "a full one",
            &damage, err);
    *err = damage;
    return -1;
}

static void
describe(struct passage *passage)
{
    const struct point *from = &passage->from;
    struct point *to = &passage->to;
    to->header = from->header;
    to->epoch = passage->run->epoch;
    to->header.fence = passage->run->copy.options->fence;
    to->counts = from->counts;
    snprintf(to->previous, sizeof(to->previous), "%s", passage->base == NULL ? "" : passage->base->to.header.id);
    snprintf(to->copied_from, sizeof(to->copied_from), "%s", passage->run->from->id);
}

static int
transfer(struct passage *passage, struct error *err)
{
    struct reseal *run = passage->run;
    CLEANUP(memory_free_p) uint8_t *cursor = NULL;
    size_t cursor_len = 0;
    struct vault_writer_progress before, after;
    uint64_t read_before = run->copy.counts->bytes_read;
    describe(passage);
    vault_writer_progress(run->writer, &before);
    if (copy_items(passage, err) != 0 || catalog_edit_commit(passage->edit, &passage->to.catalog, NULL, err) != 0)
        return -1;
    if (passage->to.catalog.items.count != passage->from.catalog.items.count)
        return FAIL(err, ERROR_CORRUPT, 0, "the copy has another number of items than its source");
    if (read_cursor(passage, &cursor, &cursor_len, err) != 0 || copy_outcomes(passage, err) != 0 ||
        vault_writer_flush(run->writer, err) != 0)
        return -1;
    vault_copy_refs_settle(run->refs);
    vault_writer_progress(run->writer, &after);
    passage->to.counts.items_damaged = vault_copy_items_damaged(passage->items);
    passage->to.counts.bytes_read = run->copy.counts->bytes_read - read_before;
    passage->to.counts.bytes_stored = after.bytes_stored - before.bytes_stored;
    if (vault_copy_check(&run->copy, err) != 0)
        return -1;
    return point_commit(run->to, run->writer, &passage->to, cursor, cursor_len, err);
}

static int
attempt(struct reseal *run, const struct point *from, const struct pair *base, struct point *to, struct error *err)
{
    struct passage passage = { .run = run, .base = base, .from = *from };
    const struct catalog_edit_options edit_options = { .temp_dir = run->copy.options->temp_dir };
    CLEANUP(catalog_edit_free_p)
    struct catalog_edit *edit =
        catalog_edit_begin(run->to_reader, run->writer, base == NULL ? NULL : &base->to.catalog, &edit_options, err);
    if (edit == NULL)
        return -1;
    buffer_init(&passage.lines, OUTCOMES_MAX);
    const struct copy_items_options options = {
        .copy = &run->copy,
        .reader = run->reader,
        .to_reader = run->to_reader,
        .writer = run->writer,
        .edit = edit,
        .refs = run->refs,
        .outcomes = &passage.lines,
    };
    passage.edit = edit;
    passage.items = vault_copy_items_new(&options);
    int failed = transfer(&passage, err);
    vault_copy_items_free(passage.items);
    buffer_clear(&passage.lines);
    *to = passage.to;
    return failed;
}

/* The copy before it does not fit, or is damaged itself: from nothing then. */
static int
attempt_with_base(struct reseal *run, const struct point *from, struct point *to, struct error *err)
{
    struct error failure = ERROR_INIT;
    bool other_object = strcmp(run->base.from.header.scope, from->header.scope) != 0;
    if (run->base.there && !other_object) {
        if (attempt(run, from, &run->base, to, &failure) == 0)
            return 0;
        if (!vault_damage_is(&failure)) {
            *err = failure;
            return -1;
        }
    }
    return attempt(run, from, NULL, to, err);
}

/* The source's side of a point that the destination holds is of use when it is the same state. */
static int
note_there(struct reseal *run, const struct pair *done, bool readable, struct error *err)
{
    bool same = readable && done->from.header.created_ms == done->to.header.created_ms &&
                done->from.catalog.items.count == done->to.catalog.items.count;
    if (same)
        run->base = *done;
    return vault_copy_told(&run->copy, done->to.header.id, &done->to, true, 0, err);
}

static int
leave_out(struct reseal *run, const struct error *failure, struct error *err)
{
    if (!vault_damage_is(failure)) {
        *err = *failure;
        return -1;
    }
    run->copy.counts->points_failed++;
    return vault_copy_tell(&run->copy, (struct catalog_key){ NULL, 0 },
                           "a recovery point cannot be read in the source and is not copied", failure, err);
}

static int
copy_point(struct reseal *run, const char *id, struct error *err)
{
    struct error failure = ERROR_INIT;
    struct pair done = { .there = true };
    snprintf(run->copy.point, sizeof(run->copy.point), "%s", id);
    if (vault_copy_check(&run->copy, err) != 0)
        return -1;
    bool there = point_read(run->to, id, &done.to, err) == 0;
    /* One that was cut off, or is damaged, is copied again: the host replaces it when it does not fit its digest. */
    if (!there && err->kind != ERROR_NOT_FOUND && err->kind != ERROR_CORRUPT && err->kind != ERROR_FORMAT)
        return error_wrap(err, "in the destination");
    error_clear(err);
    bool readable = point_read(run->from, id, &done.from, &failure) == 0;
    if (there && (readable || vault_damage_is(&failure)))
        return note_there(run, &done, readable, err);
    if (!readable && failure.kind == ERROR_NOT_FOUND) {
        run->copy.counts->points_gone++;
        return 0;
    }
    if (readable && !run->base.there)
        run->copy.counts->items_total += done.from.catalog.items.count;
    if (!readable || attempt_with_base(run, &done.from, &done.to, &failure) != 0)
        return leave_out(run, &failure, err);
    run->base = done;
    run->copy.counts->bytes_stored += done.to.counts.bytes_stored;
    return vault_copy_told(&run->copy, id, &done.to, false, done.to.counts.bytes_stored, err);
}

int
vault_copy_reseal(struct vault *from, struct vault *to, const char *const *ids, size_t count,
                  const struct vault_copy_options *options, struct vault_copy_counts *counts, struct error *err)
{
    struct error local = ERROR_INIT;
    err = err == NULL ? &local : err;
    memset(counts, 0, sizeof(*counts));
    struct reseal *run = MEMORY_NEW(struct reseal);
    run->copy = (struct vault_copy){ .options = options, .counts = counts };
    run->from = from;
    run->to = to;
    run->refs = vault_copy_refs_open(options->refs_path, to);
    run->reader = vault_reader_open(from, options->memory_bytes, err);
    run->to_reader = run->reader == NULL ? NULL : vault_reader_open(to, options->memory_bytes, err);
    run->writer = run->to_reader == NULL ? NULL : vault_writer_open(to, &options->writer, err);
    int failed = run->writer == NULL ? -1 : vault_begin(to, &run->epoch, err);
    for (size_t i = 0; failed == 0 && i < count; i++)
        failed = copy_point(run, ids[i], err);
    vault_writer_close(run->writer);
    vault_reader_close(run->to_reader);
    vault_reader_close(run->reader);
    vault_copy_refs_close(run->refs);
    free(run);
    return failed;
}
