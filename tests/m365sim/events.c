#include "common/base/memory.h"
#include "tests/m365sim/attachment.h"
#include "tests/m365sim/calendars.h"
#include "tests/m365sim/message.h"
#include "tests/m365sim/page.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/select.h"
#include "tests/m365sim/tenant.h"
#include "tests/m365sim/tree.h"
#include "tests/m365sim/zones.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool
event_is_exception(struct mailbox *m, uint32_t index)
{
    return tree_name(m->tree, tree_at(m->tree, index))[0] == 'x';
}

uint32_t
event_master(struct mailbox *m, uint32_t exception)
{
    CLEANUP(memory_free_p)
    char *key = memory_printf("%.16s", tree_name(m->tree, tree_at(m->tree, exception)) + 1);
    return tree_find_key(m->tree, strtoull(key, NULL, 16));
}

uint32_t
event_next_exception(struct mailbox *m, uint32_t master, uint32_t previous)
{
    char name[20];
    const struct tree_node *n = tree_at(m->tree, master);
    snprintf(name, sizeof(name), "x%016llx.", (unsigned long long)n->key);
    while ((previous = tree_next_child(m->tree, n->parent, previous)) != TREE_NONE)
        if (strncmp(tree_name(m->tree, tree_at(m->tree, previous)), name, 18) == 0)
            return previous;
    return TREE_NONE;
}

uint32_t
event_find(struct mailbox *m, const char *id, char date[EVENT_DATE_LEN])
{
    const char *dot = strrchr(id, '.');
    date[0] = '\0';
    if (dot == NULL || strlen(dot + 1) != EVENT_DATE_LEN - 1)
        return mailbox_message(m, id, TREE_NONE);
    CLEANUP(memory_free_p)
    char *master = memory_printf("%.*s", (int)(dot - id), id);
    memcpy(date, dot + 1, EVENT_DATE_LEN);
    return mailbox_message(m, master, TREE_NONE);
}

static void
put_defaults(json_t *o)
{
    static const char *const nulls[] = { "transactionId", "onlineMeeting", "onlineMeetingUrl", "recurrence",
                                         "seriesMasterId" };
    json_t *d =
        json_pack("{s:s,s:{s:s,s:s},s:s,s:b,s:b,s:b,s:b,s:b,s:i,s:s,s:s,"
                  "s:s,s:[],s:[],s:[],s:{s:s,s:s}}",
                  "subject", "", "body", "contentType", "html", "content", "", "bodyPreview", "", "isAllDay", 0,
                  "isCancelled", 0, "isDraft", 0, "isReminderOn", 0, "isOnlineMeeting", 0, "reminderMinutesBeforeStart",
                  15, "importance", "normal", "sensitivity", "normal", "showAs", "busy", "categories", "attendees",
                  "locations", "location", "displayName", "", "locationType", "default");
    json_t *more = json_pack("{s:b,s:b,s:b,s:s,s:{s:s,s:s}}", "allowNewTimeProposals", 1, "hideAttendees", 0,
                             "responseRequested", 1, "onlineMeetingProvider", "unknown", "responseStatus", "response",
                             "organizer", "time", "0001-01-01T00:00:00Z");
    for (size_t i = 0; i < ARRAY_LEN(nulls); i++)
        json_object_set_new(d, nulls[i], json_null());
    json_object_update(d, more);
    json_decref(more);
    box_fill(o, d);
}

static bool
names_word(const char *list, const char *word)
{
    return list != NULL && strcasestr(list, word) != NULL;
}

/* "OID.<id of the master>.<date>" */
static void
put_cancelled(json_t *o, const json_t *document)
{
    json_t *list = json_array(), *one;
    const char *id = json_string_value(json_object_get(o, "id"));
    size_t i;
    json_array_foreach (json_object_get(document, "_cancelled"), i, one)
        json_array_append_new(list, json_sprintf("OID.%s.%s", id, json_string_value(one)));
    json_object_set_new(o, "cancelledOccurrences", list);
}

static void
put_owner(struct mailbox *m, json_t *o)
{
    const json_t *address =
        json_object_get(json_object_get(json_object_get(o, "organizer"), "emailAddress"), "address");
    bool own = address == NULL || strcasecmp(json_string_value(address), m->account->name) == 0;
    if (address == NULL)
        json_object_set_new(
            o, "organizer",
            json_pack("{s:{s:s,s:s}}", "emailAddress", "name", m->account->display, "address", m->account->name));
    json_object_set_new(o, "isOrganizer", json_boolean(own));
}

json_t *
event_json(struct mailbox *m, uint32_t index)
{
    char id[MAILBOX_ID_LEN];
    json_t *document = box_document(m->tree, index), *o = box_entity(m, index, document);
    const struct tree_node *n = tree_at(m->tree, index);
    put_defaults(o);
    put_owner(m, o);
    json_object_set_new(o, "hasAttachments", json_boolean(attachment_any_visible(document)));
    if (json_object_get(o, "iCalUId") == NULL)
        json_object_set_new(o, "iCalUId",
                            json_sprintf("040000008200E00074C5B7101A82E008%016llX", (unsigned long long)n->key));
    json_object_set_new(o, "webLink",
                        json_sprintf("https://outlook.example/owa/?itemid=%016llx", (unsigned long long)n->key));
    if (event_is_exception(m, index) && event_master(m, index) != TREE_NONE) {
        box_item_id(m, event_master(m, index), id);
        json_object_set_new(o, "seriesMasterId", json_string(id));
    }
    if (names_word(request_parameter(m->request, "$select"), "cancelledOccurrences"))
        put_cancelled(o, document);
    json_decref(document);
    return o;
}

