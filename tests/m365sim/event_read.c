#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "tests/m365sim/box_read.h"
#include "tests/m365sim/message_internal.h"
#include "tests/m365sim/mime.h"
#include "tests/m365sim/recurrence.h"
#include "tests/m365sim/zones.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define EVENT_LIMIT    20000u
#define ATTENDEE_LIMIT 500u
#define CUSTOM_ZONE    "tzone://Microsoft/Custom"

static void
set_text(json_t *o, const char *name, const char *text)
{
    if (text != NULL && json_object_get(o, name) == NULL)
        json_object_set_new(o, name, json_string(text));
}

static icalproperty *
first(icalcomponent *c, icalproperty_kind kind)
{
    return icalcomponent_get_first_property(c, kind);
}

static const char *
text_of(icalcomponent *c, icalproperty_kind kind)
{
    icalproperty *p = first(c, kind);
    icalvalue *v = p != NULL ? icalproperty_get_value(p) : NULL;
    if (v == NULL)
        return NULL;
    if (icalvalue_isa(v) == ICAL_TEXT_VALUE)
        return icalvalue_get_text(v);
    return icalproperty_get_value_as_string(p);
}

/* The zone of a time, by the name in the file where it is a known one
 * ("/x.org/Europe/Berlin" included), else by the file's own description. *name
 * is what Graph shows. */
static icaltimezone *
zone_of(icalproperty *p, icalcomponent *calendar, const char **name)
{
    icalparameter *parameter = icalproperty_get_first_parameter(p, ICAL_TZID_PARAMETER);
    const char *id = parameter != NULL ? icalparameter_get_tzid(parameter) : NULL;
    icaltimezone *zone = zones_find(id);
    *name = zone != NULL ? id : "UTC";
    if (zone != NULL || id == NULL)
        return zone != NULL ? zone : icaltimezone_get_utc_timezone();
    for (const char *tail = strchr(id, '/'); tail != NULL && zone == NULL; tail = strchr(tail + 1, '/')) {
        zone = zones_find(tail + 1);
        *name = tail + 1;
    }
    if (zone == NULL && (zone = icalcomponent_get_timezone(calendar, id)) != NULL)
        *name = CUSTOM_ZONE;
    if (zone == NULL)
        *name = "UTC";
    return zone != NULL ? zone : icaltimezone_get_utc_timezone();
}

/* A property's time in its zone. */
static struct icaltimetype
time_of(icalproperty *p, icalcomponent *calendar, const char **name)
{
    struct icaltimetype t = icalvalue_get_datetime(icalproperty_get_value(p));
    *name = "UTC";
    if (t.is_date)
        return t;
    if (icaltime_is_utc(t))
        return t;
    t.zone = zone_of(p, calendar, name);
    return t;
}

static struct icaltimetype
to_utc(struct icaltimetype t)
{
    if (t.is_date || t.zone == NULL)
        return t;
    return icaltime_convert_to_zone(t, icaltimezone_get_utc_timezone());
}

static json_t *
graph_time(struct icaltimetype t)
{
    char text[32];
    zones_write(to_utc(t), NULL, text);
    return json_pack("{s:s,s:s}", "dateTime", text, "timeZone", "UTC");
}

static bool
sane(struct icaltimetype t)
{
    return t.year > 0 && t.year < 10000 && t.month >= 1 && t.month <= 12 && t.day >= 1 && t.day <= 31;
}

static struct icaltimetype
end_of(icalcomponent *c, icalcomponent *calendar, struct icaltimetype start, const char **name)
{
    icalproperty *end = first(c, ICAL_DTEND_PROPERTY), *duration = first(c, ICAL_DURATION_PROPERTY);
    struct icaltimetype t = start;
    if (end != NULL) {
        t = time_of(end, calendar, name);
    } else if (duration != NULL) {
        t = icaltime_add(start, icalproperty_get_duration(duration));
        t.zone = start.zone;
    }
    if (!sane(t) || icaltime_compare(to_utc(t), to_utc(start)) < 0)
        t = start;
    if (start.is_date && icaltime_compare(t, start) <= 0) {
        t = start;
        icaltime_adjust(&t, 1, 0, 0, 0);
    }
    return t;
}

static json_t *
person(icalproperty *p, const char *address)
{
    icalparameter *cn = icalproperty_get_first_parameter(p, ICAL_CN_PARAMETER);
    const char *name = cn != NULL ? icalparameter_get_cn(cn) : NULL;
    if (address != NULL && strncasecmp(address, "mailto:", 7) == 0)
        address += 7;
    return json_pack("{s:s,s:s}", "name",
                     name != NULL      ? name
                     : address != NULL ? address
                                       : "",
                     "address", address != NULL ? address : "");
}

