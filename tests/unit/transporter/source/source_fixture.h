#ifndef LONGHAUL_TESTS_UNIT_TRANSPORTER_SOURCE_FIXTURE_H
#define LONGHAUL_TESTS_UNIT_TRANSPORTER_SOURCE_FIXTURE_H

/* Plays a round of a source and writes its events down as lines of text. */

#include "tests/fakes/scratch_folder.h"
#include "tests/unit/transporter/graph_fixture.h"
#include "transporter/source/source.h"

struct source_round {
    struct source *source;
    struct buffer cursor;
    struct buffer lines;
    struct buffer content;
    struct source_item *last; /* last UPSERT with content */
    unsigned restarts;
    int status; /* of the last source_next() */
};

static inline void
source_round_clear(struct source_round *r)
{
    source_free(r->source);
    source_item_free(r->last);
    buffer_clear(&r->cursor);
    buffer_clear(&r->lines);
    buffer_clear(&r->content);
}

static inline void
source_round_note(struct source_round *r, const struct source_item *item)
{
    switch (item->event) {
    case SOURCE_UPSERT:
        buffer_printf(&r->lines, NULL, "+ %s in '%s' '%s' tag=%s\n", item->id, item->parent_id, item->name,
                      item->change_tag);
        break;
    case SOURCE_DELETE:
        buffer_printf(&r->lines, NULL, "- %s from '%s'\n", item->id, item->from_parent);
        break;
    case SOURCE_LISTING:
        buffer_printf(&r->lines, NULL, "( '%s' %u\n", item->parent_id, item->kinds);
        break;
    case SOURCE_LISTED:
        buffer_printf(&r->lines, NULL, ") '%s' %u\n", item->parent_id, item->kinds);
        break;
    case SOURCE_UNLISTED:
        buffer_printf(&r->lines, NULL, "| '%s' %u\n", item->parent_id, item->kinds);
        break;
    case SOURCE_REFUSED:
        buffer_printf(&r->lines, NULL, "! %s %s\n", item->id, item->skip_reason);
        break;
    }
}

/* The round from cursor (text or NULL) to its end; the source stays open for fetches. */
static inline const char *
source_round_play(struct source_round *r, struct graph_fixture *f, const struct source_driver *driver,
                  const char *cursor)
{
    struct source_item *item;

    *r = (struct source_round){ .status = 0 };
    buffer_init(&r->cursor, 1 << 20);
    buffer_init(&r->lines, 1 << 20);
    buffer_init(&r->content, 1 << 24);
    const struct source_options options = { .graph = f->graph,
                                            .external_id = "u1",
                                            .cursor = cursor,
                                            .cursor_len = cursor != NULL ? strlen(cursor) : 0,
                                            .scratch = "/tmp" };
    r->source = source_open(driver, &options, &f->err);
    assert_non_null(r->source);
    while ((r->status = source_next(r->source, &item, &f->err)) == 1) {
        source_round_note(r, item);
        if (item->has_content) {
            source_item_free(r->last);
            r->last = item;
        } else {
            source_item_free(item);
        }
    }
    if (r->status == 0)
        assert_int_equal(source_cursor(r->source, &r->cursor, &f->err), 0);
    else
        print_message("%s\n", f->err.text);
    return buffer_text(&r->lines, NULL);
}

static inline int
source_round_write(void *ctx, const void *data, size_t len, struct error *err)
{
    struct source_round *r = ctx;
    return buffer_append(&r->content, data, len, err);
}

static inline int
source_round_restart(void *ctx, struct error *err)
{
    struct source_round *r = ctx;
    (void)err;
    r->restarts++;
    buffer_consume(&r->content, r->content.len);
    return 0;
}

static inline int
source_round_fetch(struct source_round *r, struct graph_fixture *f, struct source_outcome *outcome)
{
    const struct source_sink sink = { r, source_round_write, source_round_restart };

    r->restarts = 0;
    buffer_consume(&r->content, r->content.len);
    error_clear(&f->err);
    return source_fetch(r->source, r->last, &sink, outcome, &f->err);
}

#endif
