#ifndef LONGHAUL_TRANSPORTER_QUERY_QUERY_REQUEST_H
#define LONGHAUL_TRANSPORTER_QUERY_QUERY_REQUEST_H

/* An operator's question; see README.md. Pure; any thread. */

#include "common/base/identifier.h"
#include "common/vault/catalog.h"

#include <stdbool.h>

struct error;

#define QUERY_LIMIT_DEFAULT 200
#define QUERY_LIMIT_MAX     1000
#define QUERY_TEXT_MAX      256

enum query_op { QUERY_LIST, QUERY_FIND, QUERY_OUTCOMES, QUERY_REPORT, QUERY_LOCKS, QUERY_RETIRED };

struct query_request {
    enum query_op op;
    char point[IDENTIFIER_LEN];       /* not for a report, nor for locks */
    char task[IDENTIFIER_LEN];        /* report */
    struct catalog_key_buffer folder; /* list; len 0: the top */
    /* find: at least one of them; "" and 0 are not asked */
    char text[QUERY_TEXT_MAX + 1], name[QUERY_TEXT_MAX + 1], subject[QUERY_TEXT_MAX + 1], sender[QUERY_TEXT_MAX + 1];
    int64_t from_ms, until_ms;
    bool check; /* locks */
    uint64_t offset, limit;
};

/* ERROR_USAGE when it makes no sense. */
int query_request_parse(const char *text, size_t len, struct query_request *request, struct error *err);

#endif
