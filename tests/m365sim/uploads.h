#ifndef LONGHAUL_TESTS_M365SIM_UPLOADS_H
#define LONGHAUL_TESTS_M365SIM_UPLOADS_H

/* Upload sessions, of drive items and of attachments. Any thread. */

#include <jansson.h>
#include <stdint.h>

struct account;
struct clock;
struct reply;
struct request;
struct uploads;

struct uploads *uploads_new(const struct clock *clock);
void uploads_free(struct uploads *u);

/* Open a session and answer with it. folder: where the bytes gather; parent_key and name: where the item will be. */
void uploads_begin_drive(struct request *r, struct reply *reply, struct account *account, const char *folder,
                         uint64_t parent_key, const char *name, const json_t *given);
void uploads_begin_attachment(struct request *r, struct reply *reply, struct account *account, uint64_t message_key,
                              const json_t *item);

/* PUT, GET, POST and DELETE of /upload/{id}. */
void uploads_handle(struct request *r, struct reply *reply);

#endif
