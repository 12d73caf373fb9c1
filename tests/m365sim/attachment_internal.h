#ifndef LONGHAUL_TESTS_M365SIM_ATTACHMENT_INTERNAL_H
#define LONGHAUL_TESTS_M365SIM_ATTACHMENT_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct mailbox;
struct message;
struct reply;
struct request;
struct tree;

#define ATTACHMENT_ID_LEN 80

bool attachment_parse_id(const struct message *m, const char *id, char *kind, unsigned *number);
/* Whether the request is about an event's attachments rather than a message's. */
bool attachment_of_event(const struct request *r);
/* The mailbox or the calendars, locked. */
bool attachment_begin(struct mailbox *m, struct request *r, struct reply *reply);
/* The message or event of arguments[1]; false: the error is in reply. */
bool attachment_take_message(struct request *r, struct reply *reply, struct message *m);
const json_t *attachment_find_added(const json_t *document, unsigned number, size_t *position);

/* Adds to the document what an attachment entity says and writes its bytes beside it (data NULL: they are
 * there already). The number is returned, or -1. */
int attachment_add(struct tree *tree, uint64_t key, json_t *document, const json_t *given, const void *data, size_t len,
                   struct error *err);
/* Adds each of a list of entities with contentBytes; ERROR_FORMAT when one is wrong. */
int attachment_take_all(struct tree *tree, uint64_t key, json_t *document, const json_t *list, struct error *err);
/* The number the next attachment of a document gets. */
int attachment_next_number(const json_t *document);
void attachment_make_id(uint64_t key, char kind, unsigned number, char out[ATTACHMENT_ID_LEN]);

#endif
