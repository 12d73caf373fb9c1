#ifndef LONGHAUL_TESTS_WITH_M365SIM_ROUND_H
#define LONGHAUL_TESTS_WITH_M365SIM_ROUND_H

/* One round of a source held in memory: what the pipeline would have in its catalog. */

#include "common/base/buffer.h"
#include "transporter/source/source.h"

#include <uthash.h>

struct round_item {
    struct source_item *item;
    struct buffer content;
    struct source_outcome outcome;
    bool listed; /* in the listing under way */
    UT_hash_handle hh;
};

struct round {
    struct round_item *items; /* by id */
    struct buffer cursor;
    unsigned upserts, deletes, fetches, bad;
    struct source_totals totals;
};

/* Plays the changes since round->cursor (all, when it is empty) into round and fetches what is new, with four
 * threads. Exits the program on failure. */
void round_play(struct round *round, struct graph_client *graph, const struct source_driver *driver, const char *user,
                const char *scratch);
void round_clear(struct round *round);
/* Path of an item by the names of its parents, the caller's. */
char *round_path(const struct round *round, const struct round_item *item);

#endif
