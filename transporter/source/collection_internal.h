#ifndef LONGHAUL_TRANSPORTER_SOURCE_COLLECTION_INTERNAL_H
#define LONGHAUL_TRANSPORTER_SOURCE_COLLECTION_INTERNAL_H

#include "transporter/graph/graph_pager.h"
#include "transporter/source/collection.h"
#include "transporter/source/source_spool.h"

#include <uthash.h>

struct collection_container {
    char *id;
    char *link; /* delta link of its items; "" when the next round has to list them anew */
    bool seen;  /* in the listing of containers that is under way */
    UT_hash_handle hh;
};

enum collection_phase { COLLECTION_START, COLLECTION_CONTAINERS, COLLECTION_ITEMS, COLLECTION_DELETES };

struct collection {
    struct source base;
    const struct collection_workload *workload;
    enum collection_phase phase;
    bool anew; /* what is being read was asked for without a token */
    struct graph_pager *pager;
    char *root_id; /* parent of the main container; "" when there is none */
    char *containers_link;
    struct collection_container *containers; /* in the order they were found */
    struct collection_container *current;    /* being read, or to be read next */
    struct source_spool *spool;
};

/* Each does one page: 1, 0 when its phase is over, -1. */
int collection_start(struct collection *collection, struct error *err);
int collection_containers(struct collection *collection, struct error *err);
int collection_items(struct collection *collection, struct error *err);

struct graph_pager *collection_pager(const struct collection *collection, const char *url, bool delta);
struct collection_container *collection_add(struct collection *collection, const char *id, const char *link);
void collection_drop(struct collection *collection, const char *id);
/* Sets `err` from what a request that was refused left, unless it is set already. -1. */
int collection_refused(const struct error *failure, const char *what, struct error *err);

#endif
