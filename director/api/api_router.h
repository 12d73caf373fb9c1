#ifndef LONGHAUL_DIRECTOR_API_API_ROUTER_H
#define LONGHAUL_DIRECTOR_API_API_ROUTER_H

/* From method and path to a handler. Pure. */

#include <stdbool.h>
#include <stddef.h>

struct api_call;
struct error;

enum api_method { API_GET, API_POST, API_PUT, API_PATCH, API_DELETE };
#define API_METHOD_COUNT 5

/* Who may call: anybody, or a token with this scope at least. */
enum api_access { API_PUBLIC, API_VIEWER, API_OPERATOR, API_ADMIN };

/* 0 when the call has its reply, 1 when the handler wants to be asked again soon, -1 on failure. */
typedef int api_handler(struct api_call *call, struct error *err);

struct api_route {
    enum api_method method;
    const char *pattern; /* "/api/v1/tenants/{tenant}": a brace takes one segment that is not empty */
    enum api_access access;
    bool installation; /* about more than one tenant: not for tokens that are bound to one */
    api_handler *handle;
};

#define API_PARAMETERS 2
#define API_SEGMENT    256 /* longest path segment taken as a parameter, with the NUL */

struct api_match {
    const struct api_route *route;
    char parameters[API_PARAMETERS][API_SEGMENT];
};

/* -1 with ERROR_NOT_FOUND when no pattern fits the path, ERROR_UNSUPPORTED when one does but not with this
 * method, ERROR_LIMIT when a parameter is too long. path is decoded already and has no query. */
int api_router_match(const struct api_route *routes, size_t count, enum api_method method, const char *path,
                     struct api_match *match, struct error *err);

/* "GET" ...; -1 when the name is none of ours. */
const char *api_router_method_name(enum api_method method);
int api_router_method_from_name(const char *name, enum api_method *method);
#endif
