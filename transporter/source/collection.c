#include "transporter/source/collection.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_json.h"
#include "transporter/source/collection_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 200u

static const char *const immutable[] = { "Prefer: IdType=\"ImmutableId\"" };

static struct collection *
collection_of(struct source *source)
{
    return (struct collection *)(void *)source; /* base is the first member */
}

struct collection_container *
collection_add(struct collection *collection, const char *id, const char *link)
{
    struct collection_container *container;
    HASH_FIND_STR(collection->containers, id, container);
    if (container == NULL) {
        container = MEMORY_NEW(struct collection_container);
        container->id = memory_strdup(id);
        container->link = memory_strdup(link);
        HASH_ADD_KEYPTR(hh, collection->containers, container->id, strlen(container->id), container);
    }
    return container;
}

static void
forget(struct collection *collection, struct collection_container *container)
{
    HASH_DEL(collection->containers, container);
    free(container->id);
    free(container->link);
    free(container);
}

void
collection_drop(struct collection *collection, const char *id)
{
    struct collection_container *container;
    HASH_FIND_STR(collection->containers, id, container);
    if (container != NULL)
        forget(collection, container);
}

struct graph_pager *
collection_pager(const struct collection *collection, const char *url, bool delta)
{
    return graph_pager_new(&(struct graph_pager_options){
        .client = collection->base.graph,
        .service = GRAPH_EXCHANGE,
        .mailbox = collection->base.user,
        .url = url,
        .page_size = collection->base.page_size,
        .headers = immutable,
        .header_count = ARRAY_LEN(immutable),
        .delta = delta,
        .cancel = collection->base.cancel,
    });
}

json_t *
collection_get(const struct source *source, const char *url, struct graph_response *response, struct error *err)
{
    const struct graph_request request = {
        .url = url,
        .service = GRAPH_EXCHANGE,
        .mailbox = source->user,
        .headers = immutable,
        .header_count = ARRAY_LEN(immutable),
        .cancel = source->cancel,
    };
    return graph_client_json(source->graph, &request, response, err);
}

int
collection_refused(const struct error *failure, const char *what, struct error *err)
{
    if (err != NULL && !error_is_set(err))
        *err = *failure;
    return error_wrap(err, "%s", what);
}

void
collection_read_row(const json_t *row, struct source_item *item, struct collection_texts *texts)
{
    const char *change_key = graph_json_text(row, "changeKey");
    const char *tag = change_key[0] != '\0' ? change_key : graph_json_text(row, "@odata.etag");
    snprintf(texts->tag, sizeof(texts->tag), "%s", strlen(tag) < sizeof(texts->tag) ? tag : "");
    texts->metadata = source_metadata(row, &item->metadata_len);
    item->id = graph_json_text(row, "id");
    item->created_ms = graph_json_time(row, "createdDateTime");
    item->modified_ms = graph_json_time(row, "lastModifiedDateTime");
    item->change_tag = texts->tag;
    item->metadata = texts->metadata;
}

/* After all containers: only now is it known which items left one for another. */
static int
emit_deletes(struct collection *collection, struct error *err)
{
    const char *container_id, *id;
    for (int i = 0; i < 1000; i++) {
        int status = source_spool_next(collection->spool, &container_id, &id, err);
        if (status <= 0)
            return status;
        const struct source_item item = {
            .event = SOURCE_DELETE, .kind = collection->workload->item, .id = id, .from_parent = container_id
        };
        if (source_emit(&collection->base, &item, err) != 0)
            return -1;
    }
    return 1;
}

static int
advance(struct source *source, struct error *err)
{
    struct collection *collection = collection_of(source);
    int status = -1;
    switch (collection->phase) {
    case COLLECTION_START:
        status = collection_start(collection, err);
        break;
    case COLLECTION_CONTAINERS:
        status = collection_containers(collection, err);
        break;
    case COLLECTION_ITEMS:
        status = collection_items(collection, err);
        break;
    case COLLECTION_DELETES:
        return emit_deletes(collection, err);
    }
    if (status == 0) {
        collection->phase++;
        collection->current = collection->containers;
        return 1;
    }
    return status;
}

static int
fetch(struct source *source, const struct source_item *item, const struct source_sink *sink,
      struct source_outcome *outcome, struct error *err)
{
    return collection_of(source)->workload->fetch(source, item, sink, outcome, err);
}

static json_t *
cursor(struct source *source)
{
    const struct collection *collection = collection_of(source);
    json_t *items = json_object();
    for (const struct collection_container *c = collection->containers; c != NULL; c = c->hh.next)
        json_object_set_new(items, c->id, json_string(c->link));
    return json_pack("{s:s,s:o}", "containers", collection->containers_link, "items", items);
}

static void
clear(struct source *source)
{
    struct collection *collection = collection_of(source);
    struct collection_container *container, *next;
    HASH_ITER (hh, collection->containers, container, next)
        forget(collection, container);
    graph_pager_free(collection->pager);
    source_spool_free(collection->spool);
    free(collection->root_id);
    free(collection->containers_link);
}

static void
take_cursor(struct collection *collection)
{
    const char *id;
    json_t *link;
    json_object_foreach (json_object_get(collection->base.previous, "items"), id, link) {
        if (json_is_string(link))
            collection_add(collection, id, json_string_value(link));
    }
}

struct source *
collection_open(const struct collection_workload *workload, const struct source_options *options, struct error *err)
{
    static const struct source_vtable vtable = { advance, fetch, cursor, clear, .gone_without_code = false };
    struct source *source = source_new(sizeof(struct collection), workload->name, &vtable, options, err);
    if (source == NULL)
        return NULL;
    struct collection *collection = collection_of(source);
    collection->workload = workload;
    if (source->page_size == 0)
        source->page_size = PAGE;
    collection->root_id = memory_strdup("");
    collection->containers_link = memory_strdup(graph_json_text(source->previous, "containers"));
    take_cursor(collection);
    collection->spool = source_spool_new(options->scratch, err);
    if (collection->spool == NULL) {
        source_free(source);
        return NULL;
    }
    return source;
}
