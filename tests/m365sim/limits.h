#ifndef LONGHAUL_TESTS_M365SIM_LIMITS_H
#define LONGHAUL_TESTS_M365SIM_LIMITS_H

/* Microsoft's published throttling limits, read from a file (see limits.json). Any thread. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct clock;
struct error;
struct limits;
struct reply;
struct request;
struct route;

struct limits_ticket {
    char mailbox[80]; /* "" when none was entered */
};

/* file NULL or "off": nothing is limited until limits_set(). */
struct limits *limits_open(const char *file, const struct clock *clock, struct error *err);
void limits_free(struct limits *l);
/* Replaces the numbers by those of a document like limits.json; NULL switches off. Counters begin anew. */
int limits_set(struct limits *l, const json_t *numbers, struct error *err);

/* true: go on and call limits_leave() afterwards. false: the 429 is in reply. */
bool limits_enter(struct limits *l, struct limits_ticket *ticket, const struct request *r, const struct route *route,
                  struct reply *reply);
void limits_leave(struct limits *l, const struct limits_ticket *ticket, struct reply *reply);

#endif
