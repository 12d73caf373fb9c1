#include "common/base/memory.h"
#include "tests/m365sim/calendars.h"
#include "tests/m365sim/message_internal.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/tenant.h"
#include "tests/m365sim/tree.h"
#include "tests/m365sim/zones.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SETTABLE                                                                                                       \
    "allowNewTimeProposals attendees body categories end hideAttendees "                                               \
    "importance isAllDay isOnlineMeeting "                                                                             \
    "isReminderOn location locations onlineMeetingProvider recurrence "                                                \
    "reminderMinutesBeforeStart responseRequested "                                                                    \
    "sensitivity showAs singleValueExtendedProperties start subject "                                                  \
    "transactionId"
/* uid, iCalUId, seriesMasterId, the lists of occurrences and the like are
 * refused, as Exchange does. */
#define IGNORED                                                                                                        \
    "organizer bodyPreview hasAttachments originalStartTimeZone "                                                      \
    "originalEndTimeZone isCancelled type responseStatus "                                                             \
    "onlineMeetingUrl"

/* "start" or "end" as given becomes UTC; the zone's name is kept. */
static const char *
take_time(json_t *document, const char *name, const char *zone_name)
{
    const json_t *given = json_object_get(document, name);
    const char *zone = json_string_value(json_object_get(given, "timeZone"));
    char text[32];
    struct icaltimetype t;
    zones_lock();
    bool good = zones_read(json_string_value(json_object_get(given, "dateTime")), zone != NULL ? zone : "UTC", &t);
    if (good && json_is_true(json_object_get(document, "isAllDay")))
        good = zones_read(json_string_value(json_object_get(given, "dateTime")), "UTC", &t) && t.hour == 0 &&
               t.minute == 0;
    if (good)
        zones_write(t, NULL, text);
    zones_unlock();
    if (!good)
        return "Start and end need a dateTime and a known timeZone; those of "
               "all-day events are midnights.";
    json_object_set_new(document, zone_name, json_string(zone != NULL ? zone : "UTC"));
    json_object_set_new(document, name, json_pack("{s:s,s:s}", "dateTime", text, "timeZone", "UTC"));
    return NULL;
}

static const char *
time_text(const json_t *document, const char *name)
{
    const char *text = json_string_value(json_object_get(json_object_get(document, name), "dateTime"));
    return text != NULL ? text : "";
}

/* What follows from the properties that were set. A text for a 400, or NULL. */
static const char *
settle(json_t *document, const json_t *given)
{
    const char *problem = NULL;
    if (json_object_get(given, "start") != NULL)
        problem = take_time(document, "start", "originalStartTimeZone");
    if (problem == NULL && json_object_get(given, "end") != NULL)
        problem = take_time(document, "end", "originalEndTimeZone");
    if (problem == NULL && strcmp(time_text(document, "end"), time_text(document, "start")) < 0)
        problem = "The calendar item's end date is earlier than its start date.";
    const json_t *body = json_object_get(given, "body"), *place = json_object_get(given, "location");
    const char *content = json_string_value(json_object_get(body, "content"));
    if (content != NULL) {
        const char *type = json_string_value(json_object_get(body, "contentType"));
        bool html = type != NULL && strcasecmp(type, "html") == 0;
        CLEANUP(memory_free_p)
        char *flat = html ? message_strip_html(content) : memory_strdup(content);
        CLEANUP(memory_free_p) char *preview = message_preview(flat);
        message_set_text(document, "bodyPreview", preview);
    }
    if (json_is_object(place) && json_object_get(given, "locations") == NULL)
        json_object_set_new(document, "locations", json_pack("[O]", place));
    const char *type = json_string_value(json_object_get(document, "type"));
    if (type == NULL || strcmp(type, "exception") != 0) {
        bool series = json_is_object(json_object_get(document, "recurrence"));
        json_object_set_new(document, "type", json_string(series ? "seriesMaster" : "singleInstance"));
    }
    return problem;
}

/* An event made before with the same transactionId, or TREE_NONE. */
static uint32_t
made_before(struct mailbox *m, uint32_t folder, const json_t *given)
{
    const json_t *wanted = json_object_get(given, "transactionId");
    for (uint32_t c = TREE_NONE; json_is_string(wanted) && (c = tree_next_child(m->tree, folder, c)) != TREE_NONE;) {
        json_t *document = box_document(m->tree, c);
        bool same = json_equal(json_object_get(document, "transactionId"), wanted);
        json_decref(document);
        if (same)
            return c;
    }
    return TREE_NONE;
}

static void
create(struct mailbox *m, uint32_t folder, json_t *document, const json_t *given)
{
    uint32_t index = made_before(m, folder, given);
    if (index == TREE_NONE)
        index = box_add(m, folder, document);
    if (index != TREE_NONE)
        event_reply(m, index, 201);
}

void
events_create(struct request *r, struct reply *reply)
{
    struct mailbox m = { 0 };
    json_t *given = box_body(r, reply), *document = json_object();
    CLEANUP(memory_free_p)
    char *refused = box_take(document, given, "event", SETTABLE, IGNORED);
    const char *problem = refused;
    if (given != NULL && problem == NULL &&
        (json_object_get(given, "start") == NULL || json_object_get(given, "end") == NULL))
        problem = "At least one of the required properties 'start' and 'end' is missing.";
    if (given != NULL && problem == NULL)
        problem = settle(document, given);
    if (problem != NULL) {
        box_bad_request(reply, problem);
    } else if (given != NULL && box_begin(&m, r, reply, BOX_CALENDARS)) {
        uint32_t folder = box_folder(&m, r->arguments[1], CALENDAR_ALIAS);
        if (folder != TREE_NONE)
            create(&m, folder, document, given);
    }
    mailbox_end(&m);
    json_decref(given);
    json_decref(document);
}