static const char *
response_of(icalproperty *p)
{
    icalparameter *status = icalproperty_get_first_parameter(p, ICAL_PARTSTAT_PARAMETER);
    switch (status != NULL ? (int)icalparameter_get_partstat(status) : 0) {
    case ICAL_PARTSTAT_ACCEPTED:
        return "accepted";
    case ICAL_PARTSTAT_DECLINED:
        return "declined";
    case ICAL_PARTSTAT_TENTATIVE:
        return "tentativelyAccepted";
    default:
        return "none";
    }
}

static const char *
attendee_type(icalproperty *p)
{
    icalparameter *role = icalproperty_get_first_parameter(p, ICAL_ROLE_PARAMETER);
    icalparameter *kind = icalproperty_get_first_parameter(p, ICAL_CUTYPE_PARAMETER);
    int what = kind != NULL ? (int)icalparameter_get_cutype(kind) : 0;
    if (what == ICAL_CUTYPE_ROOM || what == ICAL_CUTYPE_RESOURCE)
        return "resource";
    return role != NULL && icalparameter_get_role(role) == ICAL_ROLE_OPTPARTICIPANT ? "optional" : "required";
}

static void
take_people(json_t *o, icalcomponent *c)
{
    json_t *attendees = json_array();
    icalproperty *p = first(c, ICAL_ORGANIZER_PROPERTY);
    if (p != NULL)
        json_object_set_new(o, "organizer",
                            json_pack("{s:o}", "emailAddress", person(p, icalproperty_get_organizer(p))));
    for (p = first(c, ICAL_ATTENDEE_PROPERTY); p != NULL && json_array_size(attendees) < ATTENDEE_LIMIT;
         p = icalcomponent_get_next_property(c, ICAL_ATTENDEE_PROPERTY)) {
        json_t *one =
            json_pack("{s:s,s:{s:s,s:s},s:o}", "type", attendee_type(p), "status", "response", response_of(p), "time",
                      "0001-01-01T00:00:00Z", "emailAddress", person(p, icalproperty_get_attendee(p)));
        if (one != NULL)
            json_array_append_new(attendees, one);
    }
    json_object_set_new(o, "attendees", attendees);
}

static void
take_categories(json_t *o, icalcomponent *c)
{
    json_t *list = json_array();
    for (icalproperty *p = first(c, ICAL_CATEGORIES_PROPERTY); p != NULL;
         p = icalcomponent_get_next_property(c, ICAL_CATEGORIES_PROPERTY)) {
        const char *all = icalproperty_get_categories(p);
        CLEANUP(memory_free_p) char *copy = memory_strdup(all != NULL ? all : "");
        for (char *rest = copy, *one; (one = strsep(&rest, ",")) != NULL && json_array_size(list) < ATTENDEE_LIMIT;)
            if (one[0] != '\0')
                json_array_append_new(list, json_string(one));
    }
    json_object_set_new(o, "categories", list);
}

static void
take_state(json_t *o, icalcomponent *c)
{
    const char *class = text_of(c, ICAL_CLASS_PROPERTY), *busy = text_of(c, ICAL_TRANSP_PROPERTY);
    const char *status = text_of(c, ICAL_STATUS_PROPERTY), *priority = text_of(c, ICAL_PRIORITY_PROPERTY);
    const char *sensitivity = "normal", *show = "busy";
    if (class != NULL && strcasecmp(class, "PRIVATE") == 0)
        sensitivity = "private";
    else if (class != NULL && strcasecmp(class, "CONFIDENTIAL") == 0)
        sensitivity = "confidential";
    if (busy != NULL && strcasecmp(busy, "TRANSPARENT") == 0)
        show = "free";
    else if (status != NULL && strcasecmp(status, "TENTATIVE") == 0)
        show = "tentative";
    long level = priority != NULL ? strtol(priority, NULL, 10) : 0;
    set_text(o, "importance", level >= 1 && level <= 4 ? "high" : level >= 6 && level <= 9 ? "low" : "normal");
    set_text(o, "sensitivity", sensitivity);
    set_text(o, "showAs", show);
    json_object_set_new(o, "isCancelled", json_boolean(status != NULL && strcasecmp(status, "CANCELLED") == 0));
}

static void
take_reminder(json_t *o, icalcomponent *c)
{
    icalcomponent *alarm = icalcomponent_get_first_component(c, ICAL_VALARM_COMPONENT);
    icalproperty *p = alarm != NULL ? first(alarm, ICAL_TRIGGER_PROPERTY) : NULL;
    int seconds = 0;
    if (p != NULL) {
        struct icaltriggertype trigger = icalproperty_get_trigger(p);
        if (icaltime_is_null_time(trigger.time))
            seconds = -icaldurationtype_as_int(trigger.duration);
    }
    json_object_set_new(o, "isReminderOn", json_boolean(p != NULL));
    json_object_set_new(o, "reminderMinutesBeforeStart", json_integer(seconds > 0 ? seconds / 60 : 0));
}

