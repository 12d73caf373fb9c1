#ifndef LONGHAUL_TRANSPORTER_SOURCE_SOURCE_INTERNAL_H
#define LONGHAUL_TRANSPORTER_SOURCE_SOURCE_INTERNAL_H

#include "transporter/graph/graph_client.h"
#include "transporter/source/source.h"

#include <jansson.h>
#include <pthread.h>

#define SOURCE_ID_MAX         ((size_t)512)
#define SOURCE_CURSOR_CEILING ((size_t)64 << 20)

struct source_vtable {
    /* Does the next piece of work and emits what it finds: 1, 0 when the round is complete, -1. */
    int (*advance)(struct source *source, struct error *err);
    int (*fetch)(struct source *source, const struct source_item *item, const struct source_sink *sink,
                 struct source_outcome *outcome, struct error *err);
    json_t *(*cursor)(struct source *source); /* the driver's own members; a new reference */
    void (*clear)(struct source *source);     /* what the driver added; the struct itself is freed by source_free() */
    bool parts_speak;                         /* failures say already which workload they are of */
    bool gone_without_code;                   /* the service says 404 with no error code for an item that is gone */
};

/* First member of each driver's struct. */
struct source {
    const struct source_vtable *vtable;
    const char *driver;
    struct graph_client *graph;
    char *user, *scratch;
    const atomic_bool *cancel;
    uint32_t page_size;
    json_t *previous; /* the cursor's members; NULL: list everything */
    bool complete;
    uint64_t sequence;
    struct source_item *head, *tail; /* emitted, not yet taken */
    pthread_mutex_t totals_lock;
    struct source_totals totals;
    atomic_uint faults_in_a_row; /* items refused by 5xx, or by no known service, since one worked */
};

/* For a driver's open(): fills base from options. size is that of the driver's struct. */
struct source *source_new(size_t size, const char *driver, const struct source_vtable *vtable,
                          const struct source_options *options, struct error *err);

/* Copies the fields into an item at the queue's end, numbers and counts it. ERROR_FORMAT when an id is empty or too
 * long. NULL texts become "". */
int source_emit(struct source *source, const struct source_item *fields, struct error *err);
/* Takes an item of a part of this source: the same, numbered anew. */
void source_pass(struct source *source, struct source_item *item);
/* LISTING or LISTED. */
int source_emit_scope(struct source *source, enum source_event event, const char *parent_id, unsigned kinds,
                      struct error *err);
void source_count_resync(struct source *source);
void source_expect_items(struct source *source, uint64_t more);

/* One item with its texts in one block. */
struct source_item *source_item_new(const struct source_item *fields);

/* Bytes that a mailbox's service makes as it sends them: no ranges, no announced length, so a cut answer comes again as
 * a whole. response is initialised here, cleared by the caller, also after -1. */
int source_download(struct source *source, const char *url, const struct source_sink *sink,
                    struct graph_response *response, uint64_t *bytes, struct error *err);

/* What a refused fetch means: 0 and the outcome, or -1 when it concerns the whole run, as throttling does.
 * response->status is that of the refusal; 0 when none came or the sink failed. */
int source_outcome_judge(struct source *source, const struct graph_response *response, struct source_outcome *outcome,
                         struct error *err);
void source_outcome_good(struct source *source, struct source_outcome *outcome, uint64_t bytes);

/* A row without annotations and links of the moment, as the metadata to be kept. Free with free(). */
char *source_metadata(const json_t *row, size_t *len);

#endif
