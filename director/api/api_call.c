#include "director/api/api_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "director/api/api_fields.h"
#include "director/api/api_token.h"

void
api_call_init(struct api_call *call, const struct api_service *service, const struct api_request *request)
{
    memset(call, 0, sizeof(*call));
    call->service = service;
    call->store = service->store;
    call->director = service->director;
    call->clock = service->clock;
    call->request = request;
    call->started_ms = clock_monotonic_ms(service->clock);
    call->status = 200;
}

void
api_call_clear(struct api_call *call)
{
    json_decref(call->body);
    json_decref(call->reply);
    call->body = NULL;
    call->reply = NULL;
}

static int
authorise(struct api_call *call, struct error *err)
{
    const struct api_route *route = call->match.route;

    if (call->access < route->access)
        return FAIL(err, ERROR_DENIED, 0, "this token's scope does not allow it");
    if (route->installation && call->tenant[0] != '\0')
        return FAIL(err, ERROR_DENIED, 0, "this token is bound to one tenant");
    return 0;
}

/* A stranger learns nothing from the router: who has no valid token gets the same answer for every path. */
static int
prepare(struct api_call *call, struct error *err)
{
    const struct api_service *service = call->service;
    const struct api_request *request = call->request;
    struct error routing = ERROR_INIT;
    int routed =
        api_router_match(service->routes, service->route_count, request->method, request->path, &call->match, &routing);

    if (routed == 0 && call->match.route->access == API_PUBLIC)
        return 0;
    if (api_token_authenticate(call, service->store, request->authorization, err) != 0)
        return -1;
    if (routed != 0) {
        *err = routing;
        return -1;
    }
    if (authorise(call, err) != 0)
        return -1;
    if (request->body_len > 0) {
        call->body = api_fields_parse(request->body, request->body_len, err);
        return call->body == NULL ? -1 : 0;
    }
    if (request->method == API_POST || request->method == API_PUT || request->method == API_PATCH)
        call->body = json_object();
    return 0;
}

int
api_call_serve(struct api_call *call)
{
    struct error err = ERROR_INIT;
    int result = 0;

    if (call->match.route == NULL)
        result = prepare(call, &err);
    if (result == 0)
        result = call->match.route->handle(call, &err);
    if (result < 0)
        api_call_fail(call, &err);
    return result == 1;
}

const char *
api_call_parameter(const struct api_call *call, size_t n)
{
    return call->match.parameters[n];
}

const char *
api_call_query(const struct api_call *call, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < call->request->query_count; i++) {
        const char *query = call->request->queries[i];
        if (strncmp(query, name, len) == 0 && query[len] == '=')
            return query + len + 1;
    }
    return NULL;
}

int
api_call_query_number(const struct api_call *call, const char *name, uint64_t min, uint64_t max, uint64_t fallback,
                      uint64_t *value, struct error *err)
{
    const char *text = api_call_query(call, name);
    char *end;

    if (text == NULL) {
        *value = fallback;
        return 0;
    }
    errno = 0;
    *value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || *value < min || *value > max)
        return FAIL(err, ERROR_USAGE, 0, "?%s= wants a number from %llu to %llu", name, (unsigned long long)min,
                    (unsigned long long)max);
    return 0;
}

int
api_call_waits(const struct api_call *call, struct error *err)
{
    uint64_t seconds;

    if (api_call_query_number(call, "wait", 0, API_WAIT_LIMIT_S, 0, &seconds, err) != 0)
        return -1;
    return clock_monotonic_ms(call->clock) - call->started_ms < seconds * 1000;
}

int
api_call_reply(struct api_call *call, json_t *reply)
{
    json_decref(call->reply);
    call->reply = reply;
    return 0;
}

int
api_call_created(struct api_call *call, json_t *reply)
{
    call->status = 201;
    return api_call_reply(call, reply);
}

void
api_call_fail(struct api_call *call, const struct error *err)
{
    call->status = api_call_status_of(err->kind);
    api_call_reply(call,
                   json_pack("{s:{s:s, s:s}}", "error", "kind", error_kind_name(err->kind), "message", err->text));
    if (call->reply == NULL) /* a text that is not UTF-8 */
        api_call_reply(call, json_pack("{s:{s:s, s:s}}", "error", "kind", error_kind_name(err->kind), "message",
                                       "the message cannot be shown"));
}

int
api_call_status_of(enum error_kind kind)
{
    switch (kind) {
    case ERROR_NONE:
        return 200;
    case ERROR_USAGE:
    case ERROR_FORMAT:
        return 400;
    case ERROR_UNAUTHENTICATED:
        return 401;
    case ERROR_DENIED:
        return 403;
    case ERROR_NOT_FOUND:
        return 404;
    case ERROR_UNSUPPORTED:
        return 405;
    case ERROR_EXISTS:
    case ERROR_CONFLICT:
    case ERROR_FENCED:
    case ERROR_LOCKED:
    case ERROR_CANCELLED:
        return 409;
    case ERROR_LIMIT:
        return 413;
    case ERROR_CONFIG:
        return 422;
    case ERROR_THROTTLED:
        return 429;
    case ERROR_NETWORK:
        return 502;
    case ERROR_UNAVAILABLE:
        return 503;
    case ERROR_TIMEOUT:
        return 504;
    case ERROR_NO_SPACE:
        return 507;
    case ERROR_CORRUPT:
    case ERROR_IO:
    case ERROR_INTERNAL:
    case ERROR_KIND_COUNT:
        return 500;
    }
    return 500;
}
