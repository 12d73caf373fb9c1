#ifndef LONGHAUL_TRANSPORTER_SOURCE_COLLECTION_H
#define LONGHAUL_TRANSPORTER_SOURCE_COLLECTION_H

/* What contacts, calendars and tasks have in common: items in containers, a change list of the containers (or a plain
 * list of them), and one of each container's items. The engine does rounds, cursors, lost cursors, deletions and moves;
 * a workload says where its lists are and how its rows read. */

#include "transporter/source/source_internal.h"

#define COLLECTION_TAG ((size_t)160)

struct collection;

/* Where the texts of an item lie that its row does not hold itself. */
struct collection_texts {
    char *metadata; /* free() */
    char tag[COLLECTION_TAG];
};

struct collection_workload {
    const char *name; /* of the driver and in cursors */
    enum catalog_kind container, item;
    /* graph_url() formats: user; user; user and container. main_container NULL: every container is listed. */
    const char *main_container, *containers, *items;
    const char *main_name;    /* well-known name of the main container */
    bool containers_by_delta; /* else `containers` is listed whole in each round */
    /* Both fill the item with texts borrowed from row and texts; the engine sets event, kind and parent. 1: it is one,
     * 0: not to be kept, -1. */
    int (*read_container)(struct collection *collection, const json_t *row, struct source_item *item,
                          struct collection_texts *texts, struct error *err);
    int (*read_item)(struct collection *collection, const json_t *row, struct source_item *item,
                     struct collection_texts *texts, struct error *err);
    int (*fetch)(struct source *source, const struct source_item *item, const struct source_sink *sink,
                 struct source_outcome *outcome, struct error *err);
};

/* For a driver's open(). */
struct source *collection_open(const struct collection_workload *workload, const struct source_options *options,
                               struct error *err);

/* For the workload's functions: a GET below /users, immutable ids asked for. */
json_t *collection_get(const struct source *source, const char *url, struct graph_response *response,
                       struct error *err);
/* What every row of Exchange has: id, times, change tag, metadata. */
void collection_read_row(const json_t *row, struct source_item *item, struct collection_texts *texts);

#endif
