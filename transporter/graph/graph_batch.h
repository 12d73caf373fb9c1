#ifndef LONGHAUL_TRANSPORTER_GRAPH_GRAPH_BATCH_H
#define LONGHAUL_TRANSPORTER_GRAPH_GRAPH_BATCH_H

/* Several small requests in one. Parts that were throttled or hit a passing fault are repeated by themselves. */

#include "transporter/graph/graph_client.h"

#define GRAPH_BATCH_MAX 20

struct graph_batch_part {
    const char *method; /* NULL: "GET" */
    char *url;          /* path below the version, as "/users/…"; freed by graph_batch_clear() */
    json_t *body;       /* NULL, or a reference that graph_batch_clear() drops */
    /* The answer: */
    int status; /* 0: none came */
    char code[64], inner[64];
    json_t *answer; /* NULL when not JSON; dropped by graph_batch_clear() */
};

struct graph_batch {
    struct graph_client *client;
    enum graph_service service;
    const char *mailbox;
    const atomic_bool *cancel;
    size_t count;
    struct graph_batch_part parts[GRAPH_BATCH_MAX];
};

/* 0 when every part has an answer, whatever its status. Parts of Exchange get immutable ids. */
int graph_batch_run(struct graph_batch *batch, struct error *err);
/* Ready for other parts; client, service, mailbox and cancel stay. */
void graph_batch_clear(struct graph_batch *batch);

#endif
