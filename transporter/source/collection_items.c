#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_error.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_url.h"
#include "transporter/source/collection_internal.h"

#include <stdlib.h>
#include <string.h>

static int
open_pager(struct collection *collection, bool anew, struct error *err)
{
    const struct collection_container *container = collection->current;
    CLEANUP(memory_free_p)
    char *fresh = graph_url(collection->workload->items, collection->base.user, container->id);
    collection->anew = anew;
    graph_pager_free(collection->pager);
    collection->pager = collection_pager(collection, anew ? fresh : container->link, true);
    source_spool_scope(collection->spool, container->id);
    return anew ? source_emit_scope(&collection->base, SOURCE_LISTING, container->id,
                                    CATALOG_KIND_BIT(collection->workload->item), err)
                : 0;
}

/* The record's parent is the container whose change list names it, so that a later "deleted" from there finds it. */
static int
take_row(struct collection *collection, const json_t *row, struct error *err)
{
    struct source_item item = { .event = SOURCE_UPSERT, .kind = collection->workload->item };
    struct collection_texts texts = { .metadata = NULL };
    const char *id = graph_json_text(row, "id");
    if (json_object_get(row, "@removed") != NULL)
        return source_spool_add(collection->spool, id, err);
    if (source_spool_cancel(collection->spool, id, err) != 0)
        return -1;
    item.parent_id = collection->current->id;
    int status = collection->workload->read_item(collection, row, &item, &texts, err);
    if (status > 0)
        status = source_emit(&collection->base, &item, err);
    free(texts.metadata);
    return status;
}

static int
close_container(struct collection *collection, enum source_event event, struct error *err)
{
    struct collection_container *container = collection->current;
    if (collection->anew && source_emit_scope(&collection->base, event, container->id,
                                              CATALOG_KIND_BIT(collection->workload->item), err) != 0)
        return -1;
    graph_pager_free(collection->pager);
    collection->pager = NULL;
    collection->current = container->hh.next;
    return 1;
}

static int
finish(struct collection *collection, struct error *err)
{
    struct collection_container *container = collection->current;
    free(container->link);
    container->link = memory_strdup(graph_pager_delta_link(collection->pager));
    return close_container(collection, SOURCE_LISTED, err);
}

static int
after_refusal(struct collection *collection, const struct error *failure, struct error *err)
{
    struct graph_pager_refusal why = graph_pager_refusal(collection->pager);
    struct collection_container *container = collection->current;
    if (!collection->anew && graph_error_is_resync(why.status, why.code, why.inner)) {
        source_count_resync(&collection->base);
        return open_pager(collection, true, err) == 0 ? 1 : -1;
    }
    /* The container went away while the round ran: the next round's list says so. */
    if (why.status == 404 && graph_error_has(why.code, why.inner, "ErrorItemNotFound")) {
        if (close_container(collection, SOURCE_UNLISTED, err) < 0)
            return -1;
        collection_drop(collection, container->id);
        return 1;
    }
    return collection_refused(failure, collection->workload->name, err);
}

int
collection_items(struct collection *collection, struct error *err)
{
    struct error failure = ERROR_INIT;
    CLEANUP(graph_json_unref) json_t *rows = NULL;
    size_t index;
    const json_t *row;
    if (collection->current == NULL)
        return 0;
    if (collection->pager == NULL && open_pager(collection, collection->current->link[0] == '\0', err) != 0)
        return -1;
    int status = graph_pager_next(collection->pager, &rows, &failure);
    if (status < 0)
        return after_refusal(collection, &failure, err);
    if (status == 0)
        return finish(collection, err);
    json_array_foreach (rows, index, row) {
        if (take_row(collection, row, err) != 0)
            return -1;
    }
    return 1;
}
