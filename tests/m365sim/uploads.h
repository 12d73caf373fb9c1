#ifndef LONGHAUL_TESTS_M365SIM_UPLOADS_H
#define LONGHAUL_TESTS_M365SIM_UPLOADS_H

/* Upload sessions, of drive items and of attachments. Any thread. */

#include <stdint.h>

struct clock;
struct reply;
struct request;
struct uploads;

struct uploads *uploads_new(const struct clock *clock);
void uploads_free(struct uploads *u);

/* PUT, GET, POST and DELETE of /upload/{id}. */
void uploads_handle(struct request *r, struct reply *reply);

#endif