static void
take_body(json_t *o, icalcomponent *c)
{
    const char *text = text_of(c, ICAL_DESCRIPTION_PROPERTY), *html = NULL;
    for (icalproperty *p = first(c, ICAL_X_PROPERTY); p != NULL && html == NULL;
         p = icalcomponent_get_next_property(c, ICAL_X_PROPERTY)) {
        const char *name = icalproperty_get_x_name(p);
        if (name != NULL && strcasecmp(name, "X-ALT-DESC") == 0)
            html = icalproperty_get_x(p);
    }
    CLEANUP(memory_free_p)
    char *flat = html != NULL ? message_strip_html(html) : memory_strdup(text != NULL ? text : "");
    CLEANUP(memory_free_p) char *preview = message_preview(flat);
    json_object_set_new(
        o, "body",
        json_pack("{s:s,s:s}", "contentType", html != NULL ? "html" : "text", "content", html != NULL ? html : flat));
    message_set_text(o, "bodyPreview", preview);
}

static void
take_attachments(json_t *o, icalcomponent *c)
{
    json_t *files = json_array();
    for (icalproperty *p = first(c, ICAL_ATTACH_PROPERTY); p != NULL;
         p = icalcomponent_get_next_property(c, ICAL_ATTACH_PROPERTY)) {
        icalattach *attach = icalproperty_get_attach(p);
        icalparameter *format = icalproperty_get_first_parameter(p, ICAL_FMTTYPE_PARAMETER);
        icalparameter *named = icalproperty_get_first_parameter(p, ICAL_FILENAME_PARAMETER);
        if (attach == NULL || icalattach_get_is_url(attach) || json_array_size(files) >= ATTENDEE_LIMIT)
            continue;
        const char *data = (const char *)icalattach_get_data(attach);
        const char *name = named != NULL ? icalparameter_get_filename(named) : NULL;
        const char *type = format != NULL ? icalparameter_get_fmttype(format) : NULL;
        CLEANUP(memory_free_p)
        char *made = memory_printf("attachment %zu", json_array_size(files) + 1);
        json_t *one = json_pack(
            "{s:s,s:s,s:s,s:s}", "@odata.type", "#microsoft.graph.fileAttachment", "name", name != NULL ? name : made,
            "contentType", type != NULL ? type : "application/octet-stream", "contentBytes", data != NULL ? data : "");
        if (one != NULL)
            json_array_append_new(files, one);
    }
    if (json_array_size(files) > 0)
        json_object_set(o, "_files", files);
    json_decref(files);
}

static void
take_location(json_t *o, icalcomponent *c)
{
    const char *text = text_of(c, ICAL_LOCATION_PROPERTY);
    if (text == NULL || text[0] == '\0')
        return;
    json_t *place = json_pack("{s:s,s:s,s:s,s:s}", "displayName", text, "locationType", "default", "uniqueId", text,
                              "uniqueIdType", "private");
    json_object_set_new(o, "locations", json_pack("[O]", place));
    json_object_set_new(o, "location", place);
}

static void
take_cancelled(json_t *o, icalcomponent *c, icalcomponent *calendar, icaltimezone *zone)
{
    const char *name;
    json_t *dates = json_array();
    for (icalproperty *p = first(c, ICAL_EXDATE_PROPERTY); p != NULL && json_array_size(dates) < EVENT_LIMIT;
         p = icalcomponent_get_next_property(c, ICAL_EXDATE_PROPERTY)) {
        struct icaltimetype t = time_of(p, calendar, &name);
        if (!t.is_date)
            t = icaltime_convert_to_zone(t, zone);
        if (sane(t))
            json_array_append_new(dates, json_sprintf("%04d-%02d-%02d", t.year, t.month, t.day));
    }
    json_object_set_new(o, "_cancelled", dates);
}

/* Graph knows one rule and no further dates. */
static json_t *
recurrence_of(icalcomponent *c, struct icaltimetype start, const char *zone)
{
    icalproperty *p = first(c, ICAL_RRULE_PROPERTY);
    if (p == NULL || icalcomponent_count_properties(c, ICAL_RRULE_PROPERTY) > 1 ||
        first(c, ICAL_RDATE_PROPERTY) != NULL || first(c, ICAL_EXRULE_PROPERTY) != NULL)
        return NULL;
    struct icalrecurrencetype rule = icalproperty_get_rrule(p);
    return recurrence_from_rule(&rule, start, zone);
}

