#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_error.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_url.h"
#include "transporter/source/collection_internal.h"

#include <stdlib.h>
#include <string.h>

static int
emit_container(struct collection *collection, const json_t *row, const char *well_known, struct error *err)
{
    struct source_item item = { .event = SOURCE_UPSERT, .kind = collection->workload->container };
    struct collection_texts texts = { .metadata = NULL };
    const char *parent = graph_json_text(row, "parentFolderId");
    item.parent_id = strcmp(parent, collection->root_id) == 0 ? "" : parent;
    item.well_known = well_known;
    int status = collection->workload->read_container(collection, row, &item, &texts, err);
    if (status > 0)
        status = source_emit(&collection->base, &item, err);
    if (status == 0 && item.id != NULL)
        collection_add(collection, item.id, "")->seen = true;
    free(texts.metadata);
    return status;
}

/* It has a name of its own in place of an id and is in no list. Its parent is where all others begin. */
static int
emit_main(struct collection *collection, struct error *err)
{
    CLEANUP(memory_free_p) char *url = graph_url(collection->workload->main_container, collection->base.user);
    CLEANUP(graph_json_unref) json_t *row = collection_get(&collection->base, url, NULL, err);
    if (row == NULL)
        return -1;
    free(collection->root_id);
    collection->root_id = memory_strdup(graph_json_text(row, "parentFolderId"));
    return emit_container(collection, row, collection->workload->main_name, err);
}

static int
open_pager(struct collection *collection, struct error *err)
{
    const struct collection_workload *workload = collection->workload;
    CLEANUP(memory_free_p) char *fresh = graph_url(workload->containers, collection->base.user);
    collection->anew = !workload->containers_by_delta || collection->containers_link[0] == '\0';
    graph_pager_free(collection->pager);
    collection->pager = collection_pager(collection, collection->anew ? fresh : collection->containers_link,
                                         workload->containers_by_delta);
    if (collection->anew) {
        for (struct collection_container *c = collection->containers; c != NULL; c = c->hh.next)
            c->seen = false;
        if (source_emit_scope(&collection->base, SOURCE_LISTING, "", CATALOG_KIND_BIT(workload->container), err) != 0)
            return -1;
    }
    return workload->main_container != NULL ? emit_main(collection, err) : 0;
}

int
collection_start(struct collection *collection, struct error *err)
{
    return open_pager(collection, err);
}

static int
take_row(struct collection *collection, const json_t *row, struct error *err)
{
    const char *id = graph_json_text(row, "id");
    if (json_object_get(row, "@removed") == NULL)
        return emit_container(collection, row, "", err);
    const struct source_item item = { .event = SOURCE_DELETE, .kind = collection->workload->container, .id = id };
    collection_drop(collection, id);
    return source_emit(&collection->base, &item, err);
}

static int
finish(struct collection *collection, struct error *err)
{
    struct collection_container *container, *next;
    free(collection->containers_link);
    collection->containers_link = memory_strdup(graph_pager_delta_link(collection->pager));
    graph_pager_free(collection->pager);
    collection->pager = NULL;
    if (!collection->anew)
        return 0;
    HASH_ITER (hh, collection->containers, container, next) {
        if (!container->seen)
            collection_drop(collection, container->id);
    }
    return source_emit_scope(&collection->base, SOURCE_LISTED, "", CATALOG_KIND_BIT(collection->workload->container),
                             err);
}

int
collection_containers(struct collection *collection, struct error *err)
{
    struct error failure = ERROR_INIT;
    CLEANUP(graph_json_unref) json_t *rows = NULL;
    size_t index;
    const json_t *row;
    int status = graph_pager_next(collection->pager, &rows, &failure);
    if (status < 0) {
        struct graph_pager_refusal why = graph_pager_refusal(collection->pager);
        if (collection->anew || !graph_error_is_resync(why.status, why.code, why.inner))
            return collection_refused(&failure, collection->workload->name, err);
        source_count_resync(&collection->base);
        free(collection->containers_link);
        collection->containers_link = memory_strdup("");
        return open_pager(collection, err) == 0 ? 1 : -1;
    }
    if (status == 0)
        return finish(collection, err);
    json_array_foreach (rows, index, row) {
        if (take_row(collection, row, err) != 0)
            return -1;
    }
    return 1;
}
