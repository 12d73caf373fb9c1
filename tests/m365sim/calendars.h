#ifndef LONGHAUL_TESTS_M365SIM_CALENDARS_H
#define LONGHAUL_TESTS_M365SIM_CALENDARS_H

/* The handlers of calendars and events. Arguments: user, then calendar or
 * event; without a calendar it is the default one, whose other name is
 * "calendar". Occurrences of a series that nobody changed are no items of their
 * own: their ids are the master's with a date behind. */

#include "tests/m365sim/box.h"

#include <jansson.h>
#include <stdint.h>

struct reply;
struct request;

void calendars_list(struct request *r, struct reply *reply);
void calendars_get(struct request *r, struct reply *reply);
void calendars_create(struct request *r, struct reply *reply);
void calendars_update(struct request *r, struct reply *reply);
void calendars_delete(struct request *r, struct reply *reply);

void events_list(struct request *r, struct reply *reply);
void events_delta(struct request *r, struct reply *reply);
void events_create(struct request *r, struct reply *reply);
void events_view(struct request *r, struct reply *reply); /* calendarView */
void events_get(struct request *r, struct reply *reply);
void events_update(struct request *r, struct reply *reply);
void events_delete(struct request *r, struct reply *reply);
void events_instances(struct request *r, struct reply *reply);

/* Shared among them; the tree is locked. */
#define CALENDAR_ALIAS "calendar"
#define EVENT_DATE_LEN 11

/* An event by id; date is "" or, for an occurrence of the master, its local
 * date. TREE_NONE and the error. */
uint32_t event_find(struct mailbox *m, const char *id, char date[EVENT_DATE_LEN]);
/* Answers with the event as JSON, $expand and $select applied. */
void event_reply(struct mailbox *m, uint32_t index, unsigned status);
json_t *event_json(struct mailbox *m, uint32_t index);
/* Puts start and end into the zone that Prefer: outlook.timezone asks for;
 * event_json() leaves them in UTC. */
void event_localize(struct mailbox *m, json_t *o);
/* The next exception of a series behind `previous`. */
uint32_t event_next_exception(struct mailbox *m, uint32_t master, uint32_t previous);
bool event_is_exception(struct mailbox *m, uint32_t index);
/* The master of an exception. */
uint32_t event_master(struct mailbox *m, uint32_t exception);

/* The occurrences of a document (a single event: itself) that begin or last
 * within [from, to) as rows of a view, without those that are cancelled or
 * exceptions. date not "": only the one of that day, whenever. */
void event_occurrences(struct mailbox *m, uint32_t index, const json_t *document, const char *from, const char *to,
                       const char *date, json_t *rows);

#endif
