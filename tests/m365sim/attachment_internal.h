#ifndef LONGHAUL_TESTS_M365SIM_ATTACHMENT_INTERNAL_H
#define LONGHAUL_TESTS_M365SIM_ATTACHMENT_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct message;
struct reply;
struct request;

#define ATTACHMENT_ID_LEN 80

bool attachment_parse_id(const struct message *m, const char *id, char *kind, unsigned *number);
/* The message of arguments[1]; false: the error is in reply. */
bool attachment_take_message(struct request *r, struct reply *reply, struct message *m);
const json_t *attachment_find_added(const json_t *document, unsigned number, size_t *position);

#endif
