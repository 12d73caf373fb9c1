#include "director/api/api_router.h"

#include <string.h>

#include "common/base/error.h"
#include "common/base/memory.h"

static const char *const method_names[API_METHOD_COUNT] = {
    [API_GET] = "GET", [API_POST] = "POST", [API_PUT] = "PUT", [API_PATCH] = "PATCH", [API_DELETE] = "DELETE",
};

const char *
api_router_method_name(enum api_method method)
{
    return method_names[method];
}

int
api_router_method_from_name(const char *name, enum api_method *method)
{
    for (int i = 0; i < API_METHOD_COUNT; i++)
        if (strcmp(name, method_names[i]) == 0) {
            *method = (enum api_method)i;
            return 0;
        }
    return -1;
}

/* 1: fits. 0: does not. -1: fits, but a parameter is too long. */
static int
pattern_match(const char *pattern, const char *path, struct api_match *match)
{
    size_t parameter = 0;

    while (*pattern != '\0') {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return 0;
            continue;
        }
        size_t len = strcspn(path, "/");
        if (len == 0)
            return 0;
        if (len >= API_SEGMENT || parameter == API_PARAMETERS)
            return -1;
        memcpy(match->parameters[parameter], path, len);
        match->parameters[parameter++][len] = '\0';
        path += len;
        pattern = strchr(pattern, '}') + 1;
    }
    return *path == '\0';
}

int
api_router_match(const struct api_route *routes, size_t count, enum api_method method, const char *path,
                 struct api_match *match, struct error *err)
{
    bool other_method = false;

    for (size_t i = 0; i < count; i++) {
        memset(match, 0, sizeof(*match));
        int fits = pattern_match(routes[i].pattern, path, match);
        if (fits == 0)
            continue;
        if (routes[i].method != method) {
            other_method = true;
            continue;
        }
        if (fits < 0)
            return FAIL(err, ERROR_LIMIT, 0, "a name in the path is longer than %d bytes", API_SEGMENT - 1);
        match->route = &routes[i];
        return 0;
    }
    if (other_method)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "%s is not possible here", api_router_method_name(method));
    return FAIL(err, ERROR_NOT_FOUND, 0, "no such resource; the paths are listed in openapi.yaml");
}
