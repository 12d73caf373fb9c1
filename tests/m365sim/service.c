#include "tests/m365sim/service.h"

#include "common/base/memory.h"
#include "tests/m365sim/auth.h"
#include "tests/m365sim/faults.h"
#include "tests/m365sim/limits.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/routes.h"
#include "tests/m365sim/sim.h"
#include "tests/m365sim/stats.h"

#include <string.h>
#include <strings.h>

/* "delta()" and "microsoft.graph.delta()" are "delta". */
static void
plain_function(char *segment)
{
    size_t len = strlen(segment);
    if (len > 2 && strcmp(segment + len - 2, "()") == 0)
        segment[len - 2] = '\0';
    static const char prefix[] = "microsoft.graph.";
    if (strncmp(segment, prefix, sizeof(prefix) - 1) == 0 && strchr(segment + sizeof(prefix) - 1, '.') == NULL)
        memmove(segment, segment + sizeof(prefix) - 1, strlen(segment + sizeof(prefix) - 1) + 1);
}

static void
remove_segments(struct request *r, size_t at, size_t count)
{
    char *gone[2][2] = { { NULL } };
    for (size_t i = 0; i < count; i++) {
        gone[i][0] = r->segments[at + i];
        gone[i][1] = r->raw[at + i];
    }
    size_t rest = r->segment_count - at - count;
    memmove(&r->segments[at], &r->segments[at + count], rest * sizeof(char *));
    memmove(&r->raw[at], &r->raw[at + count], rest * sizeof(char *));
    r->segment_count -= count;
    for (size_t i = 0; i < count; i++) {
        memory_free_p(&gone[i][0]);
        memory_free_p(&gone[i][1]);
    }
}

/* Paths through a folder are paths without it: "mailFolders/A/childFolders/B" is "mailFolders/B", and
 * ".../messages/M" is the same message in any folder. */
static const struct {
    const char *folders, *nested, *items;
} shortcuts[] = {
    { "mailFolders", "childFolders", "messages" },
    { "contactFolders", "childFolders", "contacts" },
    { "calendars", NULL, "events" },
};

static void
normalise(struct request *r)
{
    for (size_t i = 3; i < r->segment_count; i++)
        plain_function(r->segments[i]);
    for (size_t i = 0; i < ARRAY_LEN(shortcuts); i++) {
        if (r->segment_count <= 6 || strcasecmp(r->segments[3], shortcuts[i].folders) != 0)
            continue;
        while (shortcuts[i].nested != NULL && r->segment_count > 6 &&
               strcasecmp(r->segments[5], shortcuts[i].nested) == 0)
            remove_segments(r, 4, 2);
        if (r->segment_count > 6 && strcasecmp(r->segments[5], shortcuts[i].items) == 0 &&
            strcasecmp(r->segments[6], "delta") != 0)
            remove_segments(r, 3, 2);
    }
}

static bool
route_matches(const struct route *route, struct request *r)
{
    const char *p = route->pattern;
    size_t i = 0, argument = 0;
    memset(r->arguments, 0, sizeof(r->arguments));
    for (; *p == '/'; i++) {
        size_t len = strcspn(++p, "/");
        if (len == 2 && strncmp(p, "**", 2) == 0) {
            r->tail = i;
            return true;
        }
        if (i >= r->segment_count)
            return false;
        if (len == 2 && strncmp(p, "{}", 2) == 0)
            r->arguments[argument++] = r->segments[i];
        else if (strncasecmp(p, r->segments[i], len) != 0 || r->segments[i][len] != '\0')
            return false;
        p += len;
    }
    return i == r->segment_count;
}

static const struct route *
find_route(struct request *r, bool *other_method)
{
    size_t count;
    const struct route *routes = routes_table(&count);
    *other_method = false;
    for (size_t i = 0; i < count; i++) {
        if (!route_matches(&routes[i], r))
            continue;
        if (routes[i].method == NULL || strcmp(routes[i].method, r->method) == 0)
            return &routes[i];
        *other_method = true;
    }
    return NULL;
}

static void
run_route(struct request *r, struct reply *reply, const struct route *route, bool other_method)
{
    if (route != NULL)
        route->handle(r, reply);
    else if (other_method)
        reply_error(reply, 405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.",
                    NULL);
    else
        reply_error(reply, 400, "BadRequest", "Resource not found for the segment.", NULL);
}

static uint64_t
reply_size(const struct reply *reply)
{
    uint64_t size = reply->fd >= 0 ? reply->length : reply->len;
    return size < reply->cut_after ? size : reply->cut_after;
}

static void
answer(struct request *r, struct reply *reply, const struct route *route, bool other_method)
{
    enum route_area area = route != NULL ? route->area : ROUTE_DIRECTORY;
    struct limits_ticket ticket;
    bool open = area == ROUTE_OPEN || area == ROUTE_TRANSFER;
    if (faults_before(r->sim->faults, r, reply, r->sim))
        return;
    if (!open && !auth_check(r->sim->auth, r, reply))
        return;
    if (limits_enter(r->sim->limits, &ticket, r, route, reply)) {
        run_route(r, reply, route, other_method);
        limits_leave(r->sim->limits, &ticket, reply);
    }
    faults_after(r->sim->faults, r, reply);
}

/* Routes of drives are one to the table; statistics tell the actions apart. */
static const char *
kind_of(const struct route *route, const struct request *r)
{
    static const char *const actions[][2] = { { "delta", "drive/delta" },
                                              { "children", "drive/children" },
                                              { "content", "drive/content" },
                                              { "createUploadSession", "drive/session" },
                                              { "permissions", "drive/permissions" } };
    if (route == NULL)
        return "unknown";
    const char *last = r->segments[r->segment_count - 1];
    for (size_t i = 0; strcmp(route->kind, "drive") == 0 && i < ARRAY_LEN(actions); i++)
        if (strcasecmp(actions[i][0], last) == 0)
            return actions[i][1];
    return route->kind;
}

void
service_handle(struct request *r, struct reply *reply)
{
    bool other_method;
    if (r->segment_count > 0 && strcasecmp(r->segments[0], "v1.0") == 0)
        normalise(r);
    const struct route *route = find_route(r, &other_method);
    if (route != NULL && route->area == ROUTE_CONTROL) {
        route->handle(r, reply);
        return;
    }
    const char *kind = kind_of(route, r);
    const char *mailbox = route != NULL && route->area == ROUTE_OUTLOOK ? r->arguments[0] : NULL;
    stats_begin(r->sim->stats, kind, mailbox);
    answer(r, reply, route, other_method);
    stats_end(r->sim->stats, kind, mailbox, reply->status, r->body.size, reply_size(reply));
}
