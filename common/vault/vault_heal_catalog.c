#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/catalog_edit.h"
#include "common/vault/vault_damage.h"
#include "common/vault/vault_heal_internal.h"
#include "common/vault/vault_internal.h"
#include "common/vault/vault_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EDIT_MEMORY ((size_t)8 << 20)

struct rebuild {
    struct heal *heal;
    struct catalog_edit *edit;
    struct catalog *own; /* NULL: nothing is left of it */
    bool with_parts;     /* a backup notes them in a message's record, a copy does not */
    struct content_parts parts;
};

static int
on_bytes(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    return vault_stream_write(ctx, data, len, err);
}

int
vault_heal_recut(struct heal *heal, const struct content_ref *from, enum vault_content type,
                 struct content_parts *parts, struct content_ref *to, struct error *err)
{
    if (parts != NULL)
        content_parts_begin(parts);
    *to = *from;
    if (from->form == CONTENT_NONE || from->form == CONTENT_EMPTY)
        return 0;
    struct vault_stream *stream = vault_stream_begin(heal->writer, type, err);
    if (stream == NULL)
        return -1;
    if (vault_reader_read(heal->other, from, on_bytes, stream, err) != 0) {
        vault_stream_abort(stream);
        return -1;
    }
    return parts != NULL ? vault_stream_end_message(stream, parts, to, err) : vault_stream_end(stream, to, err);
}

/* The record as this vault would have it. What the copy does not have whole either it has without. */
static int
put_recut(struct rebuild *rebuild, const struct catalog_item *there, struct error *err)
{
    struct heal *heal = rebuild->heal;
    struct catalog_item item = *there;
    bool message = item.kind == CATALOG_MESSAGE;
    struct content_parts *parts = message && rebuild->with_parts ? &rebuild->parts : NULL;
    if (vault_heal_recut(heal, &there->content, message ? VAULT_MESSAGE : VAULT_FILE, parts, &item.content, err) != 0 ||
        vault_heal_recut(heal, &there->metadata_ref, VAULT_METADATA, NULL, &item.metadata_ref, err) != 0)
        return -1;
    bool told = parts != NULL && parts->known && item.content.message;
    item.parts = told ? parts->bytes : NULL;
    item.parts_len = told ? parts->len : 0;
    return catalog_edit_put(rebuild->edit, &item, err);
}

static int
on_item(void *ctx, const struct catalog_item *there, struct error *err)
{
    struct rebuild *rebuild = ctx;
    struct error failure = ERROR_INIT;
    struct catalog_item mine;
    if (vault_heal_check(rebuild->heal, err) != 0)
        return -1;
    if (rebuild->own != NULL && catalog_get(rebuild->own, there->key, &mine, &failure) == 0)
        return catalog_edit_put(rebuild->edit, &mine, err);
    if (rebuild->own != NULL && !vault_damage_is(&failure)) {
        *err = failure;
        return -1;
    }
    error_clear(&failure);
    /* The nodes without this item can come out all the same. */
    if (put_recut(rebuild, there, &failure) == 0 || (rebuild->own != NULL && vault_damage_is(&failure)))
        return 0;
    *err = failure;
    return -1;
}

/* wanted NULL: nothing is left of it. */
static int
rebuild_catalog(struct heal *heal, const struct catalog_root *wanted, bool with_parts, struct catalog_root *made,
                struct error *err)
{
    const struct catalog_key start = { NULL, 0 };
    const struct catalog_edit_options options = { .memory_bytes = EDIT_MEMORY, .temp_dir = heal->options->temp_dir };
    CLEANUP(memory_free_p) struct rebuild *rebuild = MEMORY_NEW(struct rebuild);
    CLEANUP(catalog_edit_free_p)
    struct catalog_edit *edit = catalog_edit_begin(heal->own, heal->writer, NULL, &options, err);
    CLEANUP(catalog_close_p) struct catalog *there = catalog_open(heal->other, &heal->other_point.catalog);
    CLEANUP(catalog_close_p) struct catalog *own = wanted == NULL ? NULL : catalog_open(heal->own, wanted);
    if (edit == NULL)
        return -1;
    rebuild->heal = heal;
    rebuild->edit = edit;
    rebuild->own = own;
    rebuild->with_parts = with_parts;
    if (catalog_walk(there, start, on_item, rebuild, err) != 0 || catalog_edit_commit(edit, made, NULL, err) != 0 ||
        vault_writer_flush(heal->writer, err) != 0)
        return -1;
    heal->result->catalogs_rebuilt++;
    return 0;
}

static bool
same_tree(const struct tree_root *a, const struct tree_root *b)
{
    return a->height == b->height && a->count == b->count && memcmp(&a->id, &b->id, sizeof(a->id)) == 0;
}

int
vault_heal_catalog(struct heal *heal, const struct point *point, struct error *err)
{
    const struct catalog_root *wanted = &point->catalog;
    bool backup = point->copied_from[0] == '\0';
    struct catalog_root made;
    if (rebuild_catalog(heal, wanted, backup, &made, err) != 0)
        return -1;
    if (same_tree(&made.items, &wanted->items) && same_tree(&made.children, &wanted->children))
        return 0;
    /* Backups that went on in a copy, and programs of before, have left records of the other sort. */
    return rebuild_catalog(heal, wanted, !backup, &made, err);
}

int
vault_heal_point(struct heal *heal, struct point *point, struct error *err)
{
    CLEANUP(memory_free_p) uint8_t *cursor = NULL;
    size_t cursor_len = 0;
    *point = heal->other_point;
    snprintf(point->copied_from, sizeof(point->copied_from), "%s", heal->from->id);
    if (vault_begin(heal->vault, &point->epoch, err) != 0 ||
        rebuild_catalog(heal, NULL, true, &point->catalog, err) != 0 ||
        point_read_cursor(heal->other, &heal->other_point, &cursor, &cursor_len, err) != 0 ||
        vault_heal_recut(heal, &heal->other_point.outcomes, VAULT_METADATA, NULL, &point->outcomes, err) != 0 ||
        point_commit(heal->vault, heal->writer, point, cursor, cursor_len, err) != 0)
        return -1;
    heal->result->points_replaced++;
    return 0;
}