/* The document that an occurrence begins as when it becomes an exception; NULL
 * and the 404. */
static json_t *
exception_of(struct mailbox *m, uint32_t master, const char *date)
{
    json_t *rows = json_array(), *document = box_document(m->tree, master);
    event_occurrences(m, master, document, "", "", date, rows);
    const json_t *row = json_array_get(rows, 0);
    if (row == NULL) {
        reply_error(m->reply, 404, "ErrorItemNotFound", "The specified object was not found in the store.", NULL);
        json_decref(document);
        document = NULL;
    } else {
        json_object_set(document, "start", json_object_get(row, "start"));
        json_object_set(document, "end", json_object_get(row, "end"));
        json_object_set_new(document, "originalStart", json_sprintf("%.19sZ", time_text(row, "start")));
        json_object_set_new(document, "type", json_string("exception"));
        json_object_del(document, "recurrence");
        json_object_del(document, "_cancelled");
        json_object_del(document, "_attachments");
        json_object_del(document, "transactionId");
    }
    json_decref(rows);
    return document;
}

static uint32_t
add_exception(struct mailbox *m, uint32_t master, json_t *document)
{
    uint32_t index = box_add(m, tree_at(m->tree, master)->parent, document);
    if (index == TREE_NONE)
        return index;
    CLEANUP(memory_free_p)
    char *name = memory_printf("x%016llx.%s", (unsigned long long)tree_at(m->tree, master)->key,
                               tree_name(m->tree, tree_at(m->tree, index)));
    tree_move(m->tree, index, tree_at(m->tree, index)->parent, name, 0);
    tree_touch(m->tree, master, true);
    return index;
}

void
events_update(struct request *r, struct reply *reply)
{
    struct mailbox m = { 0 };
    char date[EVENT_DATE_LEN];
    json_t *given = box_body(r, reply), *document = NULL;
    uint32_t index = TREE_NONE;
    if (given != NULL && box_begin(&m, r, reply, BOX_CALENDARS))
        index = event_find(&m, r->arguments[1], date);
    if (index != TREE_NONE)
        document = date[0] != '\0' ? exception_of(&m, index, date) : box_document(m.tree, index);
    if (document != NULL) {
        CLEANUP(memory_free_p)
        char *refused = box_take(document, given, "event", SETTABLE, IGNORED);
        const char *problem = refused != NULL ? refused : settle(document, given);
        if (problem != NULL)
            box_bad_request(reply, problem);
        else if (date[0] != '\0' ? (index = add_exception(&m, index, document)) != TREE_NONE
                                 : box_store(&m, index, document))
            event_reply(&m, index, 200);
    }
    mailbox_end(&m);
    json_decref(document);
    json_decref(given);
}

static bool
cancel(struct mailbox *m, uint32_t master, const char *date)
{
    json_t *document = box_document(m->tree, master), *list = json_object_get(document, "_cancelled");
    if (list == NULL) {
        list = json_array();
        json_object_set_new(document, "_cancelled", list);
    }
    json_array_append_new(list, json_string(date));
    bool done = box_store(m, master, document);
    json_decref(document);
    return done;
}

/* A deleted exception leaves its day without an occurrence. */
static bool
delete_exception(struct mailbox *m, uint32_t index)
{
    uint32_t master = event_master(m, index);
    char text[32];
    struct icaltimetype t;
    bool done = true;
    json_t *document = box_document(m->tree, index);
    zones_lock();
    icaltimezone *zone = zones_find(json_string_value(json_object_get(document, "originalStartTimeZone")));
    bool known = zones_read(json_string_value(json_object_get(document, "originalStart")), "UTC", &t);
    if (known)
        zones_write(t, json_is_true(json_object_get(document, "isAllDay")) ? NULL : zone, text);
    zones_unlock();
    text[known ? 10 : 0] = '\0';
    if (known && master != TREE_NONE && !(tree_at(m->tree, master)->flags & TREE_DELETED))
        done = cancel(m, master, text);
    tree_delete(m->tree, index);
    json_decref(document);
    return done;
}

static bool
delete_event(struct mailbox *m, uint32_t index)
{
    if (event_is_exception(m, index))
        return delete_exception(m, index);
    for (uint32_t x; (x = event_next_exception(m, index, TREE_NONE)) != TREE_NONE;)
        tree_delete(m->tree, x);
    tree_delete(m->tree, index);
    return true;
}

void
events_delete(struct request *r, struct reply *reply)
{
    struct mailbox m;
    char date[EVENT_DATE_LEN];
    if (!box_begin(&m, r, reply, BOX_CALENDARS))
        return;
    uint32_t index = event_find(&m, r->arguments[1], date);
    json_t *occurrence = index != TREE_NONE && date[0] != '\0' ? exception_of(&m, index, date) : NULL;
    if (index != TREE_NONE && (date[0] == '\0' || occurrence != NULL))
        if (date[0] != '\0' ? cancel(&m, index, date) : delete_event(&m, index))
            reply_empty(reply, 204);
    json_decref(occurrence);
    mailbox_end(&m);
}
