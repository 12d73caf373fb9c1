#include "tests/m365sim/limits.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/routes.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct window {
    uint64_t began_ms;
    json_int_t used;
};

struct mailbox_use {
    char *name;
    struct window requests, uploads;
    json_int_t running;
    struct mailbox_use *next;
};

struct limits {
    pthread_mutex_t mutex;
    const struct clock *clock;
    bool on;
    json_int_t outlook_requests, outlook_window, outlook_concurrent, outlook_bytes, outlook_bytes_window;
    json_int_t share_units, share_window, share_percent;
    json_int_t directory_units, directory_window;
    struct mailbox_use *mailboxes;
    struct window share, directory;
};

static json_int_t
number(const json_t *numbers, const char *part, const char *name)
{
    return json_integer_value(json_object_get(json_object_get(numbers, part), name));
}

static void
forget(struct limits *l)
{
    while (l->mailboxes != NULL) {
        struct mailbox_use *gone = l->mailboxes;
        l->mailboxes = gone->next;
        free(gone->name);
        free(gone);
    }
    l->share = l->directory = (struct window){ 0 };
}

int
limits_set(struct limits *l, const json_t *numbers, struct error *err)
{
    pthread_mutex_lock(&l->mutex);
    forget(l);
    l->on = numbers != NULL && !json_is_null(numbers);
    l->outlook_requests = number(numbers, "outlook", "requests");
    l->outlook_window = number(numbers, "outlook", "window_seconds");
    l->outlook_concurrent = number(numbers, "outlook", "concurrent");
    l->outlook_bytes = number(numbers, "outlook", "upload_bytes");
    l->outlook_bytes_window = number(numbers, "outlook", "upload_window_seconds");
    l->share_units = number(numbers, "sharepoint", "units");
    l->share_window = number(numbers, "sharepoint", "window_seconds");
    l->share_percent = number(numbers, "sharepoint", "headers_from_percent");
    l->directory_units = number(numbers, "directory", "units");
    l->directory_window = number(numbers, "directory", "window_seconds");
    pthread_mutex_unlock(&l->mutex);
    return l->on && !json_is_object(numbers) ? FAIL(err, ERROR_USAGE, 0, "limits are a JSON object") : 0;
}

struct limits *
limits_open(const char *file, const struct clock *clock, struct error *err)
{
    struct limits *l = MEMORY_NEW(struct limits);
    json_error_t problem;
    pthread_mutex_init(&l->mutex, NULL);
    l->clock = clock;
    if (file == NULL || strcmp(file, "off") == 0)
        return l;
    json_t *numbers = json_load_file(file, 0, &problem);
    if (numbers == NULL || limits_set(l, numbers, err) != 0) {
        FAIL(err, ERROR_CONFIG, 0, "--limits %s: line %d: %s", file, problem.line, problem.text);
        limits_free(l);
        l = NULL;
    }
    json_decref(numbers);
    return l;
}

void
limits_free(struct limits *l)
{
    if (l == NULL)
        return;
    forget(l);
    pthread_mutex_destroy(&l->mutex);
    free(l);
}

/* 0 when cost still fits; otherwise the seconds until the window ends. A limit of 0 is none. */
static json_int_t
spend(struct limits *l, struct window *w, json_int_t limit, json_int_t seconds, json_int_t cost)
{
    uint64_t now = clock_monotonic_ms(l->clock);
    if (limit <= 0 || seconds <= 0)
        return 0;
    if (w->began_ms == 0 || now - w->began_ms >= (uint64_t)seconds * 1000)
        *w = (struct window){ now, 0 };
    if (w->used + cost <= limit) {
        w->used += cost;
        return 0;
    }
    json_int_t left = seconds - (json_int_t)((now - w->began_ms) / 1000);
    return left > 0 ? left : 1;
}

static struct mailbox_use *
find_mailbox(struct limits *l, const char *name)
{
    struct mailbox_use *m = l->mailboxes;
    while (m != NULL && strcasecmp(m->name, name) != 0)
        m = m->next;
    if (m == NULL) {
        m = MEMORY_NEW(struct mailbox_use);
        m->name = memory_strdup(name);
        m->next = l->mailboxes;
        l->mailboxes = m;
    }
    return m;
}

static void
refuse(struct reply *reply, json_int_t seconds, const char *code, const char *message, const char *inner)
{
    reply_error(reply, 429, code, message, inner);
    reply_header(reply, "Retry-After", "%d", (int)seconds);
}

