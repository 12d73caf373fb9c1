#ifndef LONGHAUL_DIRECTOR_API_API_CALL_H
#define LONGHAUL_DIRECTOR_API_API_CALL_H

/* One request and its reply, free of sockets. Loop thread. */

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/identifier.h"
#include "director/api/api_router.h"
#include "director/store/store.h"

struct api_queries;
struct clock;
struct director;
struct store;

#define API_BODY_LIMIT   ((size_t)1 << 20)
#define API_QUERIES      8
#define API_QUERY_LEN    512 /* one decoded name=value, with the NUL */
#define API_WAIT_LIMIT_S 30  /* the longest wait a caller may ask for */

struct api_request {
    enum api_method method;
    const char *path; /* decoded, without the query */
    const char *authorization;
    char queries[API_QUERIES][API_QUERY_LEN]; /* "name=value" */
    size_t query_count;
    const uint8_t *body;
    size_t body_len;
};

/* What all calls share. */
struct api_service {
    struct director *director;
    struct store *store;
    const struct clock *clock;
    struct api_queries *queries;
    const struct api_route *routes;
    size_t route_count;
};

/* What handlers see. */
struct api_call {
    const struct api_service *service;
    struct store *store; /* the service's */
    struct director *director;
    const struct clock *clock;
    const struct api_request *request;
    struct api_match match;
    char token_name[STORE_NAME_LEN]; /* who asks; empty where no token is needed */
    enum api_access access;
    char tenant[IDENTIFIER_LEN]; /* the only one the token may see; empty: all */
    uint64_t started_ms;         /* monotonic */
    json_t *body;                /* the request's object; NULL when it has none */
    int status;                  /* 200 unless the handler says otherwise */
    json_t *reply;               /* owned by the call */
};

/* service and request are borrowed for the call's life. */
void api_call_init(struct api_call *call, const struct api_service *service, const struct api_request *request);
void api_call_clear(struct api_call *call);

/* Authenticates, routes, checks, runs the handler, and turns failures into replies. 0: the reply is there. 1: the
 * handler waits; call again when something happened, or after a second. */
int api_call_serve(struct api_call *call);

/* The n-th name in the path. */
const char *api_call_parameter(const struct api_call *call, size_t n);
/* The value of ?name=; NULL when it is absent. */
const char *api_call_query(const struct api_call *call, const char *name);
/* ?name= as a number; fallback when absent. ERROR_USAGE outside min to max. */
int api_call_query_number(const struct api_call *call, const char *name, uint64_t min, uint64_t max, uint64_t fallback,
                          uint64_t *value, struct error *err);
/* ?wait=SECONDS (0 to API_WAIT_LIMIT_S): 1 while the handler should keep waiting, else 0, or -1. */
int api_call_waits(const struct api_call *call, struct error *err);

/* Take the reference; status 200, or 201 for what was made. Return 0, as handlers do. */
int api_call_reply(struct api_call *call, json_t *reply);
int api_call_created(struct api_call *call, json_t *reply);
/* The reply becomes {"error":{"kind","message"}} with the kind's status. */
void api_call_fail(struct api_call *call, const struct error *err);

int api_call_status_of(enum error_kind kind);

#endif
