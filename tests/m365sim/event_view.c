#include "common/base/memory.h"
#include "tests/m365sim/calendars.h"
#include "tests/m365sim/page.h"
#include "tests/m365sim/recurrence.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/select.h"
#include "tests/m365sim/tenant.h"
#include "tests/m365sim/tree.h"
#include "tests/m365sim/zones.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VIEW_PAGE 10u
#define VIEW_MAX  1000u

/* What the expansion of one series goes on with. Times compare as text: all are
 * UTC in one form. */
struct expansion {
    struct mailbox *m;
    uint32_t index;
    const json_t *document;
    const char *from, *to, *date;
    int length;    /* seconds */
    json_t *taken; /* dates of exceptions and cancelled occurrences */
    json_t *rows;
};

static const char *
time_text(const json_t *document, const char *name)
{
    const char *text = json_string_value(json_object_get(json_object_get(document, name), "dateTime"));
    return text != NULL ? text : "";
}

static bool
on_start(void *ctx, struct icaltimetype utc, struct icaltimetype local)
{
    struct expansion *e = ctx;
    char start[32], end[32], date[EVENT_DATE_LEN], id[MAILBOX_ID_LEN];
    struct icaltimetype last = utc;
    icaltime_adjust(&last, 0, 0, 0, e->length);
    zones_write(utc, NULL, start);
    zones_write(last, NULL, end);
    snprintf(date, sizeof(date), "%04d-%02d-%02d", local.year, local.month, local.day);
    bool one = e->date[0] != '\0';
    if (one ? strcmp(date, e->date) > 0 : strcmp(start, e->to) >= 0)
        return false;
    if ((one ? strcmp(date, e->date) != 0 : strcmp(end, e->from) <= 0 && strcmp(start, e->from) < 0) ||
        json_object_get(e->taken, date) != NULL)
        return true;
    json_t *o = event_json(e->m, e->index);
    box_item_id(e->m, e->index, id);
    json_object_set_new(o, "id", json_sprintf("%s.%s", id, date));
    json_object_set_new(o, "seriesMasterId", json_string(id));
    json_object_set_new(o, "type", json_string("occurrence"));
    json_object_set_new(o, "recurrence", json_null());
    json_object_set_new(o, "start", json_pack("{s:s,s:s}", "dateTime", start, "timeZone", "UTC"));
    json_object_set_new(o, "end", json_pack("{s:s,s:s}", "dateTime", end, "timeZone", "UTC"));
    json_array_append_new(e->rows, o);
    return json_array_size(e->rows) < RECURRENCE_LIMIT && !one;
}

static json_t *
taken_dates(struct mailbox *m, uint32_t master, const json_t *document, icaltimezone *zone)
{
    json_t *taken = json_object(), *one;
    size_t i;
    struct icaltimetype t;
    char text[32];
    json_array_foreach (json_object_get(document, "_cancelled"), i, one)
        if (json_is_string(one))
            json_object_set_new(taken, json_string_value(one), json_true());
    for (uint32_t x = TREE_NONE; (x = event_next_exception(m, master, x)) != TREE_NONE;) {
        json_t *exception = box_document(m->tree, x);
        if (zones_read(json_string_value(json_object_get(exception, "originalStart")), "UTC", &t)) {
            zones_write(t, zone, text);
            text[10] = '\0';
            json_object_set_new(taken, text, json_true());
        }
        json_decref(exception);
    }
    return taken;
}

void
event_occurrences(struct mailbox *m, uint32_t index, const json_t *document, const char *from, const char *to,
                  const char *date, json_t *rows)
{
    const char *start = time_text(document, "start"), *end = time_text(document, "end");
    const json_t *recurrence = json_object_get(document, "recurrence");
    struct icaltimetype first, last;
    if (!json_is_object(recurrence)) {
        if (date[0] == '\0' && strcmp(start, to) < 0 && (strcmp(end, from) > 0 || strcmp(start, from) >= 0))
            json_array_append_new(rows, event_json(m, index));
        return;
    }
    zones_lock();
    icaltimezone *zone = zones_find(json_string_value(json_object_get(document, "originalStartTimeZone")));
    if (zone == NULL || json_is_true(json_object_get(document, "isAllDay")))
        zone = icaltimezone_get_utc_timezone();
    if (zones_read(start, "UTC", &first) && zones_read(end, "UTC", &last)) {
        struct expansion e = { .m = m, .index = index, .document = document, .from = from, .to = to, .date = date };
        e.length = icaldurationtype_as_int(icaltime_subtract(last, first));
        e.taken = taken_dates(m, index, document, zone);
        e.rows = rows;
        recurrence_expand(recurrence, first, zone, on_start, &e);
        json_decref(e.taken);
    }
    zones_unlock();
}

