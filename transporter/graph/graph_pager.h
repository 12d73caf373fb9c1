#ifndef LONGHAUL_TRANSPORTER_GRAPH_GRAPH_PAGER_H
#define LONGHAUL_TRANSPORTER_GRAPH_GRAPH_PAGER_H

/* A collection, page by page. Links are followed byte for byte, with the same headers each time. A page that the
 * service cannot make, or that comes damaged, is asked for again with half the size. One thread. */

#include "transporter/graph/graph_client.h"

struct graph_pager;

struct graph_pager_options {
    struct graph_client *client; /* borrowed for the pager's life */
    enum graph_service service;
    const char *mailbox;        /* borrowed for the pager's life; NULL */
    const char *url;            /* path, or a delta link; copied */
    uint32_t page_size;         /* sent as a preference; 0: the service's choice */
    const char *const *headers; /* static texts, at most 6 */
    size_t header_count;
    bool delta; /* only a page with a delta link may be the last: without one the collection was cut off */
    const atomic_bool *cancel;
};

struct graph_pager *graph_pager_new(const struct graph_pager_options *options);
void graph_pager_free(struct graph_pager *pager);
void graph_pager_free_p(struct graph_pager **pager);

/* 1 and *values (an array, perhaps empty; the caller's reference), 0 after the last page, -1. */
int graph_pager_next(struct graph_pager *pager, json_t **values, struct error *err);

/* After 0: the link for the next round; "" when the collection has none. */
const char *graph_pager_delta_link(const struct graph_pager *pager);

/* After -1: what the service said last. location is of a 410; "" when absent. */
struct graph_pager_refusal {
    int status;
    const char *code, *inner, *location;
};
struct graph_pager_refusal graph_pager_refusal(const struct graph_pager *pager);

/* What a page holds. Pure, exposed for the fuzzer. Links are borrowed from page, "" when absent. 0, or -1 with
 * ERROR_FORMAT when it is no page. */
struct graph_page {
    json_t *values; /* borrowed */
    const char *next_link, *delta_link;
};
int graph_pager_read(const json_t *json, struct graph_page *page, struct error *err);

#endif
