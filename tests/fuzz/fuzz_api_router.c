/* "METHOD path" against the real table. A match, put back into its pattern, is the path again. */

#include "common/base/error.h"
#include "director/api/api_routes.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_match(const struct api_match *match, const char *path)
{
    char built[2048];
    size_t at = 0, parameter = 0;

    for (const char *p = match->route->pattern; *p != '\0' && at < sizeof(built);) {
        if (*p != '{') {
            built[at++] = *p++;
            continue;
        }
        at += (size_t)snprintf(built + at, sizeof(built) - at, "%s", match->parameters[parameter++]);
        p = strchr(p, '}') + 1;
    }
    if (at >= sizeof(built) || at != strlen(path) || memcmp(built, path, at) != 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[1024];
    struct api_match match;
    enum api_method method;

    if (size >= sizeof(text))
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    char *path = strchr(text, ' ');
    if (path == NULL)
        return 0;
    *path++ = '\0';
    if (api_router_method_from_name(text, &method) != 0)
        return 0;
    if (api_router_match(api_routes, api_route_count, method, path, &match, NULL) == 0)
        check_match(&match, path);
    return 0;
}