/* A bound of the window as UTC text. */
static bool
bound(const struct request *r, const char *name, char out[32])
{
    struct icaltimetype t;
    const char *given = request_parameter(r, name);
    zones_lock();
    bool good = given != NULL && zones_read(given, "UTC", &t);
    int hours, minutes;
    const char *time = good ? strchr(given, 'T') : NULL, *offset = time != NULL ? strpbrk(time, "+- ") : NULL;
    if (offset != NULL && sscanf(offset + 1, "%2d:%2d", &hours, &minutes) == 2)
        icaltime_adjust(&t, 0, 0, (*offset == '-' ? 1 : -1) * (hours * 60 + minutes), 0);
    if (good)
        zones_write(t, NULL, out);
    zones_unlock();
    return good;
}

static bool
window(const struct request *r, struct reply *reply, char from[32], char to[32])
{
    if (bound(r, "startDateTime", from) && bound(r, "endDateTime", to))
        return true;
    reply_error(reply, 400, "ErrorInvalidParameter",
                "This request requires a time window specified by the query "
                "string parameters StartDateTime and "
                "EndDateTime.",
                NULL);
    return false;
}

static int
by_start(const void *a, const void *b)
{
    return strcmp(time_text(*(json_t *const *)a, "start"), time_text(*(json_t *const *)b, "start"));
}

/* Sorted, cut into a page. Takes rows. */
static void
answer(struct mailbox *m, json_t *rows, const char *context)
{
    struct request *r = m->request;
    struct select select;
    size_t count = json_array_size(rows), i;
    unsigned long top = page_size(r, 0, VIEW_PAGE, VIEW_MAX), skip = request_number(r, "$skip", 0, 0, UINT32_MAX);
    json_t **order = memory_new((count + 1) * sizeof(*order)), *values = json_array();
    for (i = 0; i < count; i++)
        order[i] = json_array_get(rows, i);
    qsort(order, count, sizeof(*order), by_start);
    select_init(&select, request_parameter(r, "$select"));
    for (i = skip; i < count && i - skip < top; i++) {
        event_localize(m, order[i]);
        select_apply(&select, order[i]);
        json_array_append(values, order[i]);
    }
    json_t *page = page_new(r, values, "users('%s')/%s", m->account->id, context);
    if (i < count)
        page_next_skip(page, r, skip + top);
    reply_json(m->reply, 200, page);
    select_clear(&select);
    free(order);
    json_decref(rows);
}

void
events_view(struct request *r, struct reply *reply)
{
    struct mailbox m;
    char from[32], to[32];
    if (!window(r, reply, from, to) || !box_begin(&m, r, reply, BOX_CALENDARS))
        return;
    uint32_t folder = box_folder(&m, r->arguments[1], CALENDAR_ALIAS);
    if (folder != TREE_NONE) {
        json_t *rows = json_array();
        for (uint32_t c = TREE_NONE; (c = tree_next_child(m.tree, folder, c)) != TREE_NONE;) {
            json_t *document = box_document(m.tree, c);
            event_occurrences(&m, c, document, from, to, "", rows);
            json_decref(document);
        }
        answer(&m, rows, "calendarView");
    }
    mailbox_end(&m);
}

void
events_instances(struct request *r, struct reply *reply)
{
    struct mailbox m;
    char from[32], to[32], date[EVENT_DATE_LEN];
    if (!window(r, reply, from, to) || !box_begin(&m, r, reply, BOX_CALENDARS))
        return;
    uint32_t index = event_find(&m, r->arguments[1], date);
    if (index != TREE_NONE) {
        json_t *rows = json_array();
        json_t *document = box_document(m.tree, index);
        event_occurrences(&m, index, document, from, to, "", rows);
        json_decref(document);
        for (uint32_t x = TREE_NONE; (x = event_next_exception(&m, index, x)) != TREE_NONE;) {
            document = box_document(m.tree, x);
            event_occurrences(&m, x, document, from, to, "", rows);
            json_decref(document);
        }
        answer(&m, rows, "events/instances");
    }
    mailbox_end(&m);
}
