#include "tests/with_m365sim/round.h"

#include "common/base/bounded_queue.h"
#include "common/base/error.h"
#include "common/base/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS         4
#define CONTENT_CEILING ((size_t)256 << 20)

struct work {
    struct source *source;
    struct bounded_queue *queue;
    atomic_uint bad;
};

static void
die(const struct error *err)
{
    fprintf(stderr, "round: %s\n", err->text);
    exit(1);
}

static int
write_content(void *ctx, const void *data, size_t len, struct error *err)
{
    return buffer_append(ctx, data, len, err);
}

static int
restart_content(void *ctx, struct error *err)
{
    struct buffer *b = ctx;
    (void)err;
    buffer_consume(b, b->len);
    return 0;
}

static void *
fetch_all(void *ctx)
{
    struct work *work = ctx;
    struct round_item *one;

    while ((one = bounded_queue_pop(work->queue)) != NULL) {
        struct error err = ERROR_INIT;
        const struct source_sink sink = { &one->content, write_content, restart_content };
        buffer_consume(&one->content, one->content.len);
        if (source_fetch(work->source, one->item, &sink, &one->outcome, &err) != 0)
            die(&err);
        if (one->outcome.result != SOURCE_STORED || one->outcome.reason[0] != '\0') {
            fprintf(stderr, "fetch of %s: %s %s\n", one->item->id, one->outcome.reason, one->outcome.detail);
            atomic_fetch_add(&work->bad, 1);
        }
    }
    return NULL;
}

static void
drop(struct round *round, struct round_item *one)
{
    HASH_DEL(round->items, one);
    source_item_free(one->item);
    buffer_clear(&one->content);
    free(one);
}

/* True when its content is to be fetched. */
static struct round_item *
upsert(struct round *round, struct source_item *item, bool *fetch)
{
    struct round_item *one;

    HASH_FIND_STR(round->items, item->id, one);
    *fetch = item->has_content;
    if (one == NULL) {
        one = MEMORY_NEW(struct round_item);
        buffer_init(&one->content, CONTENT_CEILING);
    } else {
        HASH_DEL(round->items, one);
        *fetch = item->has_content && strcmp(one->item->change_tag, item->change_tag) != 0;
        source_item_free(one->item);
    }
    one->item = item;
    one->listed = true;
    HASH_ADD_KEYPTR(hh, round->items, item->id, strlen(item->id), one);
    return one;
}

static bool
in_scope(const struct round_item *one, const struct source_item *scope)
{
    return (CATALOG_KIND_BIT(one->item->kind) & scope->kinds) != 0 &&
           (scope->parent_id[0] == '\0' || strcmp(one->item->parent_id, scope->parent_id) == 0);
}

static void
apply_scope(struct round *round, const struct source_item *scope)
{
    struct round_item *one, *next;

    HASH_ITER (hh, round->items, one, next) {
        if (!in_scope(one, scope))
            continue;
        if (scope->event == SOURCE_LISTING)
            one->listed = false;
        else if (scope->event == SOURCE_LISTED && !one->listed)
            drop(round, one);
    }
}

static void
apply_delete(struct round *round, const struct source_item *item)
{
    struct round_item *one;

    HASH_FIND_STR(round->items, item->id, one);
    if (one != NULL && (item->from_parent[0] == '\0' || strcmp(one->item->parent_id, item->from_parent) == 0))
        drop(round, one);
    round->deletes++;
}

static void
drop_orphans(struct round *round)
{
    for (bool again = true; again;) {
        struct round_item *one, *next, *parent;
        again = false;
        HASH_ITER (hh, round->items, one, next) {
            HASH_FIND_STR(round->items, one->item->parent_id, parent);
            if (one->item->parent_id[0] == '\0' || parent != NULL)
                continue;
            drop(round, one);
            again = true;
        }
    }
}

static void
enumerate(struct round *round, struct work *work)
{
    struct error err = ERROR_INIT;
    struct source_item *item;
    int status;

    while ((status = source_next(work->source, &item, &err)) == 1) {
        bool fetch = false;
        if (item->event == SOURCE_UPSERT) {
            struct round_item *one = upsert(round, item, &fetch);
            round->upserts++;
            round->fetches += fetch;
            if (fetch && !bounded_queue_push(work->queue, one, 1))
                die(&err);
            continue;
        }
        if (item->event == SOURCE_DELETE)
            apply_delete(round, item);
        else
            apply_scope(round, item);
        source_item_free(item);
    }
    if (status < 0)
        die(&err);
}

void
round_play(struct round *round, struct graph_client *graph, const struct source_driver *driver, const char *user,
           const char *scratch)
{
    struct error err = ERROR_INIT;
    pthread_t threads[THREADS];
    const struct source_options options = { .graph = graph,
                                            .external_id = user,
                                            .cursor = round->cursor.len > 0 ? round->cursor.data : NULL,
                                            .cursor_len = round->cursor.len,
                                            .scratch = scratch };
    struct work work = { .source = source_open(driver, &options, &err), .queue = bounded_queue_new(100000, SIZE_MAX) };

    if (work.source == NULL)
        die(&err);
    round->upserts = round->deletes = round->fetches = 0;
    /* Items may be replaced while they are enumerated: fetching begins when all are known. */
    enumerate(round, &work);
    bounded_queue_close(work.queue);
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, fetch_all, &work);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    drop_orphans(round);
    round->bad = atomic_load(&work.bad);
    buffer_clear(&round->cursor);
    buffer_init(&round->cursor, 64 << 20);
    if (source_cursor(work.source, &round->cursor, &err) != 0)
        die(&err);
    source_totals(work.source, &round->totals);
    source_free(work.source);
    bounded_queue_free(work.queue, NULL);
}

void
round_clear(struct round *round)
{
    struct round_item *one, *next;

    HASH_ITER (hh, round->items, one, next) {
        drop(round, one);
    }
    buffer_clear(&round->cursor);
}

char *
round_path(const struct round *round, const struct round_item *item)
{
    char *path = memory_strdup(item->item->name);

    for (const struct round_item *at = item; at->item->parent_id[0] != '\0';) {
        struct round_item *parent;
        HASH_FIND_STR(round->items, at->item->parent_id, parent);
        if (parent == NULL)
            break;
        at = parent;
        char *longer = memory_printf("%s/%s", at->item->name, path);
        free(path);
        path = longer;
    }
    return path;
}