static bool
enter_outlook(struct limits *l, struct limits_ticket *ticket, const struct request *r, struct reply *reply)
{
    struct mailbox_use *m = find_mailbox(l, r->arguments[0]);
    json_int_t wait = spend(l, &m->requests, l->outlook_requests, l->outlook_window, 1);
    if (wait > 0) {
        refuse(reply, wait, "ApplicationThrottled", "Application is over its RequestRate limit.", NULL);
        return false;
    }
    if (l->outlook_concurrent > 0 && m->running >= l->outlook_concurrent) {
        refuse(reply, 1, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.", NULL);
        return false;
    }
    wait = spend(l, &m->uploads, l->outlook_bytes, l->outlook_bytes_window, (json_int_t)r->body.size);
    if (wait > 0) {
        refuse(reply, wait, "ApplicationThrottled", "Application is over its IncomingBytes limit.", NULL);
        return false;
    }
    m->running++;
    snprintf(ticket->mailbox, sizeof(ticket->mailbox), "%s", m->name);
    return true;
}

/* Resource units: 1 for one item, a download, delta with a token; 2 for lists, writes, delta without one; 5 for
 * permissions. */
static json_int_t
share_cost(const struct request *r)
{
    if (strstr(r->url, "permissions") != NULL)
        return 5;
    if (strcmp(r->method, "GET") != 0)
        return 2;
    const char *token = request_parameter(r, "token");
    if (strstr(r->url, "/delta") != NULL)
        return token != NULL && token[0] != '\0' ? 1 : 2;
    return strstr(r->url, "/children") != NULL || strstr(r->url, "/drives?") != NULL ? 2 : 1;
}

static bool
enter_share(struct limits *l, const struct request *r, struct reply *reply)
{
    json_int_t wait = spend(l, &l->share, l->share_units, l->share_window, share_cost(r));
    json_int_t used = l->share.used, limit = l->share_units;
    if (wait > 0)
        refuse(reply, wait, "activityLimitReached", "The request has been throttled", "throttledRequest");
    if (limit > 0 && used * 100 >= limit * l->share_percent) {
        uint64_t spent = (clock_monotonic_ms(l->clock) - l->share.began_ms) / 1000;
        json_int_t reset = l->share_window - (json_int_t)spent;
        reply_header(reply, "RateLimit-Limit", "%d", (int)limit);
        reply_header(reply, "RateLimit-Remaining", "%d", wait > 0 ? 0 : (int)(limit - used));
        reply_header(reply, "RateLimit-Reset", "%d", (int)(reset > 0 ? reset : 1));
    }
    return wait == 0;
}

static bool
enter_directory(struct limits *l, const struct request *r, struct reply *reply)
{
    json_int_t cost = strcmp(r->method, "GET") == 0 && strstr(r->url, "/users/") == NULL ? 2 : 1;
    json_int_t wait = spend(l, &l->directory, l->directory_units, l->directory_window, cost);
    reply_header(reply, "x-ms-resource-unit", "%d", (int)cost);
    if (wait > 0)
        refuse(reply, wait, "TooManyRequests", "Too many requests.", NULL);
    return wait == 0;
}

bool
limits_enter(struct limits *l, struct limits_ticket *ticket, const struct request *r, const struct route *route,
             struct reply *reply)
{
    bool fits = true;
    ticket->mailbox[0] = '\0';
    if (route == NULL)
        return true;
    pthread_mutex_lock(&l->mutex);
    if (l->on) {
        switch (route->area) {
        case ROUTE_OUTLOOK:
            fits = enter_outlook(l, ticket, r, reply);
            break;
        case ROUTE_DRIVE:
        case ROUTE_TRANSFER:
            fits = enter_share(l, r, reply);
            break;
        case ROUTE_DIRECTORY:
            fits = strcmp(route->kind, "batch") == 0 || enter_directory(l, r, reply);
            break;
        case ROUTE_OPEN:
        case ROUTE_CONTROL:
            break;
        }
    }
    pthread_mutex_unlock(&l->mutex);
    return fits;
}

void
limits_leave(struct limits *l, const struct limits_ticket *ticket, struct reply *reply)
{
    (void)reply;
    if (ticket->mailbox[0] == '\0')
        return;
    pthread_mutex_lock(&l->mutex);
    struct mailbox_use *m = find_mailbox(l, ticket->mailbox);
    if (m->running > 0)
        m->running--;
    pthread_mutex_unlock(&l->mutex);
}
