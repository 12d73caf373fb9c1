#include "transporter/source/source.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_json.h"
#include "transporter/source/source_internal.h"

#include <stdlib.h>
#include <string.h>

#define CURSOR_VERSION 1

struct source *
source_open(const struct source_driver *driver, const struct source_options *options, struct error *err)
{
    return driver->open(options, err);
}

static json_t *
read_cursor(const char *driver, const struct source_options *options, struct error *err)
{
    if (options->cursor_len > SOURCE_CURSOR_CEILING) {
        FAIL(err, ERROR_LIMIT, 0, "the cursor of the previous point has %zu bytes", options->cursor_len);
        return NULL;
    }
    json_t *json = json_loadb(options->cursor, options->cursor_len, 0, NULL);
    if (json_is_object(json) && graph_json_int(json, "v") == CURSOR_VERSION &&
        strcmp(graph_json_text(json, "driver"), driver) == 0)
        return json;
    json_decref(json);
    FAIL(err, ERROR_FORMAT, 0, "the cursor of the previous point is not one of %s version %d", driver, CURSOR_VERSION);
    return NULL;
}

struct source *
source_new(size_t size, const char *driver, const struct source_vtable *vtable, const struct source_options *options,
           struct error *err)
{
    json_t *previous = NULL;

    if (options->cursor != NULL && !options->force_full) {
        previous = read_cursor(driver, options, err);
        if (previous == NULL)
            return NULL;
    }
    struct source *source = memory_new(size);
    source->vtable = vtable;
    source->driver = driver;
    source->graph = options->graph;
    source->user = memory_strdup(options->external_id);
    source->scratch = memory_strdup(options->scratch);
    source->cancel = options->cancel;
    source->page_size = options->page_size;
    source->previous = previous;
    pthread_mutex_init(&source->totals_lock, NULL);
    return source;
}

void
source_free(struct source *source)
{
    if (source == NULL)
        return;
    source->vtable->clear(source);
    while (source->head != NULL) {
        struct source_item *item = source->head;
        source->head = item->next;
        source_item_free(item);
    }
    json_decref(source->previous);
    pthread_mutex_destroy(&source->totals_lock);
    free(source->user);
    free(source->scratch);
    free(source);
}

void
source_free_p(struct source **source)
{
    source_free(*source);
}

int
source_next(struct source *source, struct source_item **item, struct error *err)
{
    while (source->head == NULL) {
        if (source->complete)
            return 0;
        if (source->cancel != NULL && atomic_load(source->cancel))
            return FAIL(err, ERROR_CANCELLED, 0, "cancelled");
        int status = source->vtable->advance(source, err);
        if (status < 0)
            return source->vtable->parts_speak ? -1 : error_wrap(err, "%s", source->driver);
        source->complete = status == 0;
    }
    *item = source->head;
    source->head = (*item)->next;
    (*item)->next = NULL;
    if (source->head == NULL)
        source->tail = NULL;
    return 1;
}

int
source_fetch(struct source *source, const struct source_item *item, const struct source_sink *sink,
             struct source_outcome *outcome, struct error *err)
{
    *outcome = (struct source_outcome){ .result = SOURCE_FAILED };
    if (source->cancel != NULL && atomic_load(source->cancel))
        return FAIL(err, ERROR_CANCELLED, 0, "cancelled");
    return source->vtable->fetch(source, item, sink, outcome, err);
}

int
source_cursor(struct source *source, struct buffer *out, struct error *err)
{
    if (!source->complete)
        return FAIL(err, ERROR_INTERNAL, 0, "a cursor before the round is complete");
    CLEANUP(graph_json_unref) json_t *cursor = source->vtable->cursor(source);
    json_object_set_new(cursor, "v", json_integer(CURSOR_VERSION));
    json_object_set_new(cursor, "driver", json_string(source->driver));
    size_t len;
    CLEANUP(memory_free_p) char *text = graph_json_dump(cursor, &len);
    if (len > SOURCE_CURSOR_CEILING)
        return FAIL(err, ERROR_LIMIT, 0, "the cursor has %zu bytes: too many folders", len);
    return buffer_append(out, text, len, err);
}

void
source_totals(const struct source *source, struct source_totals *out)
{
    struct source *mutable_source;
    memcpy(&mutable_source, &source, sizeof(source)); /* only the lock changes */

    pthread_mutex_lock(&mutable_source->totals_lock);
    *out = source->totals;
    pthread_mutex_unlock(&mutable_source->totals_lock);
}

static void
count(struct source *source, const struct source_item *item)
{
    pthread_mutex_lock(&source->totals_lock);
    source->totals.folders += item->event == SOURCE_UPSERT && catalog_kind_contains(item->kind);
    source->totals.items += item->event == SOURCE_UPSERT && !catalog_kind_contains(item->kind);
    source->totals.deletes += item->event == SOURCE_DELETE;
    pthread_mutex_unlock(&source->totals_lock);
}

void
source_pass(struct source *source, struct source_item *item)
{
    item->sequence = ++source->sequence;
    item->next = NULL;
    if (source->tail != NULL)
        source->tail->next = item;
    else
        source->head = item;
    source->tail = item;
    count(source, item);
}

int
source_emit(struct source *source, const struct source_item *fields, struct error *err)
{
    bool scope = fields->event != SOURCE_UPSERT && fields->event != SOURCE_DELETE;
    size_t len = fields->id != NULL ? strlen(fields->id) : 0;

    if (!scope && (len == 0 || len > SOURCE_ID_MAX))
        return FAIL(err, ERROR_FORMAT, 0, "the service gave an id of %zu bytes", len);
    source_pass(source, source_item_new(fields));
    return 0;
}

int
source_emit_scope(struct source *source, enum source_event event, const char *parent_id, unsigned kinds,
                  struct error *err)
{
    return source_emit(source, &(struct source_item){ .event = event, .parent_id = parent_id, .kinds = kinds }, err);
}

void
source_count_resync(struct source *source)
{
    pthread_mutex_lock(&source->totals_lock);
    source->totals.resyncs++;
    pthread_mutex_unlock(&source->totals_lock);
}

void
source_expect_items(struct source *source, uint64_t more)
{
    pthread_mutex_lock(&source->totals_lock);
    source->totals.expected_items += more;
    pthread_mutex_unlock(&source->totals_lock);
}