void
event_localize(struct mailbox *m, json_t *o)
{
    static const char *const names[] = { "start", "end" };
    char wanted[100], text[32];
    struct icaltimetype t;
    size_t len;
    if (!request_prefers(m->request, "outlook.timezone", wanted, sizeof(wanted)) ||
        json_is_true(json_object_get(o, "isAllDay")))
        return;
    char *name = wanted[0] == '"' ? wanted + 1 : wanted;
    if ((len = strlen(name)) > 0 && name[len - 1] == '"')
        name[len - 1] = '\0';
    zones_lock();
    icaltimezone *zone = zones_find(name);
    for (size_t i = 0; zone != NULL && i < ARRAY_LEN(names); i++) {
        const json_t *had = json_object_get(json_object_get(o, names[i]), "dateTime");
        if (!zones_read(json_string_value(had), "UTC", &t))
            continue;
        zones_write(t, zone, text);
        json_object_set_new(o, names[i], json_pack("{s:s,s:s}", "dateTime", text, "timeZone", name));
    }
    zones_unlock();
}

static void
expand(struct mailbox *m, uint32_t index, json_t *o)
{
    const char *wanted = request_parameter(m->request, "$expand");
    if (names_word(wanted, "exceptionOccurrences")) {
        json_t *list = json_array();
        for (uint32_t x = TREE_NONE; (x = event_next_exception(m, index, x)) != TREE_NONE;) {
            json_t *one = event_json(m, x);
            event_localize(m, one);
            json_array_append_new(list, one);
        }
        json_object_set_new(o, "exceptionOccurrences", list);
    }
    if (names_word(wanted, "attachments")) {
        struct message message;
        json_t *document = box_document(m->tree, index);
        message_take(&message, m->tree, index);
        json_object_set_new(o, "attachments", attachment_list(&message, document, true));
        message_clear(&message);
        json_decref(document);
    }
}

static json_t *
any_row(struct mailbox *m, uint32_t index)
{
    json_t *o = event_json(m, index);
    expand(m, index, o);
    event_localize(m, o);
    return o;
}

/* Lists hold masters and single events. */
static json_t *
listed_row(struct mailbox *m, uint32_t index)
{
    return event_is_exception(m, index) ? NULL : any_row(m, index);
}

static const struct box_view list_view = { .context = "events", .row = listed_row, .page = 10 };
static const struct box_view delta_view = {
    .context = "events", .type = "#microsoft.graph.event", .row = any_row, .page = 10
};

void
event_reply(struct mailbox *m, uint32_t index, unsigned status)
{
    const char *select = request_parameter(m->request, "$select"), *wanted = request_parameter(m->request, "$expand");
    /* What was asked for by $expand stays whatever $select says. */
    struct box_view view = delta_view;
    struct select names;
    json_t *o = view.row(m, index);
    json_t *exceptions =
        names_word(wanted, "exceptionOccurrences") ? json_incref(json_object_get(o, "exceptionOccurrences")) : NULL;
    select_init(&names, select);
    select_apply(&names, o);
    select_clear(&names);
    if (exceptions != NULL)
        json_object_set_new(o, "exceptionOccurrences", exceptions);
    page_context(o, m->request, "users('%s')/events/$entity", m->account->id);
    reply_json(m->reply, status, o);
}

void
events_list(struct request *r, struct reply *reply)
{
    struct mailbox m;
    if (!box_begin(&m, r, reply, BOX_CALENDARS))
        return;
    uint32_t folder = box_folder(&m, r->arguments[1], CALENDAR_ALIAS);
    if (folder != TREE_NONE)
        box_list(&m, folder, &list_view);
    mailbox_end(&m);
}

void
events_delta(struct request *r, struct reply *reply)
{
    struct mailbox m;
    char id[MAILBOX_ID_LEN];
    if (!box_begin(&m, r, reply, BOX_CALENDARS))
        return;
    uint32_t folder = box_folder(&m, r->arguments[1], CALENDAR_ALIAS);
    if (folder != TREE_NONE) {
        mailbox_folder_id(m.tree, tree_at(m.tree, folder)->key, id);
        CLEANUP(memory_free_p)
        char *path = memory_printf("/v1.0/users/%s/calendars/%s/events/delta", m.account->id, id);
        box_delta(&m, folder, &delta_view, path);
    }
    mailbox_end(&m);
}

static void
answer_occurrence(struct mailbox *m, uint32_t index, const char *date)
{
    json_t *rows = json_array(), *document = box_document(m->tree, index);
    event_occurrences(m, index, document, "", "", date, rows);
    json_t *o = json_array_get(rows, 0);
    if (o == NULL) {
        reply_error(m->reply, 404, "ErrorItemNotFound", "The specified object was not found in the store.", NULL);
    } else {
        event_localize(m, o);
        reply_json(m->reply, 200, json_incref(o));
    }
    json_decref(document);
    json_decref(rows);
}

void
events_get(struct request *r, struct reply *reply)
{
    struct mailbox m;
    char date[EVENT_DATE_LEN];
    if (!box_begin(&m, r, reply, BOX_CALENDARS))
        return;
    uint32_t index = event_find(&m, r->arguments[1], date);
    if (index != TREE_NONE && date[0] != '\0')
        answer_occurrence(&m, index, date);
    else if (index != TREE_NONE)
        event_reply(&m, index, 200);
    mailbox_end(&m);
}