/* NULL when there is nothing that could be its start. */
static json_t *
read_event(icalcomponent *c, icalcomponent *calendar)
{
    const char *zone, *end_zone, *uid = text_of(c, ICAL_UID_PROPERTY), *subject = text_of(c, ICAL_SUMMARY_PROPERTY);
    icalproperty *p = first(c, ICAL_DTSTART_PROPERTY);
    if (p == NULL)
        p = first(c, ICAL_DTSTAMP_PROPERTY);
    struct icaltimetype start = p != NULL ? time_of(p, calendar, &zone) : icaltime_null_time();
    if (!sane(start))
        return NULL;
    end_zone = zone;
    struct icaltimetype end = end_of(c, calendar, start, &end_zone);
    json_t *o = json_object();
    set_text(o, "subject", subject != NULL ? subject : "");
    set_text(o, "iCalUId", uid != NULL && uid[0] != '\0' ? uid : NULL);
    set_text(o, "type", "singleInstance");
    set_text(o, "originalStartTimeZone", zone);
    set_text(o, "originalEndTimeZone", end_zone);
    json_object_set_new(o, "start", graph_time(start));
    json_object_set_new(o, "end", graph_time(end));
    json_object_set_new(o, "isAllDay", json_boolean(start.is_date));
    take_body(o, c);
    take_location(o, c);
    take_people(o, c);
    take_categories(o, c);
    take_state(o, c);
    take_reminder(o, c);
    take_attachments(o, c);
    json_t *recurrence = recurrence_of(c, start, zone);
    if (recurrence != NULL) {
        json_object_set_new(o, "type", json_string("seriesMaster"));
        json_object_set_new(o, "recurrence", recurrence);
        take_cancelled(o, c, calendar,
                       start.zone != NULL ? (icaltimezone *)(uintptr_t)start.zone : icaltimezone_get_utc_timezone());
    }
    return o;
}

static void
put_event(json_t *found, const char *name, json_t *takes)
{
    CLEANUP(memory_free_p) char *free_name = memory_strdup(name);
    for (unsigned i = 2; json_object_get(found, free_name) != NULL; i++) {
        free(free_name);
        free_name = memory_printf("%s (%u)", name, i);
    }
    json_object_set_new(found, free_name, takes);
}

/* Masters and single events first, so that exceptions find their series. */
static void
read_calendar(icalcomponent *calendar, json_t *found, bool exceptions)
{
    const char *zone;
    for (icalcomponent *c = icalcomponent_get_first_component(calendar, ICAL_VEVENT_COMPONENT);
         c != NULL && json_object_size(found) < EVENT_LIMIT;
         c = icalcomponent_get_next_component(calendar, ICAL_VEVENT_COMPONENT)) {
        icalproperty *which = first(c, ICAL_RECURRENCEID_PROPERTY);
        const char *uid = text_of(c, ICAL_UID_PROPERTY);
        CLEANUP(memory_free_p)
        char *name = memory_strdup(uid != NULL && uid[0] != '\0' ? uid : "event");
        json_t *o = (which != NULL) == exceptions ? read_event(c, calendar) : NULL;
        if (o == NULL)
            continue;
        const json_t *master = json_object_get(found, name);
        if (which != NULL) {
            char text[32];
            zones_write(to_utc(time_of(which, calendar, &zone)), NULL, text);
            if (master != NULL && json_object_get(master, "recurrence") != NULL) {
                json_object_set_new(o, "type", json_string("exception"));
                json_object_set_new(o, "originalStart", json_sprintf("%.19sZ", text));
                json_object_set_new(o, "_series", json_string(name));
            }
            char *longer = memory_printf("%s %s", name, text);
            free(name);
            name = longer;
        }
        put_event(found, name, o);
    }
}

static void
read_all(icalcomponent *c, json_t *found)
{
    /* The root of a file of several components may hold events without a calendar around them. */
    read_calendar(c, found, false);
    read_calendar(c, found, true);
    for (icalcomponent *one = icalcomponent_get_first_component(c, ICAL_VCALENDAR_COMPONENT); one != NULL;
         one = icalcomponent_get_next_component(c, ICAL_VCALENDAR_COMPONENT))
        read_all(one, found);
}

json_t *
event_read(const char *data, size_t len)
{
    json_t *found = json_object();
    CLEANUP(memory_free_p) char *text = mime_to_utf8(NULL, data, len);
    zones_lock();
    icalcomponent *c = icalparser_parse_string(text);
    if (c != NULL && icalcomponent_isa(c) == ICAL_VEVENT_COMPONENT) {
        icalcomponent *around = icalcomponent_new(ICAL_VCALENDAR_COMPONENT);
        icalcomponent_add_component(around, c);
        c = around;
    }
    if (c != NULL) {
        read_all(c, found);
        icalcomponent_free(c);
    }
    zones_unlock();
    return found;
}
